"""Rows by their keys: what a step decides on is decoded, the rows themselves stay on disk as they are.

An index entry costs some 370 bytes (measured), whatever the size of its row; a row is copied from file to file
undecoded unless a step changes it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

import msgspec

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BUFFER, MAX_LINE_BYTES, BadRow, OnBad, read_lines


class _Metadata(msgspec.Struct, gc=False):
    group: Any = None
    origin_version: str | None = None
    rehearsal_version: str | None = None


class _Keys(msgspec.Struct, gc=False):
    instruction: str
    output: str
    sample_id: str = ""
    domain: str | None = ""
    source: str | None = ""
    quality_score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    metadata: _Metadata | None = msgspec.field(name="_metadata", default=None)


_decode = msgspec.json.Decoder(_Keys).decode
_NO_METADATA = _Metadata()


class Row(msgspec.Struct, gc=False, eq=False):
    """Where a row lies and what it is decided by; `version` is the one it was first trained in."""

    sample_id: str
    source: str
    domain: str
    group: str
    quality_score: float | None
    version: str
    file: int
    offset: int
    size: int

    def rank(self) -> tuple[float, str]:
        """Sort key: best score first, then id; unscored rows last."""
        return (-(self.quality_score if self.quality_score is not None else -1.0), self.sample_id)


@dataclass
class Index:
    """The rows of several files, in their order."""

    files: list[Path]
    rows: list[Row]
    unpacked: dict[int, IO[bytes]] = field(default_factory=dict)
    """The plain text of compressed files, in unnamed temporary files."""

    def lines(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The bytes of the given rows, without line ends, in the order asked for."""
        with ExitStack() as stack:
            files = [self.unpacked.get(i) or stack.enter_context(path.open("rb")) for i, path in enumerate(self.files)]
            numbers = [file.fileno() for file in files]
            for row in rows:
                yield os.pread(numbers[row.file], row.size, row.offset)


def index(files: Iterable[Path], on_bad: OnBad) -> Index:
    """Index JSONL files of samples; rows that break the schema are reported and left out.

    A compressed file is unpacked into a temporary one first. Raises `UserError` for a missing file.
    """
    found = Index([Path(path).expanduser() for path in files], [])
    for number, path in enumerate(found.files):
        if not path.is_file():
            raise UserError("no such file", where=str(path), fix="check the path, or run the stage that makes it")
        if path.suffix in (".gz", ".zst"):
            found.unpacked[number] = file = _unpack(path, on_bad)
            found.rows += _index_file(number, path.name, file, on_bad)
        else:
            with path.open("rb", BUFFER) as file:
                found.rows += _index_file(number, path.name, file, on_bad)
    return found


def _unpack(path: Path, on_bad: OnBad) -> IO[bytes]:
    file = TemporaryFile()  # noqa: SIM115 - lives as long as the index
    for _, line in read_lines(path, on_bad):
        file.write(line + b"\n")
    file.seek(0)
    return file


def _index_file(number: int, name: str, file: IO[bytes], on_bad: OnBad) -> Iterator[Row]:
    offset, intern = 0, sys.intern
    for line_number, line in enumerate(file, 1):
        start, offset = offset, offset + len(line)
        try:
            keys = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if not line.isspace():
                on_bad(_fault(name, line_number, line, error))
            continue
        if len(line) > MAX_LINE_BYTES:
            on_bad(BadRow(name, line_number, "line_too_long", f"{len(line)} bytes"))
            continue
        meta = keys.metadata or _NO_METADATA
        sample_id = keys.sample_id or _id(line)
        yield Row(
            sample_id,
            intern(keys.source or ""),
            intern(keys.domain or ""),
            str(meta.group) if meta.group else sample_id,
            keys.quality_score,
            intern(meta.origin_version or meta.rehearsal_version or ""),
            number,
            start,
            len(line) - line.endswith(b"\n"),
        )


def _fault(name: str, number: int, line: bytes, error: Exception) -> BadRow:
    reason = "schema" if isinstance(error, msgspec.ValidationError) else "broken_json"
    return BadRow(name, number, reason, str(error))


def _id(body: bytes) -> str:
    """The content id of a row that carries none."""
    from afs_stages.core.sample import TrainingSample

    return TrainingSample.from_dict(msgspec.json.decode(body)).sample_id


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def with_metadata(line: bytes, key: str, value: str | int) -> bytes:
    """The row with one key of `_metadata` set; nothing else of it is decoded."""
    fields = _fields(line)
    old = fields.get("_metadata")
    metadata = _fields(old) if old is not None and bytes(old) != b"null" else {}
    metadata[key] = msgspec.Raw(msgspec.json.encode(value))
    fields["_metadata"] = msgspec.Raw(msgspec.json.encode(metadata))
    return msgspec.json.encode(fields)
