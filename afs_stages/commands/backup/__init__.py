"""`afs backup …`: dated archives on Google Drive, a folder or an rclone remote, and
DVC's own remote.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.commands.backup import restore as backup_restore
from afs_stages.commands.backup import setup as backup_setup
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
    from afs_stages.backup.items import Item

app = console.stage_app(
    "backup",
    "Save everything to Drive, a folder or an rclone remote; restore it; "
    "try the restore.",
)


@app.callback()
def main() -> None:
    """Save everything to Google Drive, a folder or an rclone remote; restore it;
    try the restore.

    Exit codes: 0 done, or nothing to do; 1 failed, with the reason; 2 wrong usage; 3 a
    backup is damaged or a drill failed; 75 another backup command is running.
    """


@app.command()
def push(
    everything: Annotated[
        bool, typer.Option("--all", help="Data, models, evaluations, and `dvc push`.")
    ] = False,
    training_data: Annotated[
        bool,
        typer.Option(
            "--training-data",
            help="Raw snapshots, releases, rehearsal buffers, splits, project files.",
        ),
    ] = False,
    model: Annotated[str, typer.Option("--model", help="One model by name.")] = "",
    path: Annotated[
        Path | None,
        typer.Option("--path", help="The model's folder, if not models/NAME."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be saved; write nothing.")
    ] = False,
    dvc: Annotated[
        bool, typer.Option("--dvc/--no-dvc", help="With --all: `dvc push` as well.")
    ] = True,
    target: Target = "",
) -> None:
    """Save what changed since the last push; unchanged content is not sent again.

    An archive appears under its name only after its checksum was read back from the
    target. A push that was cut goes on where it stopped. Progress goes to stderr and to
    a log in AFS_Backups/logs. Of the project's own files, those that Git tracks; files
    with credentials never.
    """
    if [everything, training_data, bool(model)].count(True) != 1:
        raise UserError(
            "say what to save",
            fix="one of --all, --training-data, --model NAME [--path FOLDER]",
        )
    with project_target(target) as here:
        _push(
            here,
            _items(here.root, training_data, model, path),
            dry_run,
            everything and dvc,
        )


def _items(
    root: Path, training_data: bool, model: str, path: Path | None
) -> list[Item]:
    from afs_stages.backup import items

    if model:
        return [items.model(root, model, path)]
    return items.training_data(root) if training_data else items.everything(root)


def _push(here: ProjectTarget, items: list[Item], dry_run: bool, dvc: bool) -> None:
    from afs_stages.backup import push as room
    from afs_stages.backup.naming import LOGS, stamp_after
    from afs_stages.backup.state import run_log

    now = datetime.now(UTC)
    with run_log(here.state, stamp_after(now, [])) as log:
        outcome = room.push(here.store, items, now, here.state.clone, dry_run)
        if dvc and not dry_run:
            here.push_dvc(outcome)
    for name, file in outcome.pushed.items():
        console.say(f"{'would save' if dry_run else 'saved'} {name} as {file}")
    counts = (
        f"{len(outcome.pushed)} saved, {len(outcome.unchanged)} unchanged, "
        f"{len(outcome.failed)} failed"
    )
    console.say(f"{counts}: {here.store.where}")
    if dry_run:
        return
    if outcome.pushed or outcome.failed:
        here.store.put(LOGS, f"{log.stem}-{here.state.clone}.log", log.read_bytes())
    if outcome.failed:
        for name, error in outcome.failed.items():
            console.warn(f"{name}: {error}")
        raise typer.Exit(FAILED)
    facts = {
        "target": here.store.where,
        "saved": list(outcome.pushed.values()),
        "unchanged": len(outcome.unchanged),
    }
    here.state.succeeded(now, facts)


@app.command("list")
def list_(
    name: Annotated[
        str, typer.Argument(help="Only this item.", show_default=False)
    ] = "",
    target: Target = "",
) -> None:
    """List the archives by category, oldest first, with size and time."""
    from afs_stages.backup.catalog import listings

    with project_target(target, lock=False) as here:
        console.say(here.store.where)
        for shelf in listings(here.store):
            console.say(f"{shelf.category}/")
            for archive in shelf.archives:
                if name in ("", archive.name):
                    note = "" if archive.beside else "  (no manifest beside it)"
                    console.say(
                        f"  {archive.entry.size:>14,}  {archive.entry.name}{note}"
                    )
            for entry in shelf.partials:
                console.say(f"  {entry.size:>14,}  {entry.name}  (unfinished)")


@app.command()
def cleanup(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Sound archives to keep of each item.")
    ] = None,
    delete_damaged: Annotated[
        bool,
        typer.Option(
            "--delete-damaged",
            help="Also remove damaged ones where a sound one remains.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be removed; remove nothing."),
    ] = False,
    target: Target = "",
) -> None:
    """Remove old archives, keeping the newest of each item that verify.

    Every archive it counts on is verified first.
    What does not verify stays and is named.
    """
    from afs_stages.backup import cleanup as room

    with project_target(target) as here:
        chosen = room.plan(
            here.store, keep or here.keep, datetime.now(UTC), delete_damaged
        )
        for entry in chosen.remove:
            console.say(f"{'would remove' if dry_run else 'remove'} {entry.path}")
        for name, why in chosen.left.items():
            console.warn(f"left {name}: {why}")
        if not dry_run:
            room.cleanup(here.store, chosen)
        console.say(
            f"{len(chosen.remove)} files {'to remove' if dry_run else 'removed'}, "
            f"{len(chosen.left)} left"
        )


@app.command()
def verify(
    name: Annotated[
        str,
        typer.Argument(help="An item or archive; all if left out.", show_default=False),
    ] = "",
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Fetch and unpack each, and hash every file in it."
        ),
    ] = False,
    target: Target = "",
) -> None:
    """Check every archive against its manifest:
    size and checksum as the target has them now.

    Exit code 3 when one is damaged or has no manifest.
    """
    from afs_stages.backup import catalog

    with project_target(target, lock=False) as here:
        archives = [
            archive
            for shelf in catalog.listings(here.store)
            for archive in shelf.archives
        ]
        chosen = [
            archive
            for archive in archives
            if name in ("", archive.name, archive.entry.name)
        ]
        if name and not chosen:
            catalog.find(here.store, name)
        damaged = 0
        for archive in chosen:
            wrong = catalog.problem(here.store, archive, deep)
            damaged += bool(wrong)
            console.say(
                f"{'DAMAGED' if wrong else 'sound  '} "
                f"{archive.entry.path}{': ' + wrong if wrong else ''}"
            )
        console.say(f"{len(chosen) - damaged} sound, {damaged} damaged")
    if damaged:
        raise typer.Exit(DAMAGED)


app.command()(backup_restore.restore)
app.command()(backup_restore.drill)
app.command()(backup_setup.setup)

if __name__ == "__main__":
    console.run(app)
