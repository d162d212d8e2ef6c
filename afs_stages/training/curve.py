"""The loss curve as it grows: a TSV that `dvc plots` reads, one line a step,
flushed at once.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Self

COLUMNS = ("step", "loss", "learning_rate", "val_loss", "anchor_kl")


class Curve:
    """A curve file opened anew; without a path nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")
            self._file.write("\t".join(COLUMNS) + "\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, point: dict[str, float]) -> None:
        """Append one step; it can be plotted while training goes on."""
        if self._file is not None:
            cells = [str(point.get(column, "")) for column in COLUMNS]
            self._file.write("\t".join(cells) + "\n")
            self._file.flush()
