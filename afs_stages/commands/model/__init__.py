"""`afs model …`: what a model knows, what it forgot, and how it is used."""

from __future__ import annotations

from afs_stages.core import console
from afs_stages.core.lazy import CommandTable, lazy_group

# command -> (module:attribute, help)
COMMANDS: CommandTable = {
    "forgetting": (
        "afs_stages.commands.model.forgetting",
        "Print and draw the forgetting matrix of a model.",
    ),
    "gate": (
        "afs_stages.commands.model.gate",
        "Exit with 2 where the version built last fails a gate of evaluate.",
    ),
    "rollback": (
        "afs_stages.commands.model.rollback",
        "Put the last release back into use; nothing is trained again.",
    ),
    "chat": (
        "afs_stages.commands.model.chat",
        "Talk to a version in the terminal, beside the base or another version.",
    ),
    "merge": (
        "afs_stages.commands.model.merge",
        "Merge a version into its base: one folder that any program loads.",
    ),
    "gguf": (
        "afs_stages.commands.model.gguf",
        "Write a version as GGUF, for llama.cpp, LM Studio and Ollama.",
    ),
    "serve": (
        "afs_stages.commands.model.serve",
        "Serve a version to programs that speak OpenAI's protocol.",
    ),
    "publish": (
        "afs_stages.commands.model.publish",
        "Copy an adapter so that it loads from anywhere.",
    ),
}

app = console.stage_app("model", "Look at trained models, and use them.")
app.info.cls = lazy_group(COMMANDS)


@app.callback()
def main() -> None:
    """Look at trained models, and use them.

    Without `--version` a command takes the version in use: the one registered last, or
    the one that `afs model rollback` went back to.
    """
