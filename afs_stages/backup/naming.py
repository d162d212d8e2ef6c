"""How archives are called: `<name>_<YYYYMMDDTHHMMSSZ>-<content>.tar.gz`.

The stamp orders the archives of one item, the content id (first 12 hex digits of the
hash over its files) makes two archives of one name with different content two files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from afs_stages.core.errors import UserError

CATEGORIES = ("training_data", "models", "evaluations")
LOGS = "logs"
TOP = "AFS_Backups"
SIDECAR = ".json"
PARTIAL = ".partial-"
_STAMP = "%Y%m%dT%H%M%SZ"
_ARCHIVE = re.compile(
    r"(?P<name>.+)_(?P<stamp>\d{8}T\d{6}Z)-(?P<content>[0-9a-f]{12})\.tar\.gz"
)
_PARTIAL = re.compile(r"\.partial-.+-[0-9a-f]{12}-[A-Za-z0-9]+\.tar\.gz")
_LOG = re.compile(r"backup_\d{8}T\d{6}Z-[A-Za-z0-9]+\.log")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True, order=True)
class ArchiveName:
    """The parts of an archive's file name; sorts by item, then by time."""

    name: str
    stamp: str
    content: str

    @property
    def file(self) -> str:
        """The file name."""
        return f"{self.name}_{self.stamp}-{self.content}.tar.gz"


def parse(file: str) -> ArchiveName | None:
    """The parts of a file name, None for a file that is not called like an
    archive of ours.
    """
    match = _ARCHIVE.fullmatch(file)
    return (
        ArchiveName(match["name"], match["stamp"], match["content"]) if match else None
    )


def partial(name: str, content: str, clone: str) -> str:
    """The name an archive has until it is whole and confirmed; found again by the next
    run of this clone.
    """
    return f"{PARTIAL}{name}-{content}-{clone}.tar.gz"


def is_partial(file: str) -> bool:
    """Whether a file is called as `partial` calls one."""
    return _PARTIAL.fullmatch(file) is not None


def is_log(file: str) -> bool:
    """Whether a file is called like the log of a push."""
    return _LOG.fullmatch(file) is not None


def check_name(name: str) -> str:
    """The name, or `UserError` when it could not stand in a file name everywhere."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot name a backup",
            fix="use letters, digits and . _ + - (at most 100), beginning with a "
            "letter or digit",
        )
    return name


def stamp_after(now: datetime, taken: list[str]) -> str:
    """The stamp for `now`, moved behind every stamp in `taken`, so that a clock set
    back cannot reorder.
    """
    stamp = now.astimezone(UTC).strftime(_STAMP)
    latest = max(taken, default="")
    if stamp > latest:
        return stamp
    later = datetime.strptime(latest, _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
    return later.strftime(_STAMP)
