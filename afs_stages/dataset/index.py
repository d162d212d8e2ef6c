"""Rows by their keys, in columns: what a step decides on is decoded, the rows
themselves stay on disk as they are.

A row costs 60 bytes here whatever its size, and is copied from file to file undecoded
unless a step changes it.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BUFFER, MAX_LINE_BYTES, BadRow, OnBad, read_lines
from afs_stages.core.sample import (
    NOT_DECODED,
    SampleKeys,
    comparable_text,
    decode_keys,
    problem,
)
from afs_stages.dataset.keys import Keys, Rows, key_of, order_of

BATCH = 256
"""Rows fetched at a time: few enough that they are still in the processor's cache when
they are written.
"""
COLUMNS = {
    "key": np.uint64,
    "group": np.int64,
    "score": np.float64,
    "offset": np.int64,
    "size": np.int32,
    "source": np.int32,
    "domain": np.int32,
    "version": np.int32,
    "fact": np.uint64,
    "wording": np.int32,
}
"""Column of an index -> the type of its values."""
AHEAD = 16 * BATCH
"""Rows whose places are looked up at a time."""


@dataclass
class Index:
    """The rows of several files, as columns in the order of the files; `rows`
    everywhere are places in them.
    """

    files: list[Path]
    begins: list[int]
    """Where the rows of each file begin."""
    key: Keys
    """Of the row's id."""
    group: NDArray[np.int64]
    """Hash of the unit that must not straddle a split, good for telling equal ones in
    this process alone.
    """
    score: NDArray[np.float64]
    """Quality in [0, 1], NaN where unscored."""
    offset: NDArray[np.int64]
    size: NDArray[np.int32]
    """Where the line lies in its file, and its bytes without the line end."""
    source: NDArray[np.int32]
    domain: NDArray[np.int32]
    version: NDArray[np.int32]
    """Places in `sources`, `domains`, `versions`; the version is the one the row was
    first trained in.
    """
    fact: Keys
    """Of the fact the row teaches: the one it names, else of its id."""
    wording: NDArray[np.int32]
    """Place in `wordings`: which wording of its fact the row is."""
    sources: list[str]
    domains: list[str]
    versions: list[str]
    wordings: list[str]
    unpacked: dict[int, IO[bytes]] = field(default_factory=dict)
    """The plain text of compressed files, in unnamed temporary files."""

    def __len__(self) -> int:
        return len(self.key)

    def rows_of(self, file: int) -> slice:
        """Where the rows of the file of this number stand in the columns."""
        return slice(self.begins[file], [*self.begins, len(self)][file + 1])

    def file_of(self, rows: Rows) -> Rows:
        """The number of each row's file."""
        return (
            np.searchsorted(np.array(self.begins, np.int32), rows, side="right") - 1
        ).astype(np.int32)

    def batches(self, rows: Rows) -> Iterator[list[bytes]]:
        """The bytes of the given rows, without line ends, in the order asked for,
        `BATCH` at a time.
        """
        with ExitStack() as stack:
            files = [
                self.unpacked.get(i) or stack.enter_context(path.open("rb"))
                for i, path in enumerate(self.files)
            ]
            numbers = np.array([file.fileno() for file in files], dtype=np.int64)
            for start in range(0, len(rows), AHEAD):
                some = rows[start : start + AHEAD]
                columns = [
                    one.tolist()
                    for one in (
                        numbers[self.file_of(some)],
                        self.size[some],
                        self.offset[some],
                    )
                ]
                for begin in range(0, len(some), BATCH):
                    yield list(
                        map(
                            os.pread,
                            *(column[begin : begin + BATCH] for column in columns),
                        )
                    )

    def lines(self, rows: Rows) -> Iterator[bytes]:
        """The same, one by one."""
        for batch in self.batches(rows):
            yield from batch

    def keys(self, rows: Rows) -> Iterator[SampleKeys]:
        """The given rows, as far as steps look at them again."""
        return map(decode_keys, self.lines(rows))

    def id_of(self, row: int) -> str:
        """The id of one row."""
        return next(self.keys(np.array([row], np.int32))).sample_id

    def texts(self, rows: Rows) -> Iterator[str]:
        """What of the given rows is compared with others."""
        return (comparable_text(row) for row in self.keys(rows))

    def canonical(self) -> Rows:
        """All rows by key, of equal ids the best first;
        where even scores are equal the bytes decide.

        So it depends on neither the order of files nor of rows. Raises `UserError`
        where two ids have the same key (one chance in ten million for two million
        rows).
        """
        order = order_of(self.key)
        keys = self.key[order]
        again = np.flatnonzero(keys[1:] == keys[:-1])
        begins = again[np.diff(again, prepend=-2) > 1] if len(again) else again
        for begin in begins.tolist():
            end = int(np.searchsorted(keys, keys[begin], side="right"))
            order[begin:end] = self._ranked(order[begin:end])
        return order

    def _ranked(self, same: Rows) -> list[int]:
        lines = list(self.lines(same))
        _refuse_collision(lines)
        ranks = [
            (-score if score == score else 1.0) for score in self.score[same].tolist()
        ]
        return [
            row for _, _, row in sorted(zip(ranks, lines, same.tolist(), strict=True))
        ]


