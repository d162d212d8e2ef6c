"""A plain folder as target: another disk, or a Drive folder that Google's
own program mounts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from afs_stages.backup.manifest import ArchiveChecksums, blocks
from afs_stages.backup.naming import PARTIAL
from afs_stages.backup.store import Digest, Entry, Source
from afs_stages.core.errors import UserError


class Folder:
    """Archives in a folder.
    The folder itself is made, its parent must exist: an unmounted disk is an error.

    `clone` stands in temporary names: two clones that push at once never share one, and
    what a killed push leaves the next of that clone overwrites.
    """

    def __init__(self, top: Path, clone: str) -> None:
        self.top, self.where, self.clone = top, str(top), clone
        if not top.is_dir() and not top.parent.is_dir():
            raise UserError(
                f"no such folder: {top.parent}",
                where="backup target",
                fix="mount the disk or the Drive folder, or choose another target: "
                "afs backup setup",
            )

    def entries(self, folder: str) -> list[Entry]:
        """Files of a folder, without those that another clone takes away meanwhile;
        none when there is no folder.
        """
        path = self.top / folder
        found = []
        for file in sorted(path.iterdir()) if path.is_dir() else []:
            with suppress(FileNotFoundError):
                found += [self._entry(file)] if file.is_file() else []
        return found

    def _entry(self, path: Path) -> Entry:
        facts = path.stat()
        return Entry(path.parent.name, path.name, facts.st_size, facts.st_mtime)

    def _path(self, entry: Entry) -> Path:
        return self.top / entry.folder / entry.name

    def upload(
        self, folder: str, name: str, source: Source
    ) -> tuple[Entry, ArchiveChecksums]:
        """Write a large file; bytes an earlier try left are compared,
        not written again.
        """
        path = self.top / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            digest = Digest()
            for block in digest.through(source()):
                at = digest.size - len(block)
                file.seek(at)
                if file.read(len(block)) != block:
                    file.seek(at)
                    file.write(block)
            file.truncate(digest.size)
            file.flush()
            os.fsync(file.fileno())
        return self._entry(path), digest.seal()

    def put(self, folder: str, name: str, data: bytes) -> Entry:
        """Write a small file whole, replacing one of that name."""
        path = self.top / folder / f"{PARTIAL}{name}-{self.clone}"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return self.rename(self._entry(path), name)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def rename(self, entry: Entry, name: str) -> Entry:
        """Give a file another name, and make the change last."""
        new = self._path(entry).with_name(name)
        self._path(entry).replace(new)
        handle = os.open(new.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return self._entry(new)

    def delete(self, entry: Entry) -> None:
        """Remove a file."""
        self._path(entry).unlink(missing_ok=True)

    def read(self, entry: Entry) -> Iterator[bytes]:
        """A file's bytes, a block at a time."""
        return blocks(self._path(entry))

    def checksum(self, entry: Entry) -> tuple[str, str]:
        """Hash the file as the disk has it now,
        past the page cache where the system lets us.
        """
        path = self._path(entry)
        if hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        digest = Digest()
        for block in blocks(path):
            digest.update(block)
        return "sha256", digest.seal().sha256
