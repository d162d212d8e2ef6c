"""Deterministic tar.gz streams: the same files give the same bytes, and reading checks
every one of them.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO, cast

from afs_stages.backup.manifest import BLOCK, File, Manifest, blocks, from_bytes
from afs_stages.backup.member_paths import INSIDE, refused, why_refused
from afs_stages.core.errors import UserError
from afs_stages.core.progress import progress_bytes

STORED = frozenset(
    {".safetensors", ".bin", ".pt", ".npz", ".gguf", ".gz", ".zst", ".zip", ".png"}
)
"""Suffixes of what gzip would work long on and not make smaller: stored as it is,
at disk speed.
"""


def pack(manifest: Manifest, base: Path) -> Iterator[bytes]:
    """The archive of a described item, a few blocks in memory at a time.

    The gzip stream begins anew where the level changes; every gzip reads such a file as
    one. Raises `UserError` when a file is no longer what was described.
    """
    what = f"{manifest.category}/{manifest.name}"
    tar = progress_bytes(
        _tar(manifest, base), what, manifest.size, size=lambda part: len(part[1])
    )
    for level, parts in groupby(tar, key=lambda part: part[0]):
        packer = zlib.compressobj(level, zlib.DEFLATED, 31)
        for _, block in parts:
            if packed := packer.compress(block):
                yield packed
        yield packer.flush()


def _tar(manifest: Manifest, base: Path) -> Iterator[tuple[int, bytes]]:
    """(compression level, bytes) of the tar stream."""
    inside = manifest.to_bytes()
    name = f"{INSIDE}{manifest.category}-{manifest.name}.json"
    yield 6, _header(name, len(inside), 0o644) + inside + _padding(len(inside))
    for file in manifest.files:
        level = 0 if PurePosixPath(file.path).suffix in STORED else 6
        yield 6, _header(file.path, file.size, file.mode)
        yield from ((level, block) for block in _unchanged(base / file.path, file))
        yield 6, _padding(file.size)
    yield 6, b"\0" * (2 * tarfile.BLOCKSIZE)


def _header(name: str, size: int, mode: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def _unchanged(path: Path, file: File) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for block in blocks(path):
        size += len(block)
        digest.update(block)
        if size <= file.size:
            yield block
    if size != file.size or digest.hexdigest() != file.sha256:
        raise UserError(
            "changed while it was being backed up",
            where=str(path),
            fix="run the push again",
        )


class _Unzipped:
    """The decompressed stream as the file object tarfile reads from;
    keeps to one block.
    """

    def __init__(self, packed: Iterator[bytes]) -> None:
        self._packed, self._unpacker, self._held = packed, zlib.decompressobj(31), b""

    def read(self, size: int) -> bytes:
        while len(self._held) < size:
            block = (
                self._unpacker.unconsumed_tail
                or self._unpacker.unused_data
                or next(self._packed, b"")
            )
            if self._unpacker.eof:
                if not block:
                    break
                self._unpacker = zlib.decompressobj(31)
            elif not block:
                raise EOFError("the archive ends too early")
            self._held += self._unpacker.decompress(block, BLOCK)
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def drain(self) -> None:
        """Read to the end, so that gzip's own checksum and everything
        before us is checked.
        """
        while self.read(BLOCK):
            pass


def members(
    packed: Iterator[bytes], where: str
) -> Iterator[tuple[PurePosixPath, int, Iterator[bytes]]]:
    """Path, mode and content of every file of an archive; each content must be read
    before the next member.

    Raises `UserError` for a damaged or truncated archive, and for a member that is no
    plain file or folder or that would leave the folder it is restored to.
    """
    stream = _Unzipped(packed)
    try:
        with tarfile.open(
            fileobj=cast(IO[bytes], stream), mode="r|", bufsize=BLOCK
        ) as tar:
            for info in tar:
                path = _safe(info, where)
                if info.isfile():
                    yield path, info.mode, _content(tar, info)
        stream.drain()
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise UserError(
            f"the archive is damaged: {error}", where=where, fix=REPAIR
        ) from None


REPAIR = (
    "restore an older one (afs backup list), or make a new one with afs backup push"
)


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(info)
    while file and (block := file.read(BLOCK)):
        yield block


def _safe(info: tarfile.TarInfo, where: str) -> PurePosixPath:
    """The member's path, refused when push would refuse it,
    or when it is a link or a device.
    """
    path = PurePosixPath(info.name)
    why = "" if info.isfile() or info.isdir() else "is a link or a device"
    # A plain `tar` writes the folder it packs as `./`.
    if not why and not (info.isdir() and path == PurePosixPath()):
        why = why_refused(str(path))
    if why:
        raise UserError(
            f"member {info.name!r} {why}; nothing was restored", where=where
        )
    return path


def refuse_paths(manifest: Manifest, where: str) -> None:
    """Raise `UserError` when the archive of this manifest holds what no archive may."""
    if why := refused(file.path for file in manifest.files):
        raise UserError(f"{why}; nothing was restored", where=where, fix=REPAIR)


def begins_as_ours(packed: Iterator[bytes]) -> bool:
    """Whether a file, though it be cut, begins as `pack` begins: a gzip of a tar with
    the manifest first.
    """
    try:
        head = zlib.decompressobj(31).decompress(
            next(packed, b""), 4 * tarfile.BLOCKSIZE
        )
        with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as tar:
            first = tar.next()
    except (tarfile.TarError, zlib.error):
        return False
    return first is not None and first.name.startswith(INSIDE)


def checked_members(
    packed: Iterator[bytes], beside: Manifest | None, where: str
) -> Iterator[tuple[File, Iterator[bytes]]]:
    """The files of an archive, each verified as it is read, against the manifest inside
    and the one beside.

    An archive without any manifest (made by hand or by the predecessor) is checked as
    gzip and tar only. Raises `UserError` at the first file that is damaged, missing or
    too many.
    """
    known = _by_path(beside)
    seen: set[str] = set()
    for path, mode, content in members(packed, where):
        if str(path).startswith(INSIDE) and not seen:
            inside = from_bytes(b"".join(content), f"{where}: {path}")
            if beside and inside.content != beside.content:
                raise UserError(
                    "the manifest inside is not the one beside it",
                    where=where,
                    fix=REPAIR,
                )
            refuse_paths(inside, where)
            known = _by_path(inside)
            continue
        file = File(str(path), -1, mode, "") if known is None else known.get(str(path))
        if file is None or file.path in seen:
            raise UserError(
                f"holds '{path}', which its manifest does not name",
                where=where,
                fix=REPAIR,
            )
        seen.add(file.path)
        yield file, _verified(content, file, where)
    if missing := sorted(set(known or ()) - seen):
        raise UserError(
            f"{len(missing)} files are missing, first '{missing[0]}'",
            where=where,
            fix=REPAIR,
        )


def _by_path(manifest: Manifest | None) -> dict[str, File] | None:
    return {file.path: file for file in manifest.files} if manifest else None


def _verified(content: Iterator[bytes], file: File, where: str) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for block in content:
        digest.update(block)
        yield block
    if file.sha256 and digest.hexdigest() != file.sha256:
        raise UserError(
            f"'{file.path}' is damaged (its sha256 differs)", where=where, fix=REPAIR
        )
