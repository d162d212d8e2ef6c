"""Mixes that keep their promise: shares by weight, exact to rounding, or a word on what is short.

Decided on keys alone; the rows are copied as they stand, a repeated row gets its number in
`_metadata.repeat`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.data import Rebalance
from afs_stages.dataset.index import Index, with_metadata
from afs_stages.dataset.keys import Rows, shuffled
from afs_stages.dataset.policies import allot, within_limit

Choose = Callable[[Rows, int], Rows]
"""(rows of a group, how many) -> the rows chosen."""
REHEARSAL = "rehearsal"
MANY = 10**6
"""More rows than a share of the new ones can ask for."""


@dataclass
class Mix:
    """The rows drawn, in order, each with how often it has been drawn before; and how the shares came out."""

    rows: Rows
    repeat: NDArray[Any]
    wanted: dict[str, float]
    counts: dict[str, int]
    short: dict[str, int] = field(default_factory=dict)
    satisfying_total: int = 0
    limited_by: str = ""
    """The group too small for a larger total; empty where all rows of all groups are drawn."""
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """The share each group really has."""
        total = sum(self.counts.values())
        return {name: round(count / total, 4) if total else 0.0 for name, count in self.counts.items()}

    @property
    def repeats(self) -> int:
        """Rows that are a further copy of one drawn before."""
        return int(np.count_nonzero(self.repeat))


def grouped(found: Index, rows: Rows, by: str, is_old: NDArray[np.bool_]) -> dict[str, Rows]:
    """The rows of each group: `rehearsal` where they come from an older version, else their source or domain."""
    codes, names = (found.source, found.sources) if by == "source" else (found.domain, found.domains)
    own = codes[rows]
    groups = {name: rows[(own == code) & ~is_old] for code, name in enumerate(names)}
    groups[REHEARSAL] = np.concatenate([groups.get(REHEARSAL, rows[:0]), rows[is_old]])
    return {name: members for name, members in groups.items() if len(members)}


def mix(
    found: Index,
    groups: Mapping[str, Rows],
    weights: Mapping[str, float],
    params: Rebalance,
    seed: int,
    *,
    ratio: float = 0.0,
    include_unweighted: bool = False,
    choose: Choose,
) -> Mix:
    """Draw rows of groups by weight; rehearsal's share is `ratio`, the weights share the rest.

    Every row of a group is drawn whole times before `choose` says which are drawn once more. With
    `include_unweighted` groups that no weight names are added whole. Without `max_total` the total is the
    largest that every weighted group can fill; a buffer too small for `ratio` does not lower it, but is
    short. Raises `UserError` for a weight that names no group, listing those there are.
    """
    dropped: dict[str, int] = {}
    groups = _limit_domains(found, groups, params, dropped)
    wanted = wanted_shares(groups, weights, params, ratio)
    whole = {name: len(rows) for name, rows in sorted(groups.items()) if include_unweighted and name not in weights}
    capacity = {name: len(groups.get(name, ())) * params.oversample for name in wanted}
    best = satisfying_total(capacity, wanted)
    total = None if params.max_total is None else max(params.max_total - sum(whole.values()), 0)
    if total is None:
        free = capacity | ({REHEARSAL: sum(map(len, groups.values())) * MANY} if 0 < ratio < 1 else {})
        total = satisfying_total(free, wanted)
    ideal = allot(total, dict.fromkeys(wanted, total), wanted)
    counts = {name: min(count, capacity[name]) for name, count in ideal.items()}
    limited_by = _limiting(counts, capacity, groups)
    counts |= whole
    drawn = [_draw(groups[name], counts[name], choose) for name in sorted(counts) if name in groups]
    for name in sorted(counts):
        _count(dropped, "not_drawn", max(len(groups.get(name, ())) - counts[name], 0))
    for name in sorted(set(groups) - set(counts)):
        _count(dropped, "unweighted", len(groups[name]))
    rows = np.concatenate([np.zeros(0, np.int32), *(rows for rows, _ in drawn)])
    repeat = np.concatenate([np.zeros(0, np.int32), *(repeat for _, repeat in drawn)])
    order = ordered(found, rows, repeat, params, seed)
    return Mix(
        rows[order],
        repeat[order],
        wanted,
        counts,
        {name: ideal[name] - counts[name] for name in sorted(wanted) if counts[name] < ideal[name]},
        best,
        limited_by,
        dropped,
    )


def wanted_shares(
    groups: Mapping[str, Rows],
    weights: Mapping[str, float],
    params: Rebalance,
    ratio: float,
) -> dict[str, float]:
    """The share each weighted group should have; they sum to 1 over the groups with rows."""
    unknown = sorted(name for name, weight in weights.items() if name not in groups and weight > 0)
    if unknown:
        raise UserError(f"the weight '{unknown[0]}' names no group ({nearest(unknown[0], list(groups))})")
    positive = {name: weight for name, weight in weights.items() if weight > 0}
    if params.temperature is not None:
        positive = {name: len(groups[name]) ** (1 / params.temperature) for name in positive}
    total = sum(positive.values())
    shares = {name: weight / total * (1 - ratio) for name, weight in positive.items()} if total else {}
    if ratio > 0 and REHEARSAL in groups:
        shares[REHEARSAL] = ratio
    elif ratio > 0:
        shares = {name: share / (1 - ratio) for name, share in shares.items()} if ratio < 1 else {}
    return {name: share for name, share in sorted(shares.items()) if share > 0}


def satisfying_total(capacity: Mapping[str, int], wanted: Mapping[str, float]) -> int:
    """The largest total for which every group has enough rows."""
    if not wanted:
        return 0
    total = min(int((capacity[name] + 1) / share) for name, share in wanted.items())
    limits = dict.fromkeys(wanted, total + len(wanted))
    while total > 0 and any(n > capacity[name] for name, n in allot(total, limits, wanted).items()):
        total -= 1
    return total


def _limit_domains(
    found: Index, groups: Mapping[str, Rows], params: Rebalance, dropped: dict[str, int]
) -> Mapping[str, Rows]:
    if params.max_per_domain is None:
        return groups
    rows = np.concatenate([np.zeros(0, np.int32), *groups.values()])
    kept = within_limit(found, rows, params.max_per_domain)
    _count(dropped, "over_max_per_domain", len(rows) - len(kept))
    limited = {name: members[np.isin(members, kept)] for name, members in groups.items()}
    return {name: members for name, members in limited.items() if len(members)}


def _limiting(counts: Mapping[str, int], capacity: Mapping[str, int], groups: Mapping[str, Rows]) -> str:
    full = [name for name in sorted(counts) if counts[name] == capacity[name]]
    left = any(counts[name] < len(groups.get(name, ())) for name in counts)
    return full[0] if full and left else ""


def _draw(rows: Rows, count: int, choose: Choose) -> tuple[Rows, NDArray[Any]]:
    """`count` rows, each with how often it was drawn before."""
    times, rest = divmod(count, len(rows))
    more = choose(rows, rest) if rest else rows[:0]
    repeat = np.repeat(np.arange(times + 1, dtype=np.int32), [len(rows)] * times + [len(more)])
    return np.concatenate([*[rows] * times, more]), repeat


def ordered(found: Index, rows: Rows, repeat: NDArray[Any], params: Rebalance, seed: int) -> Rows:
    """Places of the drawn rows: shuffled by seed, or from easy to hard, which is short and well scored first."""
    key = found.key[rows]
    if params.order == "curriculum":
        effort = found.size[rows] * (2 - np.nan_to_num(found.score[rows], nan=0.0))
        return np.lexsort((repeat, key, effort))
    by_key = np.lexsort((repeat, key)) if repeat.any() else np.argsort(key, kind="stable")
    return by_key[shuffled(len(rows), seed)]


def write(found: Index, result: Mix, output: Path) -> int:
    """Write the drawn rows; a repeated one carries its number."""
    with jsonl.open_write(output) as writer:
        writer.write_batches(_batches(found, result))
    return writer.count


def _batches(found: Index, result: Mix) -> Iterator[list[bytes]]:
    if not result.repeats:
        yield from found.batches(result.rows)
        return
    start = 0
    for batch in found.batches(result.rows):
        repeats = result.repeat[start : start + len(batch)].tolist()
        start += len(batch)
        yield [
            with_metadata("repeat", repeat)(line) if repeat else line
            for repeat, line in zip(repeats, batch, strict=True)
        ]


def describe_short(result: Mix) -> str:
    """Which groups are short, by how much, and what total would satisfy the weights; empty if none is."""
    if not result.short:
        return ""
    groups = ", ".join(f"{name} by {count}" for name, count in result.short.items())
    return f"short: {groups}; a total of {result.satisfying_total} would satisfy the weights"


def _count(counts: dict[str, int], reason: str, n: int = 1) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) + n
