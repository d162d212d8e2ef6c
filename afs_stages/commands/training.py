"""`afs training …`: the data set made by hand, step by step, with the documented flags."""

from __future__ import annotations

from afs_stages.core import console
from afs_stages.core.lazy import Table, lazy_group

# command -> (module:attribute, help)
COMMANDS: Table = {
    "registry-create": ("afs_stages.commands.training_registry:create", "Record an experiment."),
    "registry-list": ("afs_stages.commands.training_registry:list_", "List experiments."),
    "registry-show": ("afs_stages.commands.training_registry:show", "Show one experiment."),
    "registry-compare": ("afs_stages.commands.training_registry:compare", "Compare experiments side by side."),
}

app = console.stage_app("training", "Make data sets by hand, step by step.")
app.info.cls = lazy_group(COMMANDS)


@app.callback()
def main() -> None:
    """Make data sets by hand: export, rehearse, rebalance, split, convert, register."""
