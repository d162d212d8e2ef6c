"""`afs upgrade`: a project moves to the package that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console

SHOWN = 30
"""Stages that are named; more are counted."""
app = console.stage_app("upgrade", "Move a project to the package that runs.")


@app.command()
def upgrade(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="do it without asking")
    ] = False,
) -> None:
    """Show which stages this package would run again, and why; after a yes, write its
    pipeline and code.json.

    Nothing is run: `dvc repro` does that.
    """
    from afs_stages import __version__
    from afs_stages.project.create import write_pipeline
    from afs_stages.project.upgrade import what_reruns

    reasons = what_reruns()
    if not reasons:
        console.say(f"nothing to do: afs-stages {__version__} builds this project")
        return
    console.say(f"afs-stages {__version__} would run again:")
    for name, reason in list(reasons.items())[:SHOWN]:
        console.say(f"  {name:<28} {reason}")
    if len(reasons) > SHOWN:
        console.say(f"  … and {len(reasons) - SHOWN} more")
    if not yes and not typer.confirm("Write its dvc.yaml, remote/dvc.yaml, code.json?"):
        console.say("nothing was changed")
        return
    write_pipeline(Path())
    console.say("written; next: dvc repro")


if __name__ == "__main__":
    console.run(app)
