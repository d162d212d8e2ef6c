"""Scores already computed, by content hash: a resumed run scores only rows it has not seen."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.quality.scorer import QualityScore


@cache
def _code() -> str:
    """Hash of this room's code and data: other rules, other scores."""
    room = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(file for file in room.rglob("*") if file.suffix in (".py", ".json")):
        digest.update(f"{file.relative_to(room).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def made_by(fingerprint: str) -> str:
    """What made a score: this code with a scorer's configuration, model and context."""
    return hashlib.blake2b(f"{_code()}|{fingerprint}".encode(), digest_size=16).hexdigest()


def key(sample: TrainingSample) -> bytes:
    """Hash of everything of a row that its score depends on: texts, domain, source and file."""
    parts = (
        sample.domain, sample.source, str(sample.provenance.get("file") or sample.group),
        sample.instruction, sample.input, sample.output,
    )  # fmt: skip
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


class ScoreCache:
    """A file of the scores one `maker` gave (`made_by`); `None` as path keeps nothing.

    Scores of another maker are dropped when the file is opened, so that it holds one score a row.
    """

    def __init__(self, path: Path | None, maker: str = "") -> None:
        self._db: sqlite3.Connection | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path)
            self._begin(self._db, maker)
        except sqlite3.DatabaseError as error:
            raise UserError(f"not a score cache: {error}", where=str(path), fix="delete the file") from None

    def _begin(self, db: sqlite3.Connection, maker: str) -> None:
        db.execute("CREATE TABLE IF NOT EXISTS maker (name TEXT)")
        if db.execute("SELECT name FROM maker").fetchall() != [(maker,)]:
            db.execute("DROP TABLE IF EXISTS scores")
            db.execute("DELETE FROM maker")
            db.execute("INSERT INTO maker VALUES (?)", (maker,))
        db.execute("CREATE TABLE IF NOT EXISTS scores (key BLOB PRIMARY KEY, score BLOB) WITHOUT ROWID")
        db.commit()

    def get(self, keys: Sequence[bytes]) -> list[QualityScore | None]:
        """The scores kept under keys, in order."""
        if self._db is None:
            return [None] * len(keys)
        rows = (self._db.execute("SELECT score FROM scores WHERE key = ?", (one,)).fetchone() for one in keys)
        return [msgspec.json.decode(row[0], type=QualityScore) if row else None for row in rows]

    def put(self, keys: Sequence[bytes], scores: Sequence[QualityScore]) -> None:
        """Keep scores; a run that ends here finds them again."""
        if self._db is not None:
            rows: list[Any] = [(one, msgspec.json.encode(score)) for one, score in zip(keys, scores, strict=True)]
            self._db.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows)
            self._db.commit()

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
