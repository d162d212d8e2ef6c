"""Files that hold a secret: they go into no archive, whether Git tracks them or not."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from afs_stages.backup.dvc_remote import CREDENTIALS

FileId = tuple[int, int]
"""Device and inode: a link to a file, or another spelling of its path,
is the same file.
"""

SETTING = re.compile(
    r"key|cred|secret|token|pass|cert_path|service_account|configpath|kerb_ticket",
    re.IGNORECASE,
)
"""Names of settings whose value may be the path of a file with a secret in it."""
INLINE = re.compile(
    r"(?!ask_)\w*(secret\w*|password|passphrase|token|account_key|customer_key|connection_string)",
    re.IGNORECASE,
)
"""Names of DVC's settings whose value is a secret itself."""
LOGIN_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_LINE = re.compile(
    r"^[ \t]*[\"']?([\w-]+)[\"']?[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE
)
CONFIG = Path(".dvc/config")
CONFIG_LOCAL = Path(".dvc/config.local")


def secret_files(root: Path) -> dict[FileId, str]:
    """Every file that holds a secret of this project's or this machine's
    set-up -> why it does.
    """
    found: dict[FileId, str] = {}
    for path, why in _all(root):
        if number := file_id(path):
            found.setdefault(number, why)
    return found


def file_id(path: str | Path) -> FileId | None:
    """What tells a file from every other; None where there is no such plain file."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - a setting's value may be no path at all
    except (OSError, ValueError):
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISREG(facts.st_mode) else None


def _all(root: Path) -> Iterator[tuple[str | Path, str]]:
    yield root / CONFIG_LOCAL, "it is where DVC keeps this machine's secrets"
    if key := _inline(root / CONFIG):
        yield (
            root / CONFIG,
            f"it holds a secret itself ({key}); move it to {CONFIG_LOCAL}",
        )
    for login in [root / CREDENTIALS, *(root / ".dvc/tmp").glob("*credentials*")]:
        yield login, "it is a stored login"
    for key_file in (root / ".afs").glob("remote/*/id_*"):
        yield key_file, "it is a key for rented machines"
    for rclone in _rclone_configs():
        yield rclone, "it is rclone's configuration"
        yield from _named(rclone, root)
    for config in [*_dvc_configs_of_machine(), root / CONFIG, root / CONFIG_LOCAL]:
        yield from _named(config, root)
    for name, value in os.environ.items():
        if SETTING.search(name):
            yield os.path.expanduser(value), f"{name} in the environment names it"  # noqa: PTH111
    for place in (
        _config_home() / "vastai/vast_api_key",
        Path("~/.vast_api_key").expanduser(),
    ):
        yield place, "it is the key for vast.ai"


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()


def _rclone_configs() -> list[Path]:
    """Where rclone looks, in its order."""
    named = os.environ.get("RCLONE_CONFIG")
    places = [
        _config_home() / "rclone/rclone.conf",
        Path("~/.rclone.conf").expanduser(),
    ]
    return [Path(named), *places] if named else places


def _dvc_configs_of_machine() -> list[Path]:
    from dvc.config import Config

    return [Path(Config.get_dir(level)) / "config" for level in ("system", "global")]


def _settings(config: Path) -> list[tuple[str, str]]:
    """(key, value) of a file in DVC's or rclone's format, as far as it can be read.

    By line and not with a parser: a file that is broken elsewhere may name a
    key all the same.
    """
    text = ""
    with suppress(OSError):
        text = config.read_text(encoding="utf-8", errors="surrogateescape")
    return _LINE.findall(text)


def _readings(value: str) -> set[str]:
    """The value with and without what may be a comment behind it, without quotes."""
    return {value.strip("'\""), value.split("#")[0].strip().strip("'\"")} - {""}


def _named(config: Path, root: Path) -> Iterator[tuple[str, str]]:
    """Files that a configuration's settings name: DVC takes a path from the
    configuration's folder.
    """
    for key, value in _settings(config):
        if not SETTING.search(key):
            continue
        for reading in _readings(value):
            path = os.path.expanduser(os.path.expandvars(reading))  # noqa: PTH111
            for base in (config.parent, root):
                yield os.path.join(base, path), f"{key} in {config} names it"  # noqa: PTH118


def _inline(config: Path) -> str:
    """The first key whose value is a secret, empty if there is none."""
    for key, value in _settings(config):
        secret = INLINE.fullmatch(key) or LOGIN_IN_URL.search(value)
        if secret and _readings(value):
            return key
    return ""
