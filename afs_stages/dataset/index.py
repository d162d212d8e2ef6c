"""Rows by their keys: what a step decides on is decoded, the rows themselves stay on disk as they are.

An index entry costs about 300 bytes, whatever the size of its row; a row is copied from file to file
undecoded unless a step changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import MAX_LINE_BYTES, BadRow, OnBad


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
    quality_score: float | None = None
    metadata: _Metadata = msgspec.field(name="_metadata", default_factory=_Metadata)


_decode = msgspec.json.Decoder(_Keys).decode


@dataclass(slots=True)
class Row:
    """Where a row lies and what it is decided by; `version` is the one it was first trained in."""

    sample_id: str
    source: str
    domain: str
    group: str
    score: float | None
    version: str
    file: int
    offset: int
    size: int

    def rank(self) -> tuple[float, str]:
        """Sort key: best score first, then id; unscored rows last."""
        return (-(self.score if self.score is not None else -1.0), self.sample_id)


@dataclass
class Index:
    """The rows of several files, in their order."""

    files: list[Path]
    rows: list[Row]

    def lines(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The bytes of the given rows, without line ends, in the order asked for."""
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.files]
            for row in rows:
                file = files[row.file]
                file.seek(row.offset)
                yield file.read(row.size)


def index(files: Iterable[Path], on_bad: OnBad) -> Index:
    """Index plain JSONL files of samples; rows that break the schema are reported and left out.

    Raises `UserError` for a missing or compressed file.
    """
    found = Index(list(files), [])
    for number, path in enumerate(found.files):
        if path.suffix in (".gz", ".zst"):
            raise UserError("compressed files cannot be indexed", where=str(path), fix="decompress it first")
        if not path.is_file():
            raise UserError("no such file", where=str(path), fix="check the path, or run the stage that makes it")
        found.rows += _index_file(number, path, on_bad)
    return found


def _index_file(number: int, path: Path, on_bad: OnBad) -> Iterator[Row]:
    offset = 0
    with path.open("rb") as file:
        for line_number, line in enumerate(file, 1):
            start, offset = offset, offset + len(line)
            body = line.rstrip(b"\r\n")
            if not body or body.isspace():
                continue
            keys = _keys(path.name, line_number, body, on_bad)
            if keys is not None:
                meta = keys.metadata
                yield Row(
                    keys.sample_id or _id(body),
                    keys.source or "",
                    keys.domain or "",
                    str(meta.group or keys.sample_id or _id(body)),
                    keys.quality_score,
                    meta.origin_version or meta.rehearsal_version or "",
                    number,
                    start,
                    len(body),
                )


def _keys(name: str, number: int, body: bytes, on_bad: OnBad) -> _Keys | None:
    if len(body) > MAX_LINE_BYTES:
        on_bad(BadRow(name, number, "line_too_long", f"{len(body)} bytes"))
        return None
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        on_bad(BadRow(name, number, "schema", str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        on_bad(BadRow(name, number, "broken_json", str(error)))
    return None


def _id(body: bytes) -> str:
    """The content id of a row that carries none."""
    from afs_stages.core.sample import TrainingSample

    return TrainingSample.from_dict(msgspec.json.decode(body)).sample_id
