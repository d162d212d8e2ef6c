"""Readings already made, by content hash: a resumed run reads only rows it has not
seen.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.scorer import RowReading

T = TypeVar("T")


@cache
def _code() -> str:
    """Hash of the code and data that scores come from: other rules, other scores."""
    package = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=16)
    for room in ("asm", "scoring"):
        for file in sorted((package / room).rglob("*")):
            if file.suffix in (".py", ".json"):
                name = file.relative_to(package).as_posix()
                digest.update(f"{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def made_by(fingerprint: str) -> str:
    """What made a score: this code with a scorer's configuration, model and context."""
    return hashlib.blake2b(
        f"{_code()}|{fingerprint}".encode(), digest_size=16
    ).hexdigest()


def key(sample: TrainingSample) -> bytes:
    """Hash of everything of a row that its reading depends on: texts, dialogue, tools,
    domain, source and file.
    """
    dialogue = (sample.messages, sample.tools)
    parts = (
        sample.domain,
        sample.source,
        str(sample.provenance.get("file") or sample.group),
        sample.instruction,
        sample.input,
        sample.output,
        msgspec.json.encode(dialogue, order="sorted").decode(),
    )
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


class ScoreCache:
    """A file of the scores one `maker` gave (`made_by`); `None` as path keeps nothing,
    and is false.

    Scores of another maker are dropped when the file is opened, so that it holds one
    score a row. A damaged file is set aside as `<name>.damaged`, which is said and
    counted (`damaged`), and a new one begun.
    """

    def __init__(self, path: Path | None, maker: str = "") -> None:
        self._path, self._maker = path, maker
        self._db: sqlite3.Connection | None = None
        self.damaged = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._guarded(self._open)

    def __bool__(self) -> bool:
        return self._path is not None

    def _guarded(self, work: Callable[[], T]) -> T:
        """Work on the file; done once more on a new one where it turns
        out to be damaged.
        """
        try:
            return work()
        except sqlite3.OperationalError as error:
            fix = "end the other run, free the disk, or name another file"
            raise UserError(
                f"the score cache cannot be used: {error}",
                where=str(self._path),
                fix=fix,
            ) from None
        except (
            sqlite3.DatabaseError,
            msgspec.DecodeError,
            msgspec.ValidationError,
        ) as error:
            if self._path is None or self.damaged:
                raise UserError(
                    f"the score cache breaks again: {error}", where=str(self._path)
                ) from None
            self._set_aside(self._path, error)
            return work()

    def _set_aside(self, path: Path, error: Exception) -> None:
        self.close()
        aside = path.with_name(f"{path.name}.damaged")
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        path.replace(aside)
        self.damaged += 1
        warn(
            f"{path}: the score cache was damaged ({error}); it is set aside as "
            f"{aside.name}, rows are scored anew"
        )

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = db = sqlite3.connect(str(self._path))
            db.execute("CREATE TABLE IF NOT EXISTS maker (name TEXT)")
            if db.execute("SELECT name FROM maker").fetchall() != [(self._maker,)]:
                db.execute("DROP TABLE IF EXISTS scores")
                db.execute("DELETE FROM maker")
                db.execute("INSERT INTO maker VALUES (?)", (self._maker,))
            db.execute(
                "CREATE TABLE IF NOT EXISTS scores (key BLOB PRIMARY KEY, "
                "score BLOB) WITHOUT ROWID"
            )
            db.commit()
        return self._db

    def get(self, keys: Sequence[bytes]) -> list[RowReading | None]:
        """The scores kept under keys, in order."""

        def found() -> list[RowReading | None]:
            db = self._open()
            rows = (
                db.execute("SELECT score FROM scores WHERE key = ?", (one,)).fetchone()
                for one in keys
            )
            return [
                msgspec.json.decode(row[0], type=RowReading) if row else None
                for row in rows
            ]

        return self._guarded(found) if self else [None] * len(keys)

    def put(self, keys: Sequence[bytes], scores: Sequence[RowReading]) -> None:
        """Keep scores; a run that ends here finds them again."""
        rows: list[Any] = [
            (one, msgspec.json.encode(score))
            for one, score in zip(keys, scores, strict=True)
        ]

        def keep() -> None:
            db = self._open()
            db.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows)
            db.commit()

        if self:
            self._guarded(keep)

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
