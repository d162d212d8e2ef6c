"""The one door to JSON Lines on disk.

Streaming in both directions; `.gz` and `.zst` by suffix; lines are split on `\\n` only;
a bad row goes to `<output>.rejects.jsonl` with its file, line and reason and stops
nothing; outputs appear whole or not at all. Memory is bounded by the longest line
allowed (64 MiB), whatever the size of the file.
"""

from __future__ import annotations

import gzip
import io
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import jsonlines
import msgspec

from afs_stages.core.atomic import atomic_file
from afs_stages.core.errors import UserError
from afs_stages.core.sample import NOT_DECODED, TrainingSample, decode_own, problem

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is rejected unread: no sample is that long,
and one must not fill the memory.
"""
BUFFER = 2**18
"""Bytes read at a time; the default of 8 KiB takes twice as long for
rows of a kilobyte.
"""

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
encode_lines = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True)
class BadRow:
    """A row that could not be used: where it stood and why;
    `text` only where it is safe to keep.
    """

    file: str
    line: int
    reason: str
    detail: str = ""
    text: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as it stands in a rejects file."""
        row = {
            "file": self.file,
            "line": self.line,
            "reason": self.reason,
            "detail": self.detail,
        }
        return row if self.text is None else {**row, "text": self.text}


T = TypeVar("T")
OnBad = Callable[[BadRow], None]


def refuse(bad: BadRow) -> None:
    """An `OnBad` that stops the run: what `--strict` means."""
    raise UserError(
        f"{bad.reason}: {bad.detail}",
        where=f"{bad.file}:{bad.line}",
        fix="run `afs validate --fix`",
    )


class _ZstdReader(io.RawIOBase):
    """Zstandard frames as a stream that, unlike the library's,
    raises EOFError when one breaks off.

    512 bytes of input hold at most 128 blocks of 128 KiB,
    so a bomb costs 16 MiB at a time.
    """

    def __init__(self, file: IO[bytes]) -> None:
        import zstandard

        self._file, self._pending, self._data = file, b"", memoryview(b"")
        self._new: Callable[[], Any] = zstandard.ZstdDecompressor(
            max_window_size=2**27
        ).decompressobj
        self._frame: Any = None
        self._error = zstandard.ZstdError

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._data:
            chunk = self._pending or self._file.read(512)
            self._pending = b""
            if not chunk:
                if self._frame is not None:
                    raise EOFError("the compressed file breaks off")
                return 0
            self._feed(chunk)
        size = min(len(buffer), len(self._data))
        buffer[:size], self._data = self._data[:size], self._data[size:]
        return size

    def _feed(self, chunk: bytes) -> None:
        self._frame = self._frame or self._new()
        try:
            self._data = memoryview(self._frame.decompress(chunk))
        except self._error as error:
            raise OSError(f"not Zstandard data: {error}") from None
        if self._frame.eof:
            self._pending, self._frame = self._frame.unused_data, None


@contextmanager
def open_read(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain, `.gz` or `.zst` file for reading bytes."""
    if not path.is_file():
        raise UserError(
            "no such file",
            where=str(path),
            fix="check the path, or run the stage that makes it",
        )
    with path.open("rb", BUFFER) as raw:
        if path.suffix == ".gz":
            with gzip.open(raw) as file:
                yield io.BufferedReader(file)
        elif path.suffix == ".zst":
            yield io.BufferedReader(_ZstdReader(raw))
        else:
            yield raw


def read_lines(
    path: Path, on_bad: OnBad, max_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, bytes without the line end); blank lines are passed
    over, and so is a byte order mark.

    A line longer than `max_bytes` and a stream that breaks off (truncated
    compression) are reported.
    """
    with open_read(path) as file:
        number = 0
        while True:
            try:
                line = file.readline(max_bytes + 1)
            except (OSError, EOFError) as error:
                on_bad(BadRow(path.name, number + 1, "unreadable", str(error)))
                return
            if not line:
                return
            number += 1
            if len(line) > max_bytes and not line.endswith(b"\n"):
                size = len(line) + _skip_line(file)
                on_bad(
                    BadRow(
                        path.name,
                        number,
                        "line_too_long",
                        f"{size} bytes, at most {max_bytes}",
                    )
                )
                continue
            line = line.rstrip(b"\r\n")
            if number == 1:
                line = line.removeprefix(BOM_UTF8)
            if line and not line.isspace():
                yield number, line


def _skip_line(file: IO[bytes]) -> int:
    skipped = 0
    while chunk := file.readline(2**20):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


def parse(file: str, number: int, line: bytes) -> dict[str, Any] | BadRow:
    """The JSON object on a line, or what is wrong with it."""
    if b"\0" in line:
        return BadRow(file, number, "nul_byte", "the line contains a NUL byte")
    try:
        value = decode(line)
    except UnicodeDecodeError as error:
        return BadRow(file, number, "encoding", f"not UTF-8 at byte {error.start}")
    except (msgspec.DecodeError, RecursionError) as error:
        return BadRow(file, number, "broken_json", str(error))
    if isinstance(value, dict):
        return value
    return BadRow(file, number, "not_an_object", f"a JSON {type(value).__name__}")


def read_objects(path: Path, on_bad: OnBad) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) for each line that is a JSON object;
    the others are reported.
    """
    for number, line in read_lines(path, on_bad):
        value = parse(path.name, number, line)
        if isinstance(value, BadRow):
            on_bad(value)
        else:
            yield number, value


def read_samples(path: Path, on_bad: OnBad) -> Iterator[TrainingSample]:
    """Yield every valid sample of a file; a row that breaks the schema is
    reported with its field.
    """
    for _, sample in read_numbered_samples(path, on_bad):
        yield sample


def read_numbered_samples(
    path: Path, on_bad: OnBad
) -> Iterator[tuple[int, TrainingSample]]:
    """The same, each with its line number."""
    for number, line in read_lines(path, on_bad):
        sample = sample_on(path.name, number, line)
        if isinstance(sample, BadRow):
            on_bad(sample)
        else:
            yield number, sample


def sample_on(file: str, number: int, line: bytes) -> TrainingSample | BadRow:
    """The sample on a line, or what is wrong with it."""
    if b"\0" not in line:
        with suppress(*NOT_DECODED):
            return decode_own(line)
    value = parse(file, number, line)
    if isinstance(value, BadRow):
        return value
    try:
        return TrainingSample.from_dict(value)
    except msgspec.ValidationError as error:
        return BadRow(file, number, "schema", problem(error))


def fault(
    file: str, number: int, line: bytes, any_object: bool = False
) -> BadRow | None:
    """What is wrong with a line that should hold a sample (or any object), or None."""
    value = parse(file, number, line) if any_object else sample_on(file, number, line)
    return value if isinstance(value, BadRow) else None


def batched(items: Iterable[T], size: int = 1024) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def rejects_path(output: Path) -> Path:
    """Where the bad rows of a stage's output go: `x.jsonl` -> `x.rejects.jsonl`."""
    stem = output.name.removesuffix(".zst").removesuffix(".gz").removesuffix(".jsonl")
    return output.with_name(f"{stem}.rejects.jsonl")


