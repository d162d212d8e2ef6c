"""A cluster's part of the split: by hash, so that it depends on nothing but the cluster and the seed."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import layout
from afs_stages.dataset.keys import Keys, Rows, positions, runs


@dataclass(frozen=True)
class Ratios:
    """Shares of train and val; test is the rest."""

    train: float
    val: float

    @property
    def shares(self) -> tuple[float, float, float]:
        """The share of each of `layout.PARTS`."""
        return self.train, self.val, 1 - self.train - self.val


def assign(
    keys: Keys, strata: NDArray[Any], ratios: Ratios, seed: int, filled: Set[tuple[int, int]] = frozenset()
) -> NDArray[np.int8]:
    """The part of each cluster, as its place in `layout.PARTS`, by the cluster's key; `strata` are their domains.

    Where a domain of at least three clusters left a part empty, the free clusters of the smallest hash
    are lent to it, and a smaller domain is not left without train: rounding never empties a part that can
    be filled. `filled` are (domain, part) that released rows fill already.
    """
    places = positions(keys, seed)
    parts = np.searchsorted([ratios.train, ratios.train + ratios.val], places, side="right").astype(np.int8)
    by_place = np.argsort(places, kind="stable")
    by_stratum = by_place[np.argsort(strata[by_place], kind="stable")]
    begins = runs(strata[by_stratum])
    for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True):
        members = by_stratum[begin:end]
        own = {part for part in range(3) if (int(strata[members[0]]), part) in filled}
        _lend(parts, members, ratios, own)
    return parts


def _lend(parts: NDArray[np.int8], members: Rows, ratios: Ratios, filled: Set[int]) -> None:
    train, val, test = range(len(layout.PARTS))
    for part in (test, val, train) if len(members) >= 3 else (train,):
        counts = np.bincount(parts[members], minlength=3)
        if ratios.shares[part] <= 0 or part in filled or counts[part]:
            continue
        lender = int(np.argmax(counts))
        parts[members[np.argmax(parts[members] == lender)]] = part
