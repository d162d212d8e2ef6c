"""What releases froze: which part of a split each of their rows
belongs to, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import layout
from afs_stages.core.jsonl import OnBad, read_samples
from afs_stages.dataset.index import Index, index
from afs_stages.dataset.keys import Keys, Rows
from afs_stages.dataset.recall_set import question


@dataclass
class Frozen:
    """Every released row (train, val, test of every version),
    earliest version first.
    """

    index: Index
    rows: Rows
    """The rows of the index in the order of their versions,
    those of one file by key.
    """
    parts: NDArray[Any]
    """The part each of `rows` was frozen in: its place in `layout.PARTS`."""
    recall: list[str]
    """What the recall sets of all releases ask."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def key(self) -> Keys:
        """The key of each of `rows`."""
        return self.index.key[self.rows]

    def parts_of(self, keys: Keys) -> NDArray[Any]:
        """The part in which the row of each key was frozen first;
        -1 where it never was.
        """
        known, first = np.unique(self.key, return_index=True)
        if not len(known):
            return np.full(len(keys), -1, dtype=np.int8)
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[places] == keys, self.parts[first[places]], -1).astype(
            np.int8
        )


def versions(root: Path, model: str = "*") -> list[Path]:
    """The released versions' folders, by model and number."""
    folders = [
        path for path in root.glob(f"{model}/v*") if (path / "manifest.json").is_file()
    ]
    return sorted(folders, key=lambda path: (path.parent.name, number(path.name)))


def number(version: str) -> int:
    """5 of `v5`."""
    digits = version.removeprefix("v")
    return int(digits) if digits.isdigit() else 0


def load_frozen(root: Path | None, on_bad: OnBad) -> Frozen:
    """Read every release below `root`; a missing folder, or none,
    means nothing is frozen yet.
    """
    files: list[Path] = []
    parts_of_files: list[int] = []
    for folder in versions(root) if root else ():
        for place, part in enumerate(layout.PARTS):
            path = folder / f"{part}.jsonl"
            if path.is_file():
                files.append(path)
                parts_of_files.append(place)
    found = index(files, on_bad)
    rows = found.canonical()
    numbers = found.file_of(rows)
    order = np.argsort(numbers, kind="stable")
    parts = np.array(parts_of_files, dtype=np.int8)[numbers[order]]
    return Frozen(found, rows[order], parts, recall_questions(root, on_bad))


def recall_files(root: Path | None, model: str = "*") -> list[Path]:
    """The recall sets of a model's releases, or of all; older ones may have none."""
    folders = versions(root, model) if root else []
    files = [folder / f"{layout.RECALL_SET}.jsonl" for folder in folders]
    return [path for path in files if path.is_file()]


def recall_questions(root: Path | None, on_bad: OnBad, model: str = "*") -> list[str]:
    """What these recall sets ask, each question once, in order."""
    found = {
        question(sample)
        for path in recall_files(root, model)
        for sample in read_samples(path, on_bad)
    }
    return sorted(found)
