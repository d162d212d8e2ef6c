"""Rows by their keys, in columns: what a step decides on is decoded, the rows themselves stay on disk as they are.

A row costs 40 bytes here whatever its size (41 to 46 where there are more than 256 sources, domains or
versions), and is copied from file to file undecoded unless a step changes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BUFFER, MAX_LINE_BYTES, BadRow, OnBad, read_lines
from afs_stages.dataset.keys import Keys, Rows, digests, order_of

BATCH = 256
"""Rows fetched at a time: few enough that they are still in the processor's cache when they are written."""
AHEAD = 16 * BATCH
"""Rows whose places are looked up at a time."""


class Metadata(msgspec.Struct, gc=False):
    """What steps decide by of a row's `_metadata`."""

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
    metadata: Metadata | None = msgspec.field(name="_metadata", default=None)


class Names(msgspec.Struct, gc=False):
    """What a row is called, read again from its line."""

    sample_id: str = ""
    source: str | None = ""
    domain: str | None = ""
    metadata: Metadata | None = msgspec.field(name="_metadata", default=None)


_NO_METADATA = Metadata()
_decode = msgspec.json.Decoder(_Keys).decode
_decode_names = msgspec.json.Decoder(Names).decode_lines
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass
class Index:
    """The rows of several files, as columns in the order of the files; `rows` everywhere are places in them."""

    files: list[Path]
    begins: list[int]
    """Where the rows of each file begin."""
    key: Keys
    """Of the row's id."""
    group: NDArray[np.int64]
    """Hash of the unit that must not straddle a split, good for telling equal ones in this process alone."""
    score: NDArray[np.float64]
    """Quality in [0, 1], NaN where unscored."""
    offset: NDArray[np.int64]
    size: NDArray[np.int32]
    """Where the line lies in its file, and its bytes without the line end."""
    source: NDArray[Any]
    domain: NDArray[Any]
    version: NDArray[Any]
    """Places in `sources`, `domains`, `versions`; the version is the one the row was first trained in."""
    sources: list[str]
    domains: list[str]
    versions: list[str]
    unpacked: dict[int, IO[bytes]] = field(default_factory=dict)
    """The plain text of compressed files, in unnamed temporary files."""

    def __len__(self) -> int:
        return len(self.key)

    def rows_of(self, file: int) -> slice:
        """Where the rows of the file of this number stand in the columns."""
        return slice(self.begins[file], [*self.begins, len(self)][file + 1])

    def file_of(self, rows: Rows) -> Rows:
        """The number of each row's file."""
        return (np.searchsorted(np.array(self.begins, np.int32), rows, side="right") - 1).astype(np.int32)

    def batches(self, rows: Rows) -> Iterator[list[bytes]]:
        """The bytes of the given rows, without line ends, in the order asked for, `BATCH` at a time."""
        with ExitStack() as stack:
            files = [self.unpacked.get(i) or stack.enter_context(path.open("rb")) for i, path in enumerate(self.files)]
            numbers = np.array([file.fileno() for file in files], dtype=np.int64)
            for start in range(0, len(rows), AHEAD):
                some = rows[start : start + AHEAD]
                columns = [one.tolist() for one in (numbers[self.file_of(some)], self.size[some], self.offset[some])]
                for begin in range(0, len(some), BATCH):
                    yield list(map(os.pread, *(column[begin : begin + BATCH] for column in columns)))

    def lines(self, rows: Rows) -> Iterator[bytes]:
        """The same, one by one."""
        for batch in self.batches(rows):
            yield from batch

    def names(self, rows: Rows) -> Iterator[Names]:
        """What the given rows are called."""
        for batch in self.batches(rows):
            yield from names_of(batch)

    def texts(self, rows: Rows) -> Iterator[str]:
        """The request and the answer of the given rows."""
        return (f"{row.instruction}\n{row.output}" for row in map(_decode, self.lines(rows)))

    def canonical(self) -> Rows:
        """All rows by key, of equal ids the best first; where even scores are equal the bytes decide.

        So it depends on neither the order of files nor of rows. Raises `UserError` where two ids have the
        same key (one chance in ten million for two million rows).
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
        ranks = [(-score if score == score else 1.0) for score in self.score[same].tolist()]
        return [row for _, _, row in sorted(zip(ranks, lines, same.tolist(), strict=True))]


def names_of(lines: list[bytes]) -> list[Names]:
    """What the rows of lines are called."""
    found = _decode_names(b"\n".join(lines))
    for names, line in zip(found, lines, strict=True):
        if not names.sample_id:
            names.sample_id = id_of(line)
    return found


def index(files: Iterable[Path], on_bad: OnBad) -> Index:
    """Index JSONL files of samples; rows that break the schema are reported and left out.

    A compressed file is unpacked into a temporary one first. Raises `UserError` for a missing file.
    """
    columns = _Columns()
    for path in map(Path.expanduser, map(Path, files)):
        if not path.is_file():
            raise UserError("no such file", where=str(path), fix="check the path, or run the stage that makes it")
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
    """The columns of an index while they grow: byte arrays, so that nothing is held twice."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.begins: list[int] = []
        self.unpacked: dict[int, IO[bytes]] = {}
        self.key, self.group, self.score, self.offset, self.size = (bytearray() for _ in range(5))
        self.source, self.domain, self.version = _Codes(), _Codes(), _Codes()

    def __len__(self) -> int:
        return len(self.size) // 4

    def read(self, name: str, file: IO[bytes], on_bad: OnBad) -> None:
        """Add the rows of a file."""
        number = offset = 0
        while lines := file.readlines(BUFFER):
            if not lines[-1].endswith(b"\n"):
                lines[-1] += b"\n"
            sizes = np.fromiter(map(len, lines), np.int64, len(lines))
            ends = np.cumsum(sizes) + offset
            rows: Any = _read(name, number, lines, int(sizes.max()), on_bad)
            number, offset = number + len(lines), int(ends[-1])
            if None in rows:
                good = [i for i, row in enumerate(rows) if row is not None]
                rows, lines = [rows[i] for i in good], [lines[i] for i in good]
                sizes, ends = sizes[good], ends[good]
            self.offset += (ends - sizes).tobytes()
            self.size += (sizes - 1).astype(np.int32).tobytes()
            self._add(rows, lines)

    def _add(self, rows: list[_Keys], lines: list[bytes]) -> None:
        ids = [row.sample_id for row in rows]
        if not all(ids):
            ids = [id or id_of(line) for id, line in zip(ids, lines, strict=True)]
        self.key += digests(ids)
        metadata = [row.metadata or _NO_METADATA for row in rows]
        groups = [str(one.group or id) for one, id in zip(metadata, ids, strict=True)]
        self.group += np.fromiter(map(hash, groups), np.int64, len(groups)).tobytes()
        self.score += np.array([row.quality_score for row in rows], dtype=np.float64).tobytes()
        self.source.add([row.source or "" for row in rows])
        self.domain.add([row.domain or "" for row in rows])
        self.version.add([one.origin_version or one.rehearsal_version or "" for one in metadata])

    def finish(self) -> Index:
        """The columns as they are used."""
        return Index(
            self.files,
            self.begins,
            np.frombuffer(self.key, "<u8"),
            np.frombuffer(self.group, np.int64),
            np.frombuffer(self.score, np.float64),
            np.frombuffer(self.offset, np.int64),
            np.frombuffer(self.size, np.int32),
            self.source.finish(),
            self.domain.finish(),
            self.version.finish(),
            list(self.source.places),
            list(self.domain.places),
            list(self.version.places),
            self.unpacked,
        )


