"""Few of many: drawn by seed, so that a small number still covers all kinds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import TypeVar

T = TypeVar("T")


def in_turn(
    items: Iterable[T], key: Callable[[T], str], stratum: Callable[[T], tuple[str, ...]]
) -> list[T]:
    """The items in an order that follows from the hash of their keys, one from every
    stratum in turn.
    """
    strata: dict[tuple[str, ...], list[T]] = {}
    for item in sorted(items, key=lambda item: _hash(key(item))):
        strata.setdefault(stratum(item), []).append(item)
    turns = chain.from_iterable(zip_longest(*(strata[key] for key in sorted(strata))))
    return [item for item in turns if item is not None]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