def index(files: Iterable[Path], on_bad: OnBad) -> Index:
    """Index JSONL files of samples; rows that break the schema are
    reported and left out.

    A compressed file is unpacked into a temporary one first.
    Raises `UserError` for a missing file.
    """
    columns = _Columns()
    for path in map(Path.expanduser, map(Path, files)):
        if not path.is_file():
            raise UserError(
                "no such file",
                where=str(path),
                fix="check the path, or run the stage that makes it",
            )
        columns.begins.append(len(columns))
        if path.suffix in (".gz", ".zst"):
            columns.unpacked[len(columns.files)] = file = _unpack(path, on_bad)
            columns.read(path.name, file, on_bad)
        else:
            with path.open("rb", BUFFER) as file:
                columns.read(path.name, file, on_bad)
        columns.files.append(path)
    return columns.finish()


class _Columns:
    """The columns of an index while they grow."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.begins: list[int] = []
        self.unpacked: dict[int, IO[bytes]] = {}
        self.key, self.group = array("Q"), array("q")
        self.score = array("d")
        self.offset, self.size = array("q"), array("i")
        self.source, self.domain, self.version = array("i"), array("i"), array("i")
        self.fact, self.wording = array("Q"), array("i")
        self.sources, self.domains, self.versions = _Codes(), _Codes(), _Codes()
        self.wordings = _Codes()

    def __len__(self) -> int:
        return len(self.size)

    def read(self, name: str, file: IO[bytes], on_bad: OnBad) -> None:
        """Add the rows of a file; a blank line is passed over,
        a bad one is reported.
        """
        offset = 0
        for number, line in enumerate(file, 1):
            begin, offset = offset, offset + len(line)
            if len(line) > MAX_LINE_BYTES:
                on_bad(BadRow(name, number, "line_too_long", f"{len(line)} bytes"))
                continue
            try:
                row = decode_keys(line)
            except NOT_DECODED as error:
                if not line.isspace():
                    on_bad(_bad_row(name, number, error))
                continue
            self._add(row, begin, len(line) - line.endswith(b"\n"))

    def _add(self, row: SampleKeys, offset: int, size: int) -> None:
        self.key.append(key_of(row.sample_id))
        self.group.append(hash(row.group))
        self.score.append(math.nan if row.quality_score is None else row.quality_score)
        self.offset.append(offset)
        self.size.append(size)
        self.source.append(self.sources[row.source or ""])
        self.domain.append(self.domains[row.domain or ""])
        self.version.append(self.versions[row.version])
        self.fact.append(key_of(row.fact))
        self.wording.append(self.wordings[row.wording])

    def finish(self) -> Index:
        """The columns as they are used."""
        columns: dict[str, Any] = {
            name: np.frombuffer(getattr(self, name), kind)
            for name, kind in COLUMNS.items()
        }
        for name in ("sources", "domains", "versions", "wordings"):
            columns[name] = list(getattr(self, name))
        return Index(self.files, self.begins, **columns, unpacked=self.unpacked)


class _Codes(dict[str, int]):
    """Names by number, in the order they are met: `codes[name]` is the number of a
    name, a new one gets the next.
    """

    def __missing__(self, name: str) -> int:
        self[name] = code = len(self)
        return code


def _bad_row(name: str, number: int, error: Exception) -> BadRow:
    if isinstance(error, msgspec.ValidationError):
        return BadRow(name, number, "schema", problem(error))
    return BadRow(name, number, "broken_json", str(error))


def _unpack(path: Path, on_bad: OnBad) -> IO[bytes]:
    file = TemporaryFile()  # noqa: SIM115 - lives as long as the index
    for _, line in read_lines(path, on_bad):
        file.write(line + b"\n")
    file.seek(0)
    return file


def _refuse_collision(lines: list[bytes]) -> None:
    ids = sorted({decode_keys(line).sample_id for line in lines})
    if len(ids) > 1:
        raise UserError(
            f"the ids '{ids[0]}' and '{ids[1]}' have the same hash",
            fix="give one of the rows another id",
        )


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _OnlyMetadata(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.field(name="_metadata", default_factory=msgspec.Raw)


_only_metadata = msgspec.json.Decoder(_OnlyMetadata).decode
_MARKS = (b'"_metadata":', b'"_metadata": ')


def with_metadata(key: str, value: str | int) -> Callable[[bytes], bytes]:
    """A function that sets one key of a row's `_metadata`;
    nothing else of the row is decoded.

    Where `_metadata` stands last, as this project writes it, and lacks the key, the row
    is only spliced.
    """
    name, encoded = msgspec.json.encode(key), msgspec.json.encode(value)
    entry = name + b":" + encoded + b"}}"

    def set_key(line: bytes) -> bytes:
        old = bytes(_only_metadata(line).metadata)
        tail = old + b"}"
        head = line[: -len(tail)] if line.endswith(tail) else b""
        if head.endswith(_MARKS) and old.startswith(b"{") and name not in old:
            return b"".join((head, old[:-1], b"," if b'"' in old else b"", entry))
        fields = _fields(line)
        metadata = _fields(old) if old not in (b"", b"null") else {}
        metadata[key] = msgspec.Raw(encoded)
        fields["_metadata"] = msgspec.Raw(msgspec.json.encode(metadata))
        return msgspec.json.encode(fields)

    return set_key
