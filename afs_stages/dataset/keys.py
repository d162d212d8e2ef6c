"""Ids as numbers: 64-bit keys that put rows into one order on every machine,
and draws by a seed.

A key is a hash, so its order is as good as random and the same whatever the order
of files and rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.signedinteger[Any]]
"""Places of rows in their columns; 32 bits wide where many are kept."""
CHUNK = 2**16
"""Keys mixed at a time, so that what lies between costs no memory."""


def key_of(text: str) -> int:
    """The key of a text (XXH3, the xxHash specification's 64-bit variant)."""
    return int.from_bytes(
        xxhash.xxh3_64_digest(text.encode("utf-8", "surrogatepass")), "little"
    )


def keys_of(texts: Iterable[str]) -> Keys:
    """The key of each text."""
    return np.fromiter(map(key_of, texts), np.uint64)


def seeded(keys: Keys, seed: int) -> Keys:
    """Each key mixed with the seed, one to one, in place (the finaliser of SplitMix64;
    Steele, Lea, Flood 2014).
    """
    keys += keys_of([str(seed)])
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            part ^= part >> np.uint64(shift)
            part *= np.uint64(factor)
        part ^= part >> np.uint64(31)
    return keys


def order_of(values: NDArray[Any]) -> Rows:
    """Places of the values in ascending order,
    equal ones in any order but always the same.
    """
    return np.argsort(values).astype(np.int32)


def shuffled(count: int, seed: int) -> Rows:
    """The numbers below `count` in an order that only the seed decides (NumPy's frozen
    Mersenne Twister).
    """
    order = np.arange(count, dtype=np.int32)
    np.random.RandomState(keys_of([str(seed)]).view(np.uint32)).shuffle(order)
    return order


def runs(sorted_values: NDArray[Any]) -> Rows:
    """Where each run of equal values begins, and after the last one the length;
    eight bytes a run.
    """
    changes = np.flatnonzero(sorted_values[1:] != sorted_values[:-1]) + 1
    return np.concatenate(
        [np.zeros(min(len(sorted_values), 1), np.int64), changes, [len(sorted_values)]]
    )


def cross_counts(
    ones: NDArray[Any], twos: NDArray[Any], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """How often each pair of two columns of small numbers stands beside each other."""
    counts = np.zeros(shape[0] * shape[1], np.int64)
    for start in range(0, len(ones), CHUNK):
        part = slice(start, start + CHUNK)
        counts += np.bincount(
            ones[part].astype(np.int64) * shape[1] + twos[part], minlength=len(counts)
        )
    return counts.reshape(shape)
