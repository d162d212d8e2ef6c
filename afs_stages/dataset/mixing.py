"""Mixes that keep their promise: shares by weight, exact to rounding, or a word on what is short.

Decided on keys alone; the rows are copied as they stand, a repeated row gets its number in
`_metadata.repeat`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.data import Rebalance
from afs_stages.dataset.index import Index, Row, with_metadata
from afs_stages.dataset.policies import allot

Choose = Callable[[Sequence[Row], int], list[Row]]
"""(rows of a group, how many) -> the rows chosen."""
REHEARSAL = "rehearsal"
MANY = 10**6
"""More rows than a share of the new ones can ask for."""


@dataclass
class Mix:
    """The rows drawn, in order, each with how often it has been drawn before; and how the shares came out."""

    drawn: list[tuple[Row, int]]
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
        return sum(1 for _, repeat in self.drawn if repeat)


def group_of(row: Row, by: str, is_old: bool) -> str:
    """The group a row counts to: `rehearsal` if it comes from an older version, else its source or domain."""
    if is_old:
        return REHEARSAL
    return row.source if by == "source" else row.domain


def mix(
    rows: Sequence[tuple[str, Row]],
    weights: Mapping[str, float],
    params: Rebalance,
    seed: int,
    *,
    ratio: float = 0.0,
    include_unweighted: bool = False,
    choose: Choose,
) -> Mix:
    """Draw rows (group, row) by weight; rehearsal's share is `ratio`, the weights share the rest.

    Every row of a group is drawn whole times before `choose` says which are drawn once more. With
    `include_unweighted` groups that no weight names are added whole. Without `max_total` the total is the
    largest that every weighted group can fill; a buffer too small for `ratio` does not lower it, but is
    short. Raises `UserError` for a weight that names no group, listing those there are.
    """
    groups: dict[str, list[Row]] = {}
    for name, row in rows:
        groups.setdefault(name, []).append(row)
    dropped: dict[str, int] = {}
    _limit_domains(groups, params, dropped)
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
    result = Mix([], wanted, counts, satisfying_total=best, dropped=dropped)
    result.limited_by = _limiting(counts, capacity, groups)
    counts |= whole
    result.short = {name: ideal[name] - counts[name] for name in sorted(wanted) if counts[name] < ideal[name]}
    for name in sorted(counts):
        result.drawn += _draw(groups.get(name, []), counts[name], choose)
        _count(dropped, "not_drawn", max(len(groups.get(name, ())) - counts[name], 0))
    for name in sorted(set(groups) - set(counts)):
        _count(dropped, "unweighted", len(groups[name]))
    result.drawn = ordered(result.drawn, params, seed)
    return result


def wanted_shares(
    groups: Mapping[str, Sequence[Row]],
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
    if ratio > 0 and groups.get(REHEARSAL):
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


def _limit_domains(groups: dict[str, list[Row]], params: Rebalance, dropped: dict[str, int]) -> None:
    if params.max_per_domain is None:
        return
    taken: dict[str, int] = {}
    over: set[int] = set()
    for row in sorted((row for rows in groups.values() for row in rows), key=Row.rank):
        taken[row.domain] = taken.get(row.domain, 0) + 1
        if taken[row.domain] > params.max_per_domain:
            over.add(id(row))
    _count(dropped, "over_max_per_domain", len(over))
    for name, rows in groups.items():
        groups[name] = [row for row in rows if id(row) not in over]


def _limiting(counts: Mapping[str, int], capacity: Mapping[str, int], groups: Mapping[str, Sequence[Row]]) -> str:
    full = [name for name in sorted(counts) if counts[name] == capacity[name]]
    left = any(counts[name] < len(groups.get(name, ())) for name in counts)
    return full[0] if full and left else ""


def _draw(rows: list[Row], count: int, choose: Choose) -> list[tuple[Row, int]]:
    """`count` rows, each with how often it was drawn before."""
    times, rest = divmod(count, len(rows)) if rows else (0, 0)
    whole = [(row, repeat) for repeat in range(times) for row in rows]
    return whole + [(row, times) for row in (choose(rows, rest) if rest else ())]


def ordered(drawn: list[tuple[Row, int]], params: Rebalance, seed: int) -> list[tuple[Row, int]]:
    """Shuffled by seed, or from easy to hard: short and well scored first."""
    if params.order == "curriculum":
        return sorted(
            drawn, key=lambda item: (item[0].size * (2 - (item[0].quality_score or 0.0)), item[0].sample_id, item[1])
        )
    drawn = sorted(drawn, key=lambda item: item[0].sample_id)  # stable: copies stay in the order of their numbers
    Random(seed).shuffle(drawn)
    return drawn


def write(found: Index, result: Mix, output: Path) -> int:
    """Write the drawn rows; a repeated one carries its number."""
    with jsonl.open_write(output) as writer:
        writer.write_lines(_lines(found, result))
    return writer.count


def _lines(found: Index, result: Mix) -> Iterator[bytes]:
    lines = found.lines(row for row, _ in result.drawn)
    for (_, repeat), line in zip(result.drawn, lines, strict=True):
        yield with_metadata(line, "repeat", repeat) if repeat else line


def describe_short(result: Mix) -> str:
    """Which groups are short, by how much, and what total would satisfy the weights; empty if none is."""
    if not result.short:
        return ""
    groups = ", ".join(f"{name} by {count}" for name, count in result.short.items())
    return f"short: {groups}; a total of {result.satisfying_total} would satisfy the weights"


def _count(counts: dict[str, int], reason: str, n: int = 1) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) + n
