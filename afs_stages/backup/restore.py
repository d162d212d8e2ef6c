"""Restoring: fetch beside the destination, verify every file,
and only then put them in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from afs_stages.backup import catalog
from afs_stages.backup.archive import checked_members, refuse_paths
from afs_stages.backup.manifest import File, Manifest, blocks
from afs_stages.backup.store import Digest, Store
from afs_stages.core.console import log, warn
from afs_stages.core.errors import UserError
from afs_stages.core.progress import progress_bytes

STAGING = ".afs-restore-"


@dataclass(frozen=True)
class Restored:
    """How many files a restore wrote, and how many were there already,
    byte for byte.
    """

    archive: str
    written: int
    present: int


def restore(
    store: Store, archive: catalog.Archive, to: Path, force: bool = False
) -> Restored:
    """Restore an archive below `to`.
    Nothing there is touched before the whole archive has verified.

    Raises `UserError` when the archive is damaged, when a member would leave `to`, or
    when a file is there already with other content (unless `force`).
    """
    path = archive.entry.path
    beside = catalog.manifest_of(store, archive) if archive.beside else None
    if beside is None:
        warn(
            f"{path} has no manifest beside it; its files are checked only as far as "
            "the archive itself allows"
        )
    else:
        refuse_paths(beside, path)
        if _refuse_conflicts(list(beside.files), to, force, path) == 0:
            return Restored(path, 0, len(beside.files))
    to.mkdir(parents=True, exist_ok=True)
    with _staging(to / f"{STAGING}{archive.entry.name}") as staging:
        files = _fetch(store, archive, beside, staging)
        _refuse_conflicts(files, to, force, path)
        written = sum(_place(staging, to, file) for file in files)
    log.info("restored %s to %s (%s files written)", path, to, f"{written:,}")
    return Restored(path, written, len(files) - written)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """An empty folder on the destination's own disk, gone afterwards; a killed run's
    rest is cleared.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(
    store: Store, archive: catalog.Archive, beside: Manifest | None, staging: Path
) -> list[File]:
    """Download and unpack; every file and the archive as a whole are verified
    when this returns.
    """
    digest = Digest()
    packed = progress_bytes(
        digest.through(store.read(archive.entry)),
        archive.entry.path,
        archive.entry.size,
    )
    files = []
    for file, content in checked_members(packed, beside, archive.entry.path):
        target = staging / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            for block in content:
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        target.chmod(0o755 if file.mode & 0o100 else 0o644)
        files.append(
            File(
                file.path,
                target.stat().st_size,
                file.mode,
                file.sha256 or _hash(target),
            )
        )
    if beside and digest.seal() != beside.sealed:
        raise UserError(
            "its checksum is not the one it was sealed with", where=archive.entry.path
        )
    return files


def _refuse_conflicts(files: list[File], to: Path, force: bool, where: str) -> int:
    """How many files are not there yet as they should be.
    Raises `UserError` for the ones in the way.
    """
    missing, different = 0, []
    for file in files:
        target = to / file.path
        if not target.parent.resolve().is_relative_to(to.resolve()):
            raise UserError(
                f"'{file.path}' would be written outside, through a link", where=where
            )
        if target.is_dir():
            raise UserError(
                f"'{file.path}' is a folder in {to}", where=where, fix="move it away"
            )
        if not target.exists():
            missing += 1
        elif target.stat().st_size != file.size or _hash(target) != file.sha256:
            different.append(file.path)
    if different and not force:
        raise UserError(
            f"{len(different)} files in {to} differ from the backup, "
            f"first '{different[0]}'; nothing was restored",
            where=where,
            fix="restore elsewhere with --to DIR, or overwrite with --force",
        )
    return missing + len(different)


def _place(staging: Path, to: Path, file: File) -> bool:
    """Move one verified file into place, unless it is there already."""
    target = to / file.path
    if target.exists() and _hash(target) == file.sha256:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    (staging / file.path).replace(target)
    return True


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()


def latest_of_each(store: Store) -> tuple[list[catalog.Archive], list[str]]:
    """The latest sound archive of every item,
    and a line for every item that has none.
    """
    found, problems = [], []
    for shelf in catalog.listings(store):
        for archives in catalog.by_item(store, shelf.archives).values():
            try:
                found.append(catalog.latest_sound(store, archives))
            except UserError as error:
                problems.append(f"{shelf.category}/{archives[0].name}: {error}")
    return found, problems
