"""Union-find over rows: what must stay together,
by equal keys and by links one at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.dataset.keys import runs

Places = NDArray[np.int32]


class Clusters:
    """Sets of items that stay below a size; the links must come in a stable order.
    Nine bytes an item.
    """

    def __init__(self, count: int, limit: int) -> None:
        self._parent = array("i", np.arange(count, dtype=np.int32).tobytes())
        self._size = array("i", [1]) * count
        self._limit = limit
        self._joined = bytearray(count)

    @classmethod
    def of_equal(cls, values: NDArray[Any], limit: int) -> Clusters:
        """A set for each value that several items have;
        such sets may be larger than the limit.
        """
        made = cls(
            len(values), limit
        )  # what lasts comes first, so that what does not leaves no hole in memory
        order, begins = _equal_runs(values)
        parent, size = made._columns()
        firsts, counts = (
            np.minimum.reduceat(order, begins),
            np.diff(begins, append=np.int32(len(order))),
        )
        size[firsts] = counts
        parent[order] = np.repeat(firsts, counts)
        np.frombuffer(made._joined, np.bool_)[order] = True
        return made

    def __len__(self) -> int:
        return len(self._parent)

    def find(self, item: int) -> int:
        """The first of the item's set."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, one: int, two: int, *, always: bool = False) -> bool:
        """Unite two sets unless that makes one too large; whether they are one now."""
        a, b = self.find(one), self.find(two)
        if a == b:
            return True
        if not always and self._size[a] + self._size[b] > self._limit:
            return False
        a, b = min(a, b), max(a, b)
        self._joined[a] = self._joined[b] = 1
        self._parent[b] = a
        self._size[a] += self._size[b]
        return True

    def size(self, item: int) -> int:
        """How many items its set has."""
        return self._size[self.find(item)]

    def firsts(self) -> Places:
        """Of each item the first of its set; not to be written to."""
        parent = self._columns()[0]
        while not np.array_equal(parent, above := parent[parent]):
            parent[:] = above
        return parent

    def sets(self) -> Iterator[list[int]]:
        """The sets of several items, each in ascending order, by their first ones."""
        firsts = self.firsts()
        items = np.flatnonzero(np.frombuffer(self._joined, np.bool_)).astype(np.int32)
        items = items[np.argsort(firsts[items], kind="stable")]
        for begin, end in pairwise(runs(firsts[items]).tolist()):
            yield items[begin:end].tolist()

    def _columns(self) -> tuple[Places, Places]:
        return np.frombuffer(self._parent, np.int32), np.frombuffer(
            self._size, np.int32
        )


def _equal_runs(values: NDArray[Any]) -> tuple[Places, Places]:
    """(places of the values that occur several times, in the order of the values; where
    in it each value begins).
    """
    order = np.argsort(values).astype(np.int32)
    ordered = values[order]
    is_again = ordered[1:] == ordered[:-1]
    del ordered
    is_several = np.zeros(len(values), np.bool_)
    is_several[1:] = is_again
    is_first = ~is_several
    is_several[:-1] |= is_again
    return order[is_several], np.flatnonzero(is_first[is_several]).astype(np.int32)
