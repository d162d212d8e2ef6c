"""`afs model …`: what a model knows, and what it forgot."""

from __future__ import annotations

from afs_stages.core import console
from afs_stages.core.lazy import CommandTable, lazy_group

# command -> (module:attribute, help)
COMMANDS: CommandTable = {
    "forgetting": (
        "afs_stages.commands.model_forgetting",
        "Print and draw the forgetting matrix of a model.",
    ),
}

app = console.stage_app("model", "Look at trained models.")
app.info.cls = lazy_group(COMMANDS)


@app.callback()
def main() -> None:
    """Look at trained models."""
