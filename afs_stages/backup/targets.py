"""From settings to a store: archives lie in `AFS_Backups` below DVC's default remote,
or where params.yaml says.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from afs_stages.backup.folder import Folder
from afs_stages.backup.naming import TOP
from afs_stages.backup.state import LocalState
from afs_stages.backup.store import Store
from afs_stages.core.errors import UserError, nearest

RCLONE = "rclone:"


def open_store(root: Path, target: str, state: LocalState) -> Store:
    """The store of a target: `rclone:REMOTE:PATH`, a DVC remote's name, a folder, or
    empty for DVC's default.

    Raises `UserError` when there is no such remote, or it cannot be reached.
    """
    if target.startswith(RCLONE):
        from afs_stages.backup.rclone import Rclone

        remote = target.removeprefix(RCLONE)
        return Rclone(remote + TOP if remote.endswith(":") else f"{remote}/{TOP}")
    if "/" in target or target.startswith((".", "~")):
        return Folder((root / Path(target).expanduser()) / TOP, state.clone)
    return _below_dvc_remote(root, target, state)


def dvc_config(root: Path) -> dict[str, Any]:
    """DVC's merged configuration, relative paths resolved.
    Raises `UserError` where there is none.
    """
    from dvc.config import Config, ConfigError

    if not (root / ".dvc").is_dir():
        raise UserError(
            "this is no DVC project",
            where=str(root),
            fix="run it in the repository's root",
        )
    try:
        return dict(Config(str(root / ".dvc")))
    except ConfigError as error:
        raise UserError(f"DVC: {error}", where=".dvc/config") from None


def _below_dvc_remote(root: Path, name: str, state: LocalState) -> Store:
    config = dvc_config(root)
    remotes: dict[str, Any] = config.get("remote", {})
    name = name or config.get("core", {}).get("remote", "")
    if name not in remotes:
        what = (
            f"DVC has no remote '{name}' ({nearest(name, list(remotes))})"
            if name
            else "DVC has no default remote"
        )
        raise UserError(what, where="backup.target", fix="set one up: afs backup setup")
    url = str(remotes[name]["url"])
    if url.startswith("gdrive://"):
        return _drive(config, name, state)
    if "://" in url:
        raise UserError(
            f"archives cannot go to the DVC remote '{name}' ({url.split('://')[0]})",
            where="backup.target",
            fix="set backup.target in params.yaml to a folder or rclone:REMOTE:PATH",
        )
    path = Path(url)
    if path.parent.name == TOP:
        return Folder(path.parent, state.clone)
    if path.parent.is_dir():
        path.mkdir(exist_ok=True)
    return Folder(path / TOP, state.clone)


def dvc_folder(root: Path) -> Path | None:
    """The folder of DVC's default remote, None if it is no folder on this machine."""
    config = dvc_config(root)
    url = str(
        config.get("remote", {})
        .get(config.get("core", {}).get("remote", ""), {})
        .get("url", "")
    )
    return Path(url) if url and "://" not in url else None


def _drive(config: dict[str, Any], name: str, state: LocalState) -> Store:
    from dvc.config import ConfigError
    from dvc.fs import get_cloud_fs
    from dvc_objects.fs.errors import ConfigError as RemoteError

    from afs_stages.backup.drive import Drive, refusals
    from afs_stages.backup.drive_upload import Sessions

    _refuse_browser_without_person(config["remote"][name])
    _refuse_broken_signing(config["remote"][name])
    trash = config["remote"][name].get("gdrive_trash_only", True)
    try:
        kind, settings, _ = get_cloud_fs(config, name=name)
        with refusals(f"DVC remote '{name}'"):
            files = kind(**settings).fs
    except (ConfigError, RemoteError) as error:
        raise UserError(
            f"the DVC remote '{name}' is not set up: {error}",
            where=".dvc/config",
            fix="afs backup setup --help",
        ) from None
    return Drive(files, TOP, Sessions(state.sessions), trash=trash)


def _refuse_browser_without_person(remote: dict[str, Any]) -> None:
    """Without a stored login PyDrive2 opens a browser and waits;
    under cron nobody would come.
    """
    stored = remote.get("gdrive_user_credentials_file", "")
    given = remote.get("gdrive_use_service_account") or os.environ.get(
        "GDRIVE_CREDENTIALS_DATA"
    )
    if not given and not (stored and Path(stored).is_file()) and not sys.stdin.isatty():
        raise UserError(
            "there is no stored login for Google Drive",
            where=stored,
            fix="run `afs backup setup` once",
        )


def _refuse_broken_signing(remote: dict[str, Any]) -> None:
    """pyOpenSSL 24.3 dropped what oauth2client signs a service account's requests with
    (decision 0080).
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("pyOpenSSL")
    except PackageNotFoundError:
        return
    if remote.get("gdrive_use_service_account") and tuple(
        map(int, found.split(".")[:2])
    ) >= (24, 3):
        raise UserError(
            f"pyOpenSSL {found} cannot sign for a service account",
            where="Python environment",
            fix="pip uninstall pyopenssl: nothing here needs it, and pycryptodome "
            "signs instead",
        )