class _Codes:
    """A column of names, each kept once: one byte a row as long as there are at most 256 of them."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.column, self.type = bytearray(), np.dtype(np.uint8)

    def add(self, names: list[str]) -> None:
        """Add the names of some rows."""
        places = self.places
        try:
            codes = list(map(places.__getitem__, names))
        except KeyError:
            codes = [places.setdefault(name, len(places)) for name in names]
            self._widen(np.min_scalar_type(max(len(places) - 1, 0)))
        self.column += bytes(codes) if self.type == np.uint8 else np.array(codes, dtype=self.type).tobytes()

    def _widen(self, needed: np.dtype[Any]) -> None:
        if needed != self.type:
            self.column = bytearray(np.frombuffer(self.column, self.type).astype(needed).tobytes())
            self.type = needed

    def finish(self) -> NDArray[Any]:
        """The places of the names."""
        return np.frombuffer(self.column, self.type)


def _read(name: str, number: int, lines: list[bytes], longest: int, on_bad: OnBad) -> Sequence[_Keys | None]:
    """The keys of each line; None where it is blank or broken. Which ones are is looked for only when one is."""
    if longest <= MAX_LINE_BYTES:
        with suppress(*_BROKEN):
            return list(map(_decode, lines))
    return [_read_one(name, number + i, line, on_bad) for i, line in enumerate(lines, 1)]


def _read_one(name: str, number: int, line: bytes, on_bad: OnBad) -> _Keys | None:
    if line.isspace():
        return None
    if len(line) > MAX_LINE_BYTES:
        on_bad(BadRow(name, number, "line_too_long", f"{len(line)} bytes"))
        return None
    try:
        return _decode(line)
    except _BROKEN as error:
        reason = "schema" if isinstance(error, msgspec.ValidationError) else "broken_json"
        on_bad(BadRow(name, number, reason, str(error)))
        return None


def _unpack(path: Path, on_bad: OnBad) -> IO[bytes]:
    file = TemporaryFile()  # noqa: SIM115 - lives as long as the index
    for _, line in read_lines(path, on_bad):
        file.write(line + b"\n")
    file.seek(0)
    return file


def id_of(body: bytes) -> str:
    """The content id of a row that carries none."""
    from afs_stages.core.sample import TrainingSample

    return TrainingSample.from_dict(msgspec.json.decode(body)).sample_id


def _refuse_collision(lines: list[bytes]) -> None:
    ids = sorted({names.sample_id for names in names_of(lines)})
    if len(ids) > 1:
        raise UserError(f"the ids '{ids[0]}' and '{ids[1]}' have the same hash", fix="give one of the rows another id")


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _OnlyMetadata(msgspec.Struct, gc=False):
    metadata: msgspec.Raw = msgspec.field(name="_metadata", default_factory=msgspec.Raw)


_only_metadata = msgspec.json.Decoder(_OnlyMetadata).decode
_MARKS = (b'"_metadata":', b'"_metadata": ')


def with_metadata(key: str, value: str | int) -> Callable[[bytes], bytes]:
    """A function that sets one key of a row's `_metadata`; nothing else of the row is decoded.

    Where `_metadata` stands last, as this project writes it, and lacks the key, the row is only spliced.
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
