"""A cluster's part of the split: by hash, so that it depends on nothing but the
cluster and the seed.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import layout
from afs_stages.dataset.keys import Keys, Rows, cross_counts, runs, seeded


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
    keys: Keys,
    strata: NDArray[Any],
    ratios: Ratios,
    seed: int,
    filled: Set[tuple[int, int]] = frozenset(),
) -> NDArray[np.int8]:
    """The part of each cluster, as its place in `layout.PARTS`, by its key (which is
    overwritten) in its domain.

    Where a domain of at least three clusters left a part empty, the free clusters of
    the smallest hash are lent to it, and a smaller domain is not left without train:
    rounding never empties a part that can be filled. Where every domain is that small,
    test and then val are lent a cluster of the whole, so that two clusters can be
    trained and measured. `filled` are (domain, part) that released rows fill already.
    """
    mixed = seeded(keys, seed)
    parts = np.zeros(len(mixed), np.int8)
    for share in (ratios.train, ratios.train + ratios.val):
        parts += mixed >= np.uint64(min(int(share * 2**64), 2**64 - 1))
    count = len(layout.PARTS)
    table = cross_counts(strata, parts, (int(strata.max(initial=0)) + 1, count))
    lacking = (table == 0).any(axis=1)
    members = np.flatnonzero(lacking[strata])
    members = members[np.lexsort((mixed[members], strata[members]))]
    for begin, end in pairwise(runs(strata[members]).tolist()):
        stratum = int(strata[members[begin]])
        _lend(
            parts,
            members[begin:end],
            ratios,
            {part for part in range(count) if (stratum, part) in filled},
        )
    # The largest domain lends first, the smallest hash of it.
    sizes = np.bincount(strata)
    order = np.lexsort((mixed, -sizes[strata]))
    _lend_of_all(parts, order, ratios, {part for _, part in filled})
    return parts


def _lend_of_all(
    parts: NDArray[np.int8], order: Rows, ratios: Ratios, filled: Set[int]
) -> None:
    """Give test and val a cluster where no domain has one; train keeps its last."""
    _, val, test = range(len(layout.PARTS))
    for part in (test, val):
        counts = np.bincount(parts, minlength=3)
        if ratios.shares[part] <= 0 or part in filled or counts[part]:
            continue
        lender = int(np.argmax(counts))
        if counts[lender] < 2:
            # Without a test row nothing can be measured; val can be done without.
            if part == val or not counts[val]:
                continue
            lender = val
        parts[order[np.argmax(parts[order] == lender)]] = part


def _lend(
    parts: NDArray[np.int8], members: Rows, ratios: Ratios, filled: Set[int]
) -> None:
    train, val, test = range(len(layout.PARTS))
    for part in (test, val, train) if len(members) >= 3 else (train,):
        counts = np.bincount(parts[members], minlength=3)
        if ratios.shares[part] <= 0 or part in filled or counts[part]:
            continue
        lender = int(np.argmax(counts))
        parts[members[np.argmax(parts[members] == lender)]] = part