@dataclass
class Writer:
    """An open JSONL output; `count` rows written so far."""

    file: IO[bytes]
    count: int = 0
    _lines: jsonlines.Writer = field(init=False)

    def __post_init__(self) -> None:
        self._lines = jsonlines.Writer(self.file, dumps=encode)

    def write(self, row: TrainingSample | dict[str, Any]) -> None:
        """Write one row."""
        self._lines.write(row.to_dict() if isinstance(row, TrainingSample) else row)
        self.count += 1

    def write_many(self, rows: Iterable[Any]) -> None:
        """Write rows (mappings or msgspec structures) encoded by the thousand,
        which costs a third.
        """
        for batch in batched(rows):
            self.file.write(encode_lines(batch))
            self.count += len(batch)

    def write_lines(self, lines: Iterable[bytes]) -> None:
        """Write rows that are encoded already (without their line ends),
        by the hundred.
        """
        self.write_batches(batched(lines, 128))

    def write_batches(self, batches: Iterable[list[bytes]]) -> None:
        """Write lists of rows that are encoded already (without their line ends)."""
        for batch in batches:
            self.write_block(b"\n".join([*batch, b""]), len(batch))

    def write_block(self, block: bytes, count: int) -> None:
        """Write rows that are encoded and joined already, each with its line end."""
        self.file.write(block)
        self.count += count

    def write_line(self, line: bytes) -> None:
        """Write one row that is encoded already (without its line end)."""
        self.file.write(line)
        self.file.write(b"\n")
        self.count += 1


@contextmanager
def open_write(path: Path) -> Iterator[Writer]:
    """Open a JSONL output, compressed by suffix;
    it appears under its name only when complete.
    """
    with atomic_file(path) as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                yield Writer(cast("IO[bytes]", file))
        elif path.suffix == ".zst":
            import zstandard

            with zstandard.ZstdCompressor(level=3).stream_writer(
                raw, closefd=False
            ) as stream:
                yield Writer(stream)
        else:
            yield Writer(raw)


@dataclass
class Rejects:
    """Collects bad rows for a rejects file and counts them by reason;
    call it as an `OnBad`.
    """

    writer: Writer
    strict: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, bad: BadRow) -> None:
        """Count and keep one bad row; with `strict` raise instead."""
        if self.strict:
            refuse(bad)
        self.counts[bad.reason] = self.counts.get(bad.reason, 0) + 1
        self.writer.write(bad.to_dict())


@contextmanager
def open_rejects(output: Path, strict: bool = False) -> Iterator[Rejects]:
    """Open the rejects file beside an output;
    it exists afterwards even when nothing was rejected.
    """
    with open_write(rejects_path(output)) as writer:
        yield Rejects(writer, strict)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document, indented, keys in the order given, atomically."""
    with atomic_file(path) as file:
        file.write(msgspec.json.format(encode(value), indent=2) + b"\n")


def read_json(path: Path) -> Any:
    """Read one JSON document; a broken one is a `UserError` that names the file."""
    try:
        return decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"not valid JSON: {error}", where=str(path)) from None
