"""`afs backup setup`: where `dvc push` and the archives go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.backup.dvc_remote import DvcRemote


def setup(
    folder_id: Annotated[
        str,
        typer.Option(help="Drive folder: its id or its address.", show_default=False),
    ] = "",
    client_id: Annotated[
        str, typer.Option(help="Your own OAuth client's id.", show_default=False)
    ] = "",
    client_secret: Annotated[
        str,
        typer.Option(
            help="Its secret.", show_default=False, envvar="AFS_GDRIVE_CLIENT_SECRET"
        ),
    ] = "",
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="Where the login is kept; .dvc/tmp if left out.", show_default=False
        ),
    ] = None,
    service_account: Annotated[
        Path | None,
        typer.Option(
            help="A service account's JSON key, instead of a client.",
            show_default=False,
        ),
    ] = None,
    service_account_user: Annotated[
        str, typer.Option(help="The person it acts for.", show_default=False)
    ] = "",
    folder: Annotated[
        Path | None,
        typer.Option(
            help="A mounted Drive folder or another disk.", show_default=False
        ),
    ] = None,
    rclone: Annotated[
        str, typer.Option(help="An rclone remote: NAME:PATH.", show_default=False)
    ] = "",
    mount: Annotated[
        Path | None,
        typer.Option(
            help="With --rclone: where it is mounted, for `dvc push`.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Choose where `dvc push` and the archives go, write it down, and try a write, a
    read and a delete.

    Writes .dvc/config (secrets to .dvc/config.local, which Git ignores) and
    backup.target in params.yaml. Without options it asks.
    """
    chosen = [bool(folder_id), folder is not None, bool(rclone)].count(True)
    if chosen == 0:
        folder_id, client_id, client_secret, service_account, folder, rclone = _ask()
    elif chosen > 1:
        raise UserError(
            "choose one target", fix="one of --folder-id, --folder, --rclone"
        )
    from afs_stages.backup.dvc_remote import undone_on_failure

    with undone_on_failure(Path()):
        if folder_id:
            _write(
                _drive(
                    folder_id,
                    client_id,
                    client_secret,
                    credentials,
                    service_account,
                    service_account_user,
                ),
                "",
            )
        elif folder:
            _folder(folder)
        else:
            _rclone(rclone, mount)
        _try_out()


def _ask() -> tuple[str, str, str, Path | None, Path | None, str]:
    if not sys.stdin.isatty():
        raise UserError(
            "say where to",
            fix="--folder-id ID …, --folder PATH, or --rclone NAME:PATH; see --help",
        )
    kind = typer.prompt(
        "Where to? 1 Drive, own client  2 Drive, service account  3 a folder  4 rclone",
        type=int,
    )
    if kind in (1, 2):
        folder_id = typer.prompt("Drive folder (id or address)")
        if kind == 2:
            return (
                folder_id,
                "",
                "",
                Path(typer.prompt("The service account's JSON key")),
                None,
                "",
            )
        client_id = typer.prompt("Client id")
        return (
            folder_id,
            client_id,
            typer.prompt("Client secret", hide_input=True),
            None,
            None,
            "",
        )
    if kind == 3:
        return "", "", "", None, Path(typer.prompt("Folder")), ""
    return "", "", "", None, None, typer.prompt("rclone remote (NAME:PATH)")


def _drive(
    folder_id: str,
    client_id: str,
    secret: str,
    credentials: Path | None,
    key: Path | None,
    acts_for: str,
) -> DvcRemote:
    from afs_stages.backup import dvc_remote

    if key is not None:
        return dvc_remote.service_account(folder_id, key, acts_for)
    if not (client_id and secret):
        raise UserError(
            "Drive needs an account: Google blocks DVC's own client",
            fix="--client-id and --client-secret of your own client, "
            "or --service-account KEY.json (docs/backups.md)",
        )
    return dvc_remote.own_client(Path(), folder_id, client_id, secret, credentials)


def _folder(folder: Path) -> None:
    from afs_stages.backup import dvc_remote

    _write(dvc_remote.folder(folder), "")


def _write(remote: DvcRemote, target: str) -> None:
    from afs_stages.backup import dvc_remote

    dvc_remote.set_target(Path(), target)
    dvc_remote.write(Path(), remote)
    console.say(f"DVC's default remote is '{remote.name}': {remote.shared['url']}")


def _rclone(remote: str, mount: Path | None) -> None:
    from afs_stages.backup import dvc_remote

    if ":" not in remote:
        raise UserError(
            f"'{remote}' is no rclone path",
            where="--rclone",
            fix="NAME:PATH, as `rclone ls` takes it",
        )
    if mount is not None:
        _write(dvc_remote.folder(mount, "rclone-mount"), f"rclone:{remote}")
        return
    dvc_remote.set_target(Path(), f"rclone:{remote}")
    console.say(
        "archives go to rclone; `dvc push` stays with DVC's default remote, "
        "which `afs backup push --all`"
    )
    console.say("copies along (give --mount to push there directly)")


def _try_out() -> None:
    from afs_stages.backup import dvc_remote
    from afs_stages.commands.backup.target import project_target

    with project_target() as here:
        dvc_remote.try_out(here.store, here.state.clone)
        console.say(
            f"tried a write, a read and a delete: archives go to {here.store.where}"
        )
