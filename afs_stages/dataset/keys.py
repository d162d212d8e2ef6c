"""Ids as numbers: 64-bit keys that put rows into one order on every machine, and draws by a seed.

A key is a hash, so its order is as good as random and the same whatever the order of files and rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]
"""Places of rows in their columns."""
KEY_BYTES = 8
_empty = hashlib.blake2b(digest_size=KEY_BYTES).copy


def digests(texts: Iterable[str]) -> bytes:
    """The keys of texts, eight bytes each (BLAKE2b, RFC 7693)."""
    found = []
    for text in texts:
        hash = _empty()  # a copy costs half of a new one
        hash.update(text.encode("utf-8", "surrogatepass"))
        found.append(hash.digest())
    return b"".join(found)


def keys_of(texts: Iterable[str]) -> Keys:
    """The key of each text."""
    return np.frombuffer(digests(texts), dtype="<u8")


def seeded(keys: Any, seed: int) -> Keys:
    """Each key mixed with the seed, one to one (the finaliser of SplitMix64; Steele, Lea and Flood 2014)."""
    mixed: Keys = np.asarray(keys, dtype=np.uint64) + keys_of([str(seed)])
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def positions(keys: Any, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each key that only the key and the seed decide."""
    return (seeded(keys, seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def shuffled(count: int, seed: int) -> Rows:
    """The numbers below `count` in an order that only the seed decides."""
    return np.argsort(seeded(np.arange(count, dtype=np.uint64), seed), kind="stable")


def runs(sorted_values: NDArray[Any]) -> Rows:
    """Where each run of equal values begins, and after the last one the length."""
    changes = np.flatnonzero(sorted_values[1:] != sorted_values[:-1]) + 1
    return np.concatenate([np.zeros(min(len(sorted_values), 1), np.int64), changes, [len(sorted_values)]])
