"""How rows are chosen from many: by quality, at random, each fact before any twice, by
quality and diversity.

Every policy is stratified: a domain's share of the choice is its share of the rows, and
what a small one cannot fill goes to the others. A choice depends on the rows alone, not
on their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afs_stages.core.params.data import Policy
from afs_stages.core.sample import TrainingSample, comparable_text
from afs_stages.dataset.keys import Keys, Rows, keys_of, runs, seeded


class Candidates(Protocol):
    """What rows are chosen by, as columns: an index of files,
    or `Samples` in memory.
    """

    key: Keys
    score: NDArray[np.float64]
    """Quality in [0, 1], NaN where unscored."""
    fact: Keys
    """Of the fact a row teaches, else of its id."""
    domain: NDArray[Any]
    """Places in `domains`."""
    domains: list[str]

    def texts(self, rows: Rows) -> Iterable[str]:
        """The text of each row that is compared with others."""
        ...


Select = Callable[[Candidates, Rows, int, int, float], Rows]
"""(candidates, rows, how many, seed, diversity weight) -> the chosen rows,
in the order of their keys.
"""
FEATURES = 256
"""Width of the hashed word vectors that similarity is measured on."""
POOL = 64
"""Rows looked at per greedy step (stochastic greedy, Mirzasoleiman et al. 2015)."""


@dataclass
class Samples:
    """Samples in memory as candidates."""

    samples: Sequence[TrainingSample]
    key: Keys
    score: NDArray[np.float64]
    fact: Keys
    domain: NDArray[Any]
    domains: list[str]

    @classmethod
    def of(cls, samples: Sequence[TrainingSample]) -> Samples:
        """The columns of samples."""
        places: dict[str, int] = {}
        codes = [places.setdefault(sample.domain, len(places)) for sample in samples]
        scores = [sample.quality_score for sample in samples]
        facts = keys_of(sample.fact for sample in samples)
        return cls(
            samples,
            key=keys_of(sample.sample_id for sample in samples),
            score=np.array(scores, dtype=np.float64),
            fact=facts,
            domain=np.array(codes, dtype=np.int64),
            domains=list(places),
        )

    @property
    def rows(self) -> Rows:
        """Every row, in the order given."""
        return np.arange(len(self.samples), dtype=np.int32)

    def texts(self, rows: Rows) -> list[str]:
        """The text of each row that is compared with others."""
        return [comparable_text(sample) for sample in self.at(rows)]

    def at(self, rows: Rows) -> list[TrainingSample]:
        """The samples of rows."""
        return [self.samples[row] for row in rows.tolist()]


class OneDomain:
    """Candidates as if they were all of one domain, so that a policy has nothing to
    spread its choice over.
    """

    def __init__(self, found: Candidates) -> None:
        self.key, self.score, self.texts = found.key, found.score, found.texts
        self.fact = found.fact
        self.domain, self.domains = np.zeros_like(found.domain), [""]


def allot(
    total: int, capacity: Mapping[str, int], weights: Mapping[str, float]
) -> dict[str, int]:
    """Divide `total` by weight, at most `capacity` each, by largest remainder; the rest
    goes to who has room.

    The result sums to min(total, sum of capacities of groups with a weight).
    """
    quota = dict.fromkeys(capacity, 0)
    open_ = sorted(
        name for name, size in capacity.items() if weights.get(name, 0) > 0 and size > 0
    )
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
    for name in sorted(open_, key=lambda name: (int(exact[name]) - exact[name], name))[
        :rest
    ]:
        quota[name] += 1
    return quota


def top_quality(
    found: Candidates, rows: Rows, count: int, seed: int, weight: float
) -> Rows:
    """The best-scored rows of each domain."""
    return _stratified(found, best_first(found, rows), count)


def random(found: Candidates, rows: Rows, count: int, seed: int, weight: float) -> Rows:
    """Rows of each domain in the order of a seeded hash of their ids."""
    return _stratified(found, at_random(found, rows, seed), count)


def each_fact(
    found: Candidates, rows: Rows, count: int, seed: int, weight: float
) -> Rows:
    """One row of each fact, then a second of each, and so on, in the order of a seeded
    hash: what is not said again is forgotten, and no fact is said twice before another
    is said at all.
    """
    shuffled = at_random(found, rows, seed)
    facts = found.fact[shuffled]
    order = np.argsort(facts, kind="stable")
    begins = runs(facts[order])
    turns = np.zeros(len(facts), np.int64)
    turns[order] = np.arange(len(facts)) - np.repeat(begins[:-1], np.diff(begins))
    return _stratified(found, shuffled[np.argsort(turns, kind="stable")], count)


def quality_diversity(
    found: Candidates, rows: Rows, count: int, seed: int, weight: float
) -> Rows:
    """Greedy argmax of (1-w) quality + w gain in facility location, per domain (QDIT,
    arXiv 2311.14736).
    """
    groups = by_domain(found, at_random(found, rows, seed))
    quotas = _quotas(groups, count)
    chosen = [
        _greedy(found, members, quotas[name], weight)
        for name, members in groups.items()
    ]
    return by_key(found, np.concatenate([rows[:0], *chosen]))


def best_first(found: Candidates, rows: Rows) -> Rows:
    """The rows by score, the best first, then by key; unscored ones last."""
    return rows[np.lexsort((found.key[rows], -found.score[rows]))]


def at_random(found: Candidates, rows: Rows, seed: int) -> Rows:
    """The rows in an order that only their keys and the seed decide."""
    return rows[np.argsort(seeded(found.key[rows], seed), kind="stable")]


def by_key(found: Candidates, rows: Rows) -> Rows:
    """The rows in the order of their keys."""
    return rows[np.argsort(found.key[rows], kind="stable")]


def by_domain(found: Candidates, rows: Rows) -> dict[str, Rows]:
    """The rows of each domain, in the order given; the domains by name."""
    order = np.argsort(found.domain[rows], kind="stable")
    domains = found.domain[rows][order]
    begins = runs(domains)
    groups = {}
    for begin, end in pairwise(begins.tolist()):
        name = found.domains[domains[begin]]
        groups[name] = rows[order[begin:end]]
    return dict(sorted(groups.items()))


def within_limit(found: Candidates, rows: Rows, limit: int | None) -> Rows:
    """The rows without those over the limit of their domain; the best stay."""
    if limit is None:
        return rows
    best = by_domain(found, best_first(found, rows)).values()
    return by_key(
        found, np.concatenate([rows[:0], *(members[:limit] for members in best)])
    )


def _quotas(groups: Mapping[str, Rows], count: int) -> dict[str, int]:
    sizes = {name: len(members) for name, members in groups.items()}
    return allot(count, sizes, {name: float(size) for name, size in sizes.items()})


def _stratified(found: Candidates, ranked: Rows, count: int) -> Rows:
    groups = by_domain(found, ranked)
    quotas = _quotas(groups, count)
    return by_key(
        found,
        np.concatenate(
            [ranked[:0], *(members[: quotas[name]] for name, members in groups.items())]
        ),
    )


def _greedy(found: Candidates, rows: Rows, count: int, weight: float) -> Rows:
    """Stochastic greedy: each step takes the best of the next few rows,
    so time is linear.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    if count >= len(rows):
        return rows
    vectorizer = HashingVectorizer(n_features=FEATURES, alternate_sign=False)
    vectors = vectorizer.transform(found.texts(rows)).toarray()
    scores = np.nan_to_num(found.score[rows], nan=0.0)
    covered = np.zeros(len(rows))
    left, chosen = list(range(len(rows))), []
    for _ in range(count):
        pool = left[:POOL]
        similarity = vectors @ vectors[pool].T
        gains = np.maximum(similarity - covered[:, None], 0).mean(axis=0)
        best = int(np.argmax(np.round((1 - weight) * scores[pool] + weight * gains, 9)))
        covered = np.maximum(covered, similarity[:, best])
        chosen.append(pool[best])
        left.remove(pool[best])
        left = left[len(pool) - 1 :] + left[: len(pool) - 1]
    return rows[chosen]


POLICIES: dict[Policy, Select] = {
    "top_quality": top_quality,
    "random": random,
    "each_fact": each_fact,
    "quality_diversity": quality_diversity,
}
