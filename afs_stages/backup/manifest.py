"""What an archive holds: every file's path, size, mode and sha256,
and one id over them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from afs_stages.core.errors import UserError

BLOCK = 2**20
FORMAT = 1


@dataclass(frozen=True, order=True)
class File:
    """A file of an archive; `path` is posix and relative to where the
    archive is restored.
    """

    path: str
    size: int
    mode: int
    sha256: str


@dataclass(frozen=True)
class ArchiveChecksums:
    """Size and checksums of the finished archive file."""

    size: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class Manifest:
    """What one archive holds.
    `origin` tells items of one name apart; `sealed` is known once it is written.
    """

    category: str
    name: str
    origin: str
    files: tuple[File, ...]
    sealed: ArchiveChecksums | None = None

    @property
    def content(self) -> str:
        """Hash over all files: equal for equal content."""
        text = "\n".join(
            f"{file.sha256} {file.mode:o} {file.size} {file.path}"
            for file in self.files
        )
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def seal(self, sealed: ArchiveChecksums) -> Manifest:
        """The manifest that lies beside the archive."""
        return replace(self, sealed=sealed)

    def to_bytes(self) -> bytes:
        """The manifest as JSON."""
        data = {"format": FORMAT, "content": self.content, **asdict(self)}
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def from_bytes(data: bytes, where: str) -> Manifest:
    """Read a manifest. Raises `UserError` when it is broken or of another format."""
    try:
        raw: dict[str, Any] = json.loads(data)
        files = tuple(File(**file) for file in raw["files"])
        sealed = ArchiveChecksums(**raw["sealed"]) if raw["sealed"] else None
        manifest = Manifest(raw["category"], raw["name"], raw["origin"], files, sealed)
        whole = raw["format"] == FORMAT and raw["content"] == manifest.content
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"the manifest is damaged ({error})", where=where) from None
    if not whole:
        raise UserError("the manifest is damaged or of another format", where=where)
    return manifest


def blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes, a block at a time."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def describe_file(path: Path, name: PurePosixPath) -> File:
    """Hash a file; links are followed, so that what lies in DVC's cache goes
    into the archive.
    """
    digest, size = hashlib.sha256(), 0
    for block in blocks(path):
        digest.update(block)
        size += len(block)
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    return File(str(name), size, mode, digest.hexdigest())
