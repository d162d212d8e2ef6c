"""Held-out rows, and near copies of them, where they must not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from afs_stages.core.jsonl import OnBad
from afs_stages.core.params.data import NearDuplicates
from afs_stages.dataset import near
from afs_stages.dataset.frozen import versions
from afs_stages.dataset.index import Index, index
from afs_stages.dataset.keys import Rows


class Leak(NamedTuple):
    """A trained row that is (`exact`) or nearly is (`near`) a held-out one; both are
    rows of an index.
    """

    kind: str
    trained: int
    held_out: int


def held_out_files(releases: Path) -> list[Path]:
    """Val and test rows of every release of every model."""
    files = [
        folder / f"{part}.jsonl"
        for folder in versions(releases)
        for part in ("val", "test")
    ]
    return [path for path in files if path.is_file()]


def find_leaks(
    trained: Index, rows: Rows, held_out: Index, params: NearDuplicates
) -> Iterator[Leak]:
    """Yield every leak between trained rows and the rows of held-out files.

    Memory: 16 bytes a hash function and eight more for each text.
    """
    held, first = np.unique(held_out.key, return_index=True)
    first = np.sort(first).astype(np.int32)
    by_key = dict(zip(held_out.key[first].tolist(), first.tolist(), strict=True))
    for row, key in zip(rows.tolist(), trained.key[rows].tolist(), strict=True):
        if key in by_key:
            yield Leak("exact", row, by_key[key])
    if not len(rows) or not len(held):
        return
    ours, theirs = near.RowTexts([(trained, rows)]), near.RowTexts([(held_out, first)])
    for one, two in near.pairs_across(ours, theirs, params):
        row, other = int(rows[one]), int(first[two])
        if trained.key[row] != held_out.key[other]:
            yield Leak("near", row, other)


def is_leaking(
    trained: Index,
    rows: Rows,
    held_out: Iterable[Path],
    params: NearDuplicates,
    on_bad: OnBad,
) -> NDArray[np.bool_]:
    """Whether each of the rows leaks."""
    leaking = [
        leak.trained
        for leak in find_leaks(trained, rows, index(held_out, on_bad), params)
    ]
    return np.isin(rows, np.array(leaking, np.int32))
