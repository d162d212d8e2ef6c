"""`afs training …`: the data set made by hand, step by step,
with the documented flags.
"""

from __future__ import annotations

from afs_stages.commands.training.exports import table
from afs_stages.core import console
from afs_stages.core.lazy import CommandTable, lazy_group

# command -> (module:attribute, help)
COMMANDS: CommandTable = {
    **table(),
    "rehearsal-build": (
        "afs_stages.commands.rehearsal:build",
        "Build a rehearsal buffer from a version's rows.",
    ),
    "rehearsal-mix": (
        "afs_stages.commands.rehearsal:mix",
        "Mix a rehearsal buffer into new rows.",
    ),
    "rebalance": (
        "afs_stages.stages.rebalance:by_hand",
        "Mix files by source or domain, in the shares asked for.",
    ),
    "prepare": (
        "afs_stages.commands.prepare",
        "Split files into train, val and test that do not leak.",
    ),
    "convert": (
        "afs_stages.stages.convert:by_hand",
        "One file to or from a training format.",
    ),
    "registry-create": (
        "afs_stages.commands.training.registry:create",
        "Record an experiment.",
    ),
    "registry-list": (
        "afs_stages.commands.training.registry:list_",
        "List experiments.",
    ),
    "registry-show": (
        "afs_stages.commands.training.registry:show",
        "Show one experiment.",
    ),
    "registry-compare": (
        "afs_stages.commands.training.registry:compare",
        "Compare experiments side by side.",
    ),
}

app = console.stage_app("training", "Make data sets by hand, step by step.")
app.info.cls = lazy_group(COMMANDS)


@app.callback()
def main() -> None:
    """Make data sets by hand: export, rehearse, rebalance, split, convert, register."""
