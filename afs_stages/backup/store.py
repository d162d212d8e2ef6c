"""Where archives lie: the few verbs that a folder,
Google Drive and an rclone remote have in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from afs_stages.backup.manifest import ArchiveChecksums
from afs_stages.core.errors import UserError

Source = Callable[[], Iterator[bytes]]
"""Gives the same bytes again each time it is called: archives are deterministic, so
uploads can start over.
"""


@dataclass(frozen=True)
class Entry:
    """A file on the target.
    `ident` tells files of one name apart where a store allows that (Drive does).
    """

    folder: str
    name: str
    size: int
    modified: float
    ident: str = ""
    md5: str = ""

    @property
    def path(self) -> str:
        """Folder and name."""
        return f"{self.folder}/{self.name}"


class Store(Protocol):
    """A target with folders one level deep.
    Every method raises `UserError` when the target refuses.
    """

    where: str

    def entries(self, folder: str) -> list[Entry]:
        """Files of a folder; none when the folder does not exist."""

    def upload(
        self, folder: str, name: str, source: Source
    ) -> tuple[Entry, ArchiveChecksums]:
        """Write a large file, going on where an earlier upload of the same bytes
        stopped if it can.
        """

    def put(self, folder: str, name: str, data: bytes) -> Entry:
        """Write a small file whole, replacing one of that name."""

    def rename(self, entry: Entry, name: str) -> Entry:
        """Give a file another name in its folder, in one step."""

    def delete(self, entry: Entry) -> None:
        """Remove a file (on Drive: into the trash)."""

    def read(self, entry: Entry) -> Iterator[bytes]:
        """A file's bytes, a block at a time."""

    def checksum(self, entry: Entry) -> tuple[str, str]:
        """`("md5" | "sha256", hex)` of what the target holds now, computed by it or by
        reading the file.
        """


@dataclass
class Digest:
    """Size and checksums of bytes going by."""

    size: int = 0
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)
    md5: hashlib._Hash = field(
        default_factory=lambda: hashlib.md5(usedforsecurity=False)
    )

    def update(self, block: bytes) -> None:
        """Count a block."""
        self.size += len(block)
        self.sha256.update(block)
        self.md5.update(block)

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass blocks on, counting them."""
        for block in blocks:
            self.update(block)
            yield block

    def seal(self) -> ArchiveChecksums:
        """What went by so far."""
        return ArchiveChecksums(
            self.size, self.sha256.hexdigest(), self.md5.hexdigest()
        )


def seal_of(source: Source) -> ArchiveChecksums:
    """Size and checksums of a source, without writing it."""
    digest = Digest()
    for block in source():
        digest.update(block)
    return digest.seal()


def mismatch(store: Store, entry: Entry, sealed: ArchiveChecksums) -> str:
    """What is wrong with a file on the target;
    empty when size and checksum are as they were sealed.
    """
    if entry.size != sealed.size:
        return f"{entry.size:,} bytes instead of {sealed.size:,}"
    kind, found = store.checksum(entry)
    wanted = sealed.md5 if kind == "md5" else sealed.sha256
    return "" if found == wanted else f"{kind} is {found}, not {wanted}"


def confirm(store: Store, entry: Entry, sealed: ArchiveChecksums) -> None:
    """Read the checksum back.
    Raises `UserError`, after removing the file, when it is not what was sent.
    """
    if problem := mismatch(store, entry, sealed):
        store.delete(entry)
        raise UserError(
            f"what arrived is not what was sent: {problem}",
            where=entry.path,
            fix="run the push again",
        )
