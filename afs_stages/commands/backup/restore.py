"""`afs backup restore` and `afs backup drill`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.commands.backup.target import (
    DAMAGED,
    FAILED,
    ProjectTarget,
    Target,
    project_target,
)
from afs_stages.core import console
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.backup.restore import Restored


def restore(
    name: Annotated[
        str,
        typer.Argument(
            help="An item (its latest sound archive) or an archive's file name.",
            show_default=False,
        ),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="The latest sound archive of every item.")
    ] = False,
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Where; the project itself if left out.", show_default=False
        ),
    ] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that differ.")
    ] = False,
    target: Target = "",
) -> None:
    """Fetch an archive, verify every file of it, and only then put the files in place.

    Files that are there already and are the same stay; files that differ stop it,
    unless --force.
    """
    from afs_stages.backup import catalog
    from afs_stages.backup import restore as room

    if bool(name) == everything:
        raise UserError(
            "say what to restore", fix="an item's name (afs backup list), or --all"
        )
    with project_target(target) as here:
        if everything:
            problems = _restore_all(here, to, force)
        else:
            done = room.restore(here.store, catalog.find(here.store, name), to, force)
            problems = []
            _tell(done)
    if problems:
        for problem in problems:
            console.warn(problem)
        raise typer.Exit(FAILED)


def _restore_all(here: ProjectTarget, to: Path, force: bool) -> list[str]:
    """Restore every item; one that cannot be does not keep the others away.
    Returns what went wrong.
    """
    from afs_stages.backup import restore as room

    archives, problems = room.latest_of_each(here.store)
    if not archives and not problems:
        raise UserError("there is no backup yet", where=here.store.where)
    for archive in archives:
        try:
            _tell(room.restore(here.store, archive, to, force))
        except UserError as error:
            problems.append(str(error))
    here.fetch_dvc()
    return problems


def _tell(done: Restored) -> None:
    console.say(
        f"restored {done.archive}: {done.written:,} files written, {done.present:,} "
        "there already"
    )


def drill(
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="An empty folder to work in, left for a look.",
            show_default=False,
        ),
    ] = None,
    target: Target = "",
) -> None:
    """Try the restore: clone to an empty folder, restore the latest backup, `dvc pull`,
    `dvc repro --dry`.

    Fails (exit code 3) if anything does not come back, a stage would run, or an
    adapter's hash is not the registry's. A monthly habit.
    """
    from afs_stages.backup import drill as room

    with project_target(target) as here, ExitStack() as stack:
        folder = to or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="afs-drill-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(
                f"{folder} is not empty", where="--to", fix="give a new folder"
            )
        found = room.drill(here.root, here.store, folder.absolute())
    console.say(
        f"{found.archives} archives, {found.files:,} files, {found.adapters} "
        "adapters came back"
    )
    for problem in found.problems:
        console.say(f"PROBLEM {problem}")
    if found.problems:
        raise typer.Exit(DAMAGED)
    console.say("the drill passed: nothing would run, everything verified")
