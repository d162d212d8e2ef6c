"""The loss curve as it grows: a TSV that `dvc plots` reads, one line a step."""

from __future__ import annotations

from pathlib import Path

COLUMNS = ("step", "loss", "learning_rate", "val_loss", "anchor_kl")


class Curve:
    """A curve file begun anew; without a path nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\t".join(COLUMNS) + "\n", encoding="utf-8")

    def add(self, point: dict[str, float]) -> None:
        """Append one step; it can be plotted while training goes on."""
        if self._path is not None:
            cells = [str(point.get(column, "")) for column in COLUMNS]
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\t".join(cells) + "\n")
