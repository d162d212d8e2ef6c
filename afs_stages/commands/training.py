"""`afs training …`: the data set made by hand, step by step, with the documented flags."""

from __future__ import annotations

from afs_stages.core import console
from afs_stages.core.lazy import Table, lazy_group

# command -> (module:attribute, help)
COMMANDS: Table = {}

app = console.stage_app("training", "Make data sets by hand, step by step.")
app.info.cls = lazy_group(COMMANDS)


@app.callback()
def main() -> None:
    """Make data sets by hand: export, rehearse, rebalance, split, convert, register."""
