"""`afs`: every stage and tool under the names people know.

Commands are imported when they are called, so that `afs --help` answers at once.
"""

from __future__ import annotations

from typing import Any

import typer

from afs_stages import __version__
from afs_stages.core import console
from afs_stages.core.lazy import CommandTable, lazy_group

COMMANDS: CommandTable = {
    "init": (
        "afs_stages.commands.init",
        "Make a project of your own from the sources that are there.",
    ),
    "upgrade": (
        "afs_stages.commands.upgrade",
        "Move a project to the package that runs; shows first what will rerun.",
    ),
    "status": (
        "afs_stages.commands.status",
        "Say where things stand and what to do next.",
    ),
    "summary": (
        "afs_stages.commands.summary",
        "Print what the last run did: rows, drops, scores, forgetting.",
    ),
    "validate": (
        "afs_stages.commands.validate",
        "Check JSONL files row by row; --fix keeps the good rows.",
    ),
    "release": (
        "afs_stages.commands.release",
        "Freeze a version, adopt one made elsewhere, list and compare them.",
    ),
    "params": (
        "afs_stages.stages.params",
        "Check params.yaml as a whole: keys, types, ranges, source folders.",
    ),
    "collect": (
        "afs_stages.commands.collect",
        "Bring your own sessions into data/raw, redacted, under DVC.",
    ),
    "train": ("afs_stages.stages.train", "Train a LoRA adapter by hand."),
    "evaluate": (
        "afs_stages.stages.evaluate",
        "Measure an adapter by hand: loss, tasks, forgetting.",
    ),
    "model": (
        "afs_stages.commands.model",
        "Look at trained models and use them: merge, chat, serve.",
    ),
    "base": (
        "afs_stages.commands.base_models",
        "Base models: fetch one by name, or take a GGUF file.",
    ),
    "oracle": (
        "afs_stages.commands.oracle",
        "Make samples from a 65816 codebase and its docs.",
    ),
    "scoring": (
        "afs_stages.commands.scoring",
        "Score samples: assembly, discriminator, entities, information.",
    ),
    "discriminator": (
        "afs_stages.commands.discriminator",
        "Tell real assembly from corrupted: make pairs, train, score, filter.",
    ),
    "vastai": (
        "afs_stages.commands.vastai",
        "Train on rented GPUs: plan, launch, monitor, collect, cleanup.",
    ),
    "training": (
        "afs_stages.commands.training",
        "Make data sets by hand: export, rehearse, rebalance, split, convert.",
    ),
    "backup": (
        "afs_stages.commands.backup",
        "Save everything, list, clean up, restore, verify, drill.",
    ),
}

app = console.stage_app(
    "afs", "Retrain a domain expert again and again without it forgetting."
)
NEED_A_PROJECT = {
    "upgrade",
    "status",
    "summary",
    "release",
    "model",
    "backup",
}
"""Commands that are of no use outside of a project."""


def _in_project(name: str, command: Any) -> None:
    """Let a command find the project around the current folder."""
    from afs_stages.project.place import run_in_project

    if name != "init":
        run_in_project(command, needed=name in NEED_A_PROJECT)


app.info.cls = lazy_group(COMMANDS, _in_project)


def _version(value: bool) -> None:
    if value:
        console.say(f"afs-stages {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Retrain a domain expert again and again without it forgetting.

    The pipeline itself is `dvc repro`; these commands run single steps by hand, look
    after releases, remote jobs and backups, and say where things stand.
    """


def entry() -> None:
    """The console script."""
    console.run(app)


if __name__ == "__main__":
    entry()
