"""A cluster's part of the split: by hash, so that it depends on nothing but the cluster and the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratios:
    """Shares of train and val; test is the rest."""

    train: float
    val: float

    def part(self, position: float) -> str:
        """The part at a position in [0, 1)."""
        if position < self.train:
            return "train"
        return "val" if position < self.train + self.val else "test"

    def share(self, part: str) -> float:
        """The share of one part."""
        return {"train": self.train, "val": self.val, "test": 1 - self.train - self.val}[part]


def positions(keys: Iterable[str], seed: int) -> dict[str, float]:
    """Key -> a number in [0, 1) that only the key and the seed decide."""
    found: dict[str, float] = {}
    begun = hashlib.blake2b(f"{seed}\x1f".encode(), digest_size=8)
    for key in keys:
        hash = begun.copy()  # half the time of a new one
        hash.update(key.encode())
        found[key] = int.from_bytes(hash.digest(), "big") / 2**64
    return found


def assign(
    keys: Mapping[str, Sequence[str]], ratios: Ratios, seed: int, filled: Mapping[str, Set[str]] | None = None
) -> dict[str, str]:
    """Cluster key -> part, for the clusters of each domain.

    Where a domain of at least three clusters left a part empty, the free clusters of the smallest hash
    are lent to it, and a smaller domain is not left without train: rounding never empties a part that can
    be filled. `filled` names the parts of each domain that released rows fill already.
    """
    parts: dict[str, str] = {}
    for domain, clusters in keys.items():
        places = positions(sorted(clusters), seed)
        ordered = sorted(places, key=places.__getitem__)
        own = {key: ratios.part(places[key]) for key in ordered}
        _lend(own, ordered, ratios, (filled or {}).get(domain, frozenset()))
        parts.update(own)
    return parts


def _lend(parts: dict[str, str], ordered: list[str], ratios: Ratios, filled: Set[str]) -> None:
    for part in ("test", "val", "train") if len(ordered) >= 3 else ("train",):
        if ratios.share(part) <= 0 or part in filled or part in parts.values():
            continue
        richest = max(("train", "val", "test"), key=lambda name: sum(1 for own in parts.values() if own == name))
        parts[next(key for key in ordered if parts[key] == richest)] = part
