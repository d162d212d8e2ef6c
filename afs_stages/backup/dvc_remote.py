"""DVC's side of `afs backup setup`: a remote in .dvc/config, secrets in
.dvc/config.local, and a first try.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.backup.naming import LOGS, TOP
from afs_stages.backup.store import Store
from afs_stages.core import atomic, layout
from afs_stages.core.errors import UserError

CREDENTIALS = Path(".dvc/tmp/gdrive-credentials.json")


@dataclass
class DvcRemote:
    """A DVC remote: what everybody may read, and what stays on this machine.
    A `None` removes the key.
    """

    name: str
    shared: dict[str, Any]
    local: dict[str, Any] = field(default_factory=dict)


def own_client(
    root: Path,
    folder_id: str,
    client_id: str,
    client_secret: str,
    credentials: Path | None,
) -> DvcRemote:
    """Drive as a person, through an OAuth client of one's own."""
    local = {
        "gdrive_client_id": client_id,
        "gdrive_client_secret": client_secret,
        "gdrive_user_credentials_file": str(
            (credentials or root / CREDENTIALS).absolute()
        ),
        "gdrive_service_account_json_file_path": None,
        "gdrive_service_account_user_email": None,
    }
    return DvcRemote(
        "gdrive", {**_gdrive(folder_id), "gdrive_use_service_account": None}, local
    )


def service_account(folder_id: str, key: Path, acts_for: str = "") -> DvcRemote:
    """Drive as a service account: its folder must be on a Shared Drive,
    or it acts for a person.
    """
    if not key.is_file():
        raise UserError(
            f"no such file: {key}",
            where="--service-account",
            fix="give the JSON key's path",
        )
    local = {
        "gdrive_service_account_json_file_path": str(key.absolute()),
        "gdrive_service_account_user_email": acts_for or None,
        "gdrive_client_id": None,
        "gdrive_client_secret": None,
        "gdrive_user_credentials_file": None,
    }
    return DvcRemote(
        "gdrive", {**_gdrive(folder_id), "gdrive_use_service_account": True}, local
    )


def _gdrive(folder_id: str) -> dict[str, Any]:
    found = re.search(r"folders/([\w-]+)", folder_id)
    plain = (found[1] if found else folder_id).removeprefix("gdrive://").strip("/")
    if not re.fullmatch(r"[\w.-]+(/.+)?", plain):
        raise UserError(
            f"'{folder_id}' is no folder id",
            where="--folder-id",
            fix="copy what stands behind /folders/ in the browser",
        )
    return {"url": f"gdrive://{plain}", "gdrive_trash_only": True}


def folder(path: Path, name: str = "drive-folder") -> DvcRemote:
    """A mounted Drive folder or another disk: DVC's files in `AFS_Backups/dvc`,
    archives beside them.
    """
    place = path.expanduser().absolute()
    if not place.is_dir():
        raise UserError(
            f"no such folder: {place}", where="--folder", fix="mount it first"
        )
    return DvcRemote(name, {"url": str(place / TOP / "dvc")})


def write(root: Path, remote: DvcRemote) -> None:
    """Put the remote into DVC's configuration, keeping its comments,
    and make it the default.
    """
    _edit(root / ".dvc/config", remote.name, remote.shared, default=True)
    _edit(root / ".dvc/config.local", remote.name, remote.local, default=False)
    (root / ".dvc/config.local").chmod(0o600)
    url = str(remote.shared["url"])
    if "://" not in url:
        Path(url).mkdir(parents=True, exist_ok=True)


def _edit(path: Path, name: str, values: dict[str, Any], default: bool) -> None:
    """Set a remote's keys (None removes one) in a file in DVC's format."""
    from configobj import ConfigObj

    config = ConfigObj(str(path), list_values=False, encoding="utf-8")
    section = f'remote "{name}"'
    merged = {
        **config.get(section, {}),
        **{key: value for key, value in values.items() if value is not None},
    }
    kept = {
        key: value
        for key, value in merged.items()
        if key not in values or values[key] is not None
    }
    if kept:
        config.setdefault(section, {}).update(kept)
    for key in set(config.get(section, {})) - set(kept):
        del config[section][key]
    if default:
        config.setdefault("core", {})["remote"] = name
    config.write()


@contextmanager
def undone_on_failure(root: Path) -> Iterator[None]:
    """Put the configuration back as it was when the block fails: a target that refuses
    must not become the default.
    """
    files = [
        root / name for name in (".dvc/config", ".dvc/config.local", layout.PARAMS)
    ]
    before = {file: file.read_bytes() if file.is_file() else None for file in files}
    try:
        yield
    except UserError:
        for file, data in before.items():
            if data is None:
                file.unlink(missing_ok=True)
            else:
                atomic.write_bytes(file, data)
        raise


def set_target(root: Path, target: str) -> None:
    """Set `backup.target` in params.yaml, leaving every other byte as it is."""
    from afs_stages.core.params import load, parse

    path = root / layout.PARAMS
    if not path.is_file() or load(path).backup.target == target:
        return
    text = path.read_text(encoding="utf-8")
    block = re.search(r"^backup:.*\n(?:[ #].*\n|\n)*", text, re.MULTILINE)
    line = f'  target: "{target}"'
    if block is None:
        text = text.rstrip("\n") + f"\n\nbackup:\n{line}\n"
    elif re.search(r"^  target:", block[0], re.MULTILINE):
        new = re.sub(
            r'^  target: *("[^"]*"|[^#\n]*?)(?=\s*(#|$))',
            lambda _: line,
            block[0],
            count=1,
            flags=re.MULTILINE,
        )
        text = text.replace(block[0], new, 1)
    else:
        text = text.replace(block[0], block[0].replace("\n", f"\n{line}\n", 1), 1)
    if parse(text).backup.target != target:
        raise UserError(
            "cannot set backup.target",
            where="params.yaml",
            fix=f'write it by hand: target: "{target}"',
        )
    atomic.write_text(path, text)


def try_out(store: Store, clone: str) -> None:
    """Write, read and delete a small file.
    Raises `UserError` where the target refuses one of them.
    """
    name, text = f"setup_{clone}.txt", b"afs backup setup was here\n"
    entry = store.put(LOGS, name, text)
    if (
        name not in [one.name for one in store.entries(LOGS)]
        or b"".join(store.read(entry)) != text
    ):
        raise UserError("what was written does not come back", where=store.where)
    store.delete(entry)
