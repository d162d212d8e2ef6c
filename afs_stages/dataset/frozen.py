"""What releases froze: which part of a split each of their rows belongs to, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.jsonl import OnBad
from afs_stages.dataset.index import Index, Row, index


@dataclass
class Frozen:
    """Every released row (train, val, test of every version), with the part it was frozen in."""

    index: Index
    parts: list[str]
    """The part of each row of the index."""

    @property
    def rows(self) -> list[tuple[Row, str]]:
        """(row, part) of every released row, earliest version first."""
        return list(zip(self.index.rows, self.parts, strict=True))


def versions(root: Path, model: str = "*") -> list[Path]:
    """The released versions' folders, by model and number."""
    folders = [path for path in root.glob(f"{model}/v*") if (path / "manifest.json").is_file()]
    return sorted(folders, key=lambda path: (path.parent.name, number(path.name)))


def number(version: str) -> int:
    """5 of `v5`."""
    digits = version.removeprefix("v")
    return int(digits) if digits.isdigit() else 0


def load_frozen(root: Path, on_bad: OnBad) -> Frozen:
    """Read every release below `root`; a missing folder means nothing is frozen yet."""
    files, parts_of_files = [], []
    for folder in versions(root):
        for part in layout.PARTS:
            path = folder / f"{part}.jsonl"
            if path.is_file():
                files.append(path)
                parts_of_files.append(part)
    found = index(files, on_bad)
    return Frozen(found, [parts_of_files[row.file] for row in found.rows])
