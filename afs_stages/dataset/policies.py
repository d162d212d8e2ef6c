"""How rows are chosen from many: by quality, at random, by quality and diversity. All give the same for the same rows.

Every policy is stratified: a domain's share of the choice is its share of the rows, and what a small
one cannot fill goes to the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from afs_stages.core.sample import TrainingSample


class Candidate(Protocol):
    """What a row is chosen by; a `TrainingSample`, or its `Row` in an index."""

    sample_id: str
    domain: str
    quality_score: float | None


C = TypeVar("C", bound=Candidate)
Select = Callable[[Sequence[TrainingSample], int, int, float], list[TrainingSample]]
"""(rows, how many, seed, diversity weight) -> the chosen rows, in the order of their ids."""
FEATURES = 256
"""Width of the hashed word vectors that similarity is measured on."""
CANDIDATES = 64
"""Rows looked at per greedy step (stochastic greedy, Mirzasoleiman et al. 2015)."""


def allot(total: int, capacity: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, int]:
    """Divide `total` by weight, at most `capacity` each, by largest remainder; the rest goes to who has room.

    The result sums to min(total, sum of capacities of groups with a weight).
    """
    quota = dict.fromkeys(capacity, 0)
    open_ = sorted(name for name, size in capacity.items() if weights.get(name, 0) > 0 and size > 0)
    left = min(total, sum(capacity[name] for name in open_))
    while open_:
        scale = left / sum(weights[name] for name in open_)
        full = [name for name in open_ if weights[name] * scale >= capacity[name]]
        if not full:
            break
        for name in full:
            quota[name] = capacity[name]
            left -= capacity[name]
            open_.remove(name)
    exact = {name: weights[name] * scale for name in open_}
    quota |= {name: int(share) for name, share in exact.items()}
    rest = left - sum(quota[name] for name in open_)
    for name in sorted(open_, key=lambda name: (int(exact[name]) - exact[name], name))[:rest]:
        quota[name] += 1
    return quota


def top_quality(rows: Sequence[C], count: int, seed: int, weight: float) -> list[C]:
    """The best-scored rows of each domain."""
    return _stratified(rows, count, best_first)


def random(rows: Sequence[C], count: int, seed: int, weight: float) -> list[C]:
    """Rows of each domain in the order of a seeded hash of their ids."""
    return _stratified(rows, count, lambda row: (0.0, hashed(row.sample_id, seed)))


def quality_diversity(rows: Sequence[TrainingSample], count: int, seed: int, weight: float) -> list[TrainingSample]:
    """Greedy argmax of (1-w) quality + w gain in facility location, per domain (QDIT, arXiv 2311.14736)."""
    chosen: list[TrainingSample] = []
    quotas = _quotas(rows, count)
    for domain, members in _by_domain(rows).items():
        chosen += _greedy(sorted(members, key=lambda row: hashed(row.sample_id, seed)), quotas[domain], weight)
    return sorted(chosen, key=lambda row: row.sample_id)


def hashed(text: str, seed: int) -> str:
    """A key that puts texts into an order that only the seed decides."""
    return hashlib.blake2b(f"{seed}\x1f{text}".encode(), digest_size=8).hexdigest()


def within_limit(rows: Sequence[C], limit: int | None) -> list[C]:
    """The rows without those over the limit of their domain; the best stay."""
    if limit is None:
        return list(rows)
    kept: list[C] = []
    counts: dict[str, int] = {}
    for row in sorted(rows, key=best_first):
        counts[row.domain] = counts.get(row.domain, 0) + 1
        if counts[row.domain] <= limit:
            kept.append(row)
    return kept


def best_first(row: Candidate) -> tuple[float, str]:
    """Sort key: best score first, then id."""
    return (-(row.quality_score or 0.0), row.sample_id)


def _by_domain(rows: Sequence[C]) -> dict[str, list[C]]:
    groups: dict[str, list[C]] = {}
    for row in rows:
        groups.setdefault(row.domain, []).append(row)
    return dict(sorted(groups.items()))


def _quotas(rows: Sequence[Candidate], count: int) -> dict[str, int]:
    sizes = {domain: len(members) for domain, members in _by_domain(rows).items()}
    return allot(count, sizes, {domain: float(size) for domain, size in sizes.items()})


def _stratified(rows: Sequence[C], count: int, key: Callable[[C], tuple[float, str]]) -> list[C]:
    quotas = _quotas(rows, count)
    chosen = [row for domain, members in _by_domain(rows).items() for row in sorted(members, key=key)[: quotas[domain]]]
    return sorted(chosen, key=lambda row: row.sample_id)


def _greedy(rows: list[TrainingSample], count: int, weight: float) -> list[TrainingSample]:
    """Stochastic greedy: each step takes the best of the next few rows in hashed order, so time is linear."""
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer

    if count >= len(rows):
        return rows
    vectorizer = HashingVectorizer(n_features=FEATURES, alternate_sign=False)
    vectors = vectorizer.transform([f"{row.instruction}\n{row.output}" for row in rows]).toarray()
    covered = np.zeros(len(rows))
    left, chosen = list(range(len(rows))), []
    for _ in range(count):
        pool = left[:CANDIDATES]
        similarity = vectors @ vectors[pool].T
        gains = np.maximum(similarity - covered[:, None], 0).mean(axis=0)
        quality = np.array([rows[i].quality_score or 0.0 for i in pool])
        best = int(np.argmax(np.round((1 - weight) * quality + weight * gains, 9)))
        covered = np.maximum(covered, similarity[:, best])
        chosen.append(rows[pool[best]])
        left.remove(pool[best])
        left = left[len(pool) - 1 :] + left[: len(pool) - 1]
    return chosen


POLICIES: dict[str, Select] = {
    "top_quality": top_quality,
    "random": random,
    "quality_diversity": quality_diversity,
}
