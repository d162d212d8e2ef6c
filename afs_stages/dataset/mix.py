"""The mix: how many rows of each group are drawn, which, and in what order.

Shares hold by weight exactly to rounding, or what is short is said. Everything is
decided on columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.data import Rebalance
from afs_stages.dataset.index import Index
from afs_stages.dataset.keys import Rows, shuffled
from afs_stages.dataset.policies import (
    Candidates,
    allot,
    at_random,
    best_first,
    quality_diversity,
    within_limit,
)
from afs_stages.dataset.rehearsal_pool import rehearsal_count

NEW, REHEARSAL = "new", "rehearsal"
"""Names of the groups that no source or domain gives its name to."""
DIVERSITY = 0.5
"""Weight of diversity beside quality where a mix is drawn by both."""
Groups = Mapping[str, Rows]
"""Name -> the rows of the group."""
Capacity = Mapping[str, int]
"""Name -> how many rows of the group may stand in the mix, repeats counted."""
EXACT = 1e-6
"""How far a share may be off because it was written down with six decimals."""


@dataclass
class Mix:
    """The rows drawn, each with how often it was drawn before;
    and how the shares came out.
    """

    rows: Rows
    repeat: NDArray[np.int32]
    counts: dict[str, int]
    """Rows drawn of each group."""
    wanted: dict[str, float] = field(default_factory=dict)
    """The share each weighted group should have; where a buffer is too small for its
    ratio, what it can give, and the others share the rest.
    """
    short: dict[str, int] = field(default_factory=dict)
    """Rows that a group lacks for its share."""
    short_buffer: int = 0
    """Rows that the buffer lacks for its ratio."""
    satisfying_total: int = 0
    """The largest total for which no group would be short."""
    limited_by: str = ""
    """The group too small for a larger total;
    empty where all rows of all groups are drawn.
    """
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def shares(self) -> dict[str, float]:
        """The share each group really has."""
        total = sum(self.counts.values())
        return {
            name: round(count / total, 4) if total else 0.0
            for name, count in self.counts.items()
        }

    @property
    def repeats(self) -> int:
        """Rows that are a further copy of one drawn before."""
        return int(np.count_nonzero(self.repeat))


def mix_by_weight(
    found: Index,
    groups: Groups,
    weights: Mapping[str, float],
    params: Rebalance,
    seed: int,
    *,
    ratio: float = 0.0,
    include_unweighted: bool = False,
) -> Mix:
    """Draw rows of groups by weight; rehearsal's share is `ratio`,
    the weights share the rest.

    Every row of a group is drawn whole times before `params.within` says which are
    drawn once more. With `include_unweighted` groups that no weight names are added
    whole. Without `max_total` the total is the largest that every weighted group can
    fill. A buffer too small for `ratio` does not lower it: it gives all it has, and
    its share is what that comes to. Raises `UserError` for a weight that names no
    group, listing those there are.
    """
    dropped: Counter[str] = Counter()
    limited = _limit_domains(found, groups, params.max_per_domain, dropped)
    wanted = wanted_shares(limited, _there(groups, limited, weights), params, ratio)
    groups = limited
    whole: dict[str, int] = {}
    if include_unweighted:
        whole = {
            name: len(groups[name]) for name in sorted(groups) if name not in weights
        }
    capacity = {name: len(groups.get(name, ())) * params.oversample for name in wanted}
    is_buffer = 0 < ratio < 1 and REHEARSAL in wanted and len(wanted) > 1
    largest = largest_total(capacity, wanted, is_buffer)
    total = largest
    if params.max_total is not None:
        total = max(params.max_total - sum(whole.values()), 0)
    draw = plan_draw(total, capacity, wanted, is_buffer)
    counts = {name: min(count, capacity[name]) for name, count in draw.counts.items()}
    limited_by = _limiting(counts, capacity, groups)
    counts |= whole
    _count_left_out(groups, counts, dropped)
    rows, repeat = _draw_groups(found, groups, counts, params.within, seed)
    order = _order(found, rows, repeat, params.order, seed)
    return Mix(
        rows[order],
        repeat[order],
        counts,
        draw.shares,
        draw.short(capacity),
        draw.short_buffer,
        largest,
        limited_by,
        dropped,
    )


def mix_by_ratio(found: Candidates, groups: Groups, ratio: float) -> Mix:
    """All of the group `new` and as many of the best of `rehearsal` that they are
    `ratio` of both, in that order.

    With ratio 1 rehearsal alone. A buffer too small is short. Raises `UserError` for a
    ratio outside [0, 1].
    """
    new, old = len(groups[NEW]), len(groups[REHEARSAL])
    wanted = old if ratio == 1 else rehearsal_count(new, ratio)
    counts = {NEW: 0 if ratio == 1 else new, REHEARSAL: min(wanted, old)}
    rows, repeat = _draw_groups(found, groups, counts, "quality", seed=0)
    short = {REHEARSAL: wanted - old} if wanted > old else {}
    return Mix(rows, repeat, counts, {REHEARSAL: ratio}, short)


def grouped(
    found: Index, rows: Rows, by: str, is_old: NDArray[np.bool_]
) -> dict[str, Rows]:
    """The rows of each group: `rehearsal` where they come from an older version, else
    their source or domain.
    """
    codes, names = (
        (found.source, found.sources)
        if by == "source"
        else (found.domain, found.domains)
    )
    own = codes[rows]
    groups = {name: rows[(own == code) & ~is_old] for code, name in enumerate(names)}
    groups[REHEARSAL] = np.concatenate([groups.get(REHEARSAL, rows[:0]), rows[is_old]])
    return {name: members for name, members in groups.items() if len(members)}


def wanted_shares(
    groups: Groups, weights: Mapping[str, float], params: Rebalance, ratio: float
) -> dict[str, float]:
    """The share each weighted group should have;
    they sum to 1 over the groups with rows.
    """
    positive = {name: weight for name, weight in weights.items() if weight > 0}
    if params.temperature is not None:
        positive = {
            name: len(groups[name]) ** (1 / params.temperature) for name in positive
        }
    total = sum(positive.values())
    # Without a buffer the weighted groups share all of it.
    rest = 1 - ratio if ratio == 1 or REHEARSAL in groups else 1.0
    shares = {name: weight / total * rest for name, weight in positive.items()}
    if ratio > 0 and REHEARSAL in groups:
        shares[REHEARSAL] = ratio if positive else 1.0
    return {name: share for name, share in sorted(shares.items()) if share > 0}


@dataclass(frozen=True)
class Draw:
    """How many rows of each weighted group a total asks for, and the shares that are
    meant by it.
    """

    counts: dict[str, int]
    shares: dict[str, float]
    short_buffer: int = 0
    """Rows that the buffer lacks for its ratio."""

    def short(self, capacity: Capacity) -> dict[str, int]:
        """Rows that each group lacks."""
        return {
            name: self.counts[name] - capacity[name]
            for name in sorted(self.counts)
            if self.counts[name] > capacity[name]
        }


def plan_draw(
    total: int, capacity: Capacity, wanted: Mapping[str, float], is_buffer: bool
) -> Draw:
    """Divide a total by the wanted shares.

    With `is_buffer` the group `rehearsal` is never short: where its share is more than
    it has, it gives all, and the others divide the rest of the total by weight. Of a
    total of 100 with a ratio of 0.2 and a buffer of 8 rows, 92 are new.
    """
    counts = allot(total, dict.fromkeys(wanted, total), wanted)
    lacking = counts[REHEARSAL] - capacity[REHEARSAL] if is_buffer else 0
    if lacking <= 0:
        return Draw(counts, dict(wanted))
    old = capacity[REHEARSAL]
    new = {name: share for name, share in wanted.items() if name != REHEARSAL}
    rest = total - old
    counts = allot(rest, dict.fromkeys(new, rest), new)
    scale = rest / total / sum(new.values())
    shares = {name: share * scale for name, share in new.items()}
    shares[REHEARSAL] = old / total
    return Draw(
        {**counts, REHEARSAL: old}, {name: shares[name] for name in wanted}, lacking
    )


def largest_total(
    capacity: Capacity, wanted: Mapping[str, float], is_buffer: bool = False
) -> int:
    """The largest total for which every group has enough rows; with `is_buffer` the
    rehearsal buffer limits nothing.
    """
    new = {
        name: share
        for name, share in wanted.items()
        if not (is_buffer and name == REHEARSAL)
    }
    if not new:
        return 0
    # By largest remainder a group gets less than one row beside its exact share.
    total = min(int((capacity[name] + 1) / share) for name, share in new.items())
    if is_buffer:
        old = capacity[REHEARSAL]
        all_new = sum(new.values())
        # Beyond the first total the buffer gives all it has; the second is the
        # largest at which the new rows then suffice.
        exhausted = int((old + 1) / wanted[REHEARSAL])
        with_all_old = old + int(total * all_new) + 1
        total = min(total, max(exhausted, with_all_old))
    while total > 0 and plan_draw(total, capacity, wanted, is_buffer).short(capacity):
        total -= 1
    return total


def missed_shares(
    counts: Mapping[str, int], wanted: Mapping[str, float], tolerance: float
) -> dict[str, float]:
    """Group -> its real share, for those that lie further from what is wanted than the
    tolerance and one row allow.
    """
    total = sum(counts.values())
    allowed = max(tolerance * total, 1) + EXACT * total
    missed = {}
    for name, share in wanted.items():
        count = counts.get(name, 0)
        if abs(count - share * total) > allowed:
            missed[name] = count / max(total, 1)
    return missed


def describe_short(result: Mix) -> str:
    """Which groups are short, by how much, and what total would satisfy the weights;
    empty if none is.
    """
    if not result.short:
        return ""
    groups = ", ".join(f"{name} by {count}" for name, count in result.short.items())
    return (
        f"short: {groups}; a total of {result.satisfying_total} would "
        "satisfy the weights"
    )


def describe_short_buffer(result: Mix) -> str:
    """What a ratio asks for and the buffer lacks; empty if nothing."""
    if not result.short:
        return ""
    there = result.counts[REHEARSAL]
    return (
        f"the ratio asks for {there + result.short[REHEARSAL]} rehearsed rows, "
        f"the buffer has {there}"
    )


def shuffled_rows(found: Candidates, result: Mix, seed: int) -> Rows:
    """The drawn rows in an order that only their keys and the seed decide."""
    by_key = np.lexsort((result.repeat, found.key[result.rows]))
    return result.rows[by_key[shuffled(len(result.rows), seed)]]


def _there(
    groups: Groups, limited: Groups, weights: Mapping[str, float]
) -> dict[str, float]:
    """The weights of groups that still have rows within the limits of their domains.

    Raises `UserError` for a weight that names no group at all.
    """
    for name in sorted(weights):
        if weights[name] > 0 and name not in groups:
            raise UserError(
                f"the weight '{name}' names no group ({nearest(name, list(groups))})"
            )
    return {name: weight for name, weight in weights.items() if name in limited}


def _limit_domains(
    found: Index, groups: Groups, limit: int | None, dropped: Counter[str]
) -> Groups:
    if limit is None:
        return groups
    rows = np.concatenate([np.zeros(0, np.int32), *groups.values()])
    kept = within_limit(found, rows, limit)
    dropped["over_max_per_domain"] += len(rows) - len(kept)
    limited = {
        name: members[np.isin(members, kept)] for name, members in groups.items()
    }
    return {name: members for name, members in limited.items() if len(members)}


def _limiting(
    counts: Mapping[str, int], capacity: Mapping[str, int], groups: Groups
) -> str:
    full = [name for name in sorted(counts) if counts[name] == capacity[name]]
    some_left = any(counts[name] < len(groups.get(name, ())) for name in counts)
    return full[0] if full and some_left else ""


def _count_left_out(
    groups: Groups, counts: Mapping[str, int], dropped: Counter[str]
) -> None:
    for name, members in groups.items():
        if name in counts:
            dropped["not_drawn"] += max(len(members) - counts[name], 0)
        else:
            dropped["unweighted"] += len(members)


def _draw_groups(
    found: Any, groups: Groups, counts: Mapping[str, int], within: str, seed: int
) -> tuple[Rows, NDArray[np.int32]]:
    """The rows drawn of every group, group by group,
    each with how often it was drawn before.
    """
    rows = [np.zeros(0, np.int32)]
    repeat = [np.zeros(0, np.int32)]
    for name in sorted(counts):
        if name not in groups or not len(groups[name]):
            continue
        times, rest = divmod(counts[name], len(groups[name]))
        for number in range(times):
            rows.append(groups[name])
            repeat.append(np.full(len(groups[name]), number, np.int32))
        once_more = _choose(found, groups[name], rest, within, seed)
        rows.append(once_more)
        repeat.append(np.full(len(once_more), times, np.int32))
    return np.concatenate(rows), np.concatenate(repeat)


def _choose(found: Candidates, rows: Rows, count: int, within: str, seed: int) -> Rows:
    """`count` rows of a group; only `quality_diversity` reads their texts."""
    if count == 0:
        return rows[:0]
    if within == "random":
        return at_random(found, rows, seed)[:count]
    if within == "quality_diversity":
        return quality_diversity(found, rows, count, seed, DIVERSITY)
    return best_first(found, rows)[:count]


def _order(
    found: Index,
    rows: Rows,
    repeat: NDArray[np.int32],
    order: Literal["shuffled", "curriculum"],
    seed: int,
) -> Rows:
    """Places of the drawn rows: shuffled by seed, or from easy to hard, which is short
    and well scored first.
    """
    key = found.key[rows]
    if order == "curriculum":
        effort = found.size[rows] * (2 - np.nan_to_num(found.score[rows], nan=0.0))
        return np.lexsort((repeat, key, effort))
    by_key = np.lexsort((repeat, key))
    return by_key[shuffled(len(rows), seed)]
