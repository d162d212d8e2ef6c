"""Train, val and test, once and for all: by group and near-duplicate cluster, frozen by releases.

Order of work: exact duplicates go (the best-scored stays), groups and near-duplicates join into
clusters (released rows among them), clusters that touch a frozen part take it, the others are assigned
by hash, and large near-duplicate clusters keep their best rows only.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl, layout
from afs_stages.core.params.data import Split
from afs_stages.core.report import StageReport
from afs_stages.dataset import near
from afs_stages.dataset.assign import Ratios, assign
from afs_stages.dataset.frozen import Frozen, load_frozen
from afs_stages.dataset.index import Index, Row, index


class Assignment(msgspec.Struct, gc=False):
    """A line of assignments.jsonl."""

    sample_id: str
    group: str
    cluster: str
    split: str
    source: str
    domain: str


@dataclass
class Plan:
    """Where every row goes: `parts` and `clusters` run beside `rows`; an empty part means dropped."""

    rows: list[Row]
    parts: list[str]
    clusters: list[str]
    dropped: list[dict[str, str]] = field(default_factory=list)

    def drop(self, i: int, reason: str, of: str = "") -> None:
        """Leave row i out, for a reason, because of another row."""
        self.parts[i] = ""
        self.dropped.append({"sample_id": self.rows[i].sample_id, "reason": reason, "of": of})


def split_dataset(
    inputs: Iterable[Path],
    output: Path,
    params: Split | None = None,
    seed: int = 42,
    *,
    releases: Path | None = None,
    group_by: str = "group",
    find_near: bool = True,
    strict: bool = False,
) -> StageReport:
    """Split sample files into `output`/{train,val,test}.jsonl with `assignments.jsonl` and `dropped.jsonl`.

    `group_by` is `group` (the unit each source names) or `none`; without `find_near` only exact
    duplicates and groups are kept together. Rows of a part are written in the order of their ids, so
    the order of files and rows does not matter.
    """
    params = params or Split()
    report = StageReport("split")
    with jsonl.open_rejects(output / "train.jsonl", strict) as rejects:
        found = index(inputs, rejects)
        frozen = load_frozen(releases, rejects) if releases else Frozen(Index([], []), [])
        plan = make_plan(found, frozen, params, seed, group_by, find_near)
        _write(found, plan, output)
        report.rejected = rejects.counts
    _fill(report, found, plan, params)
    return report


def make_plan(
    found: Index, frozen: Frozen, params: Split, seed: int, group_by: str = "group", find_near: bool = True
) -> Plan:
    """Decide the part of every row of `found`; reads row texts for similarity, writes nothing."""
    plan = Plan(_ordered(found), [], [])
    plan.parts, plan.clusters = ["?"] * len(plan.rows), [""] * len(plan.rows)
    nodes = _Nodes(plan, _drop_exact(plan), frozen)
    links = near.pairs(nodes.texts(found, frozen), params.near_duplicates) if find_near else iter(())
    copies = nodes.join(links, params.near_duplicates.max_cluster, group_by)
    _take_frozen_parts(plan, nodes)
    _assign_free(plan, nodes, params, seed)
    _cap(plan, nodes, copies, params.near_duplicates.keep_per_cluster)
    _drop_refused(plan, nodes)
    return plan


def _ordered(found: Index) -> list[Row]:
    """The rows by id, the best of equal ids first; where even their keys are equal their bytes decide."""
    rows = sorted(found.rows, key=attrgetter("sample_id"))
    same = {id(row) for one, two in pairwise(rows) if one.sample_id == two.sample_id for row in (one, two)}
    if not same:
        return rows
    again = [row for row in rows if id(row) in same]
    content = {id(row): _digest(line) for row, line in zip(again, found.lines(again), strict=True)}
    return sorted(rows, key=lambda row: (row.sample_id, row.rank(), content.get(id(row), b"")))


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def _drop_exact(plan: Plan) -> list[int]:
    """Keep the best-scored row of each id; returns the places of the rows kept."""
    best: dict[str, int] = {}
    for i, row in enumerate(plan.rows):
        first = best.setdefault(row.sample_id, i)
        if first != i:
            plan.drop(i, "exact_duplicate", row.sample_id)
    return list(best.values())


class _Nodes:
    """The rows that can join into clusters: the unique ones, then the released ones."""

    def __init__(self, plan: Plan, unique: list[int], frozen: Frozen) -> None:
        self.plan, self.unique = plan, unique
        self.released = frozen.rows
        self.rows = [plan.rows[i] for i in unique] + [row for row, _ in self.released]
        self.own = len(unique)
        self.refused: list[tuple[int, int]] = []
        self.frozen_part: dict[str, str] = {}
        for row, part in self.released:
            self.frozen_part.setdefault(row.sample_id, part)

    def texts(self, found: Index, frozen: Frozen) -> Iterator[str]:
        """The text of each node, read from disk as it is asked for."""
        for line in found.lines(self.rows[: self.own]):
            yield near.text_of_line(line)
        for line in frozen.index.lines(self.rows[self.own :]):
            yield near.text_of_line(line)

    def join(self, links: Iterable[tuple[int, int]], limit: int, group_by: str) -> near.Clusters:
        """Join groups, equal ids and near-duplicates; returns the near-duplicate sets alone.

        Links that would make a set too large are kept in `refused`.
        """
        self.clusters = near.Clusters(len(self.rows), max(limit, 2))
        if group_by == "group":
            self._join_by([row.group for row in self.rows])
        if self.released:
            self._join_by([row.sample_id for row in self.rows])
        copies = near.Clusters(len(self.rows), limit)
        for one, two in links:
            if copies.join(one, two):
                self.clusters.join(one, two, always=True)
            else:
                self.refused.append((one, two) if copies.size(one) >= copies.size(two) else (two, one))
        self.sets = self.clusters.sets(sorted(self.clusters.joined))
        return copies

    def _join_by(self, keys: list[str]) -> None:
        first: dict[str, int] = {}
        for i, key in enumerate(keys):
            if (other := first.setdefault(key, i)) != i:
                self.clusters.join(other, i, always=True)

    def frozen_parts(self, members: Iterable[int]) -> dict[str, str]:
        """Part -> a released row of it, among the members."""
        found: dict[str, str] = {}
        for i in members:
            if i >= self.own:
                row, part = self.released[i - self.own]
                found.setdefault(part, row.sample_id)
        return found

    def key(self, members: list[int]) -> str:
        """The cluster's lasting name: the first released member, else the smallest id."""
        released = [i for i in members if i >= self.own]
        return self.rows[released[0]].sample_id if released else min(self.rows[i].sample_id for i in members)

    def is_released(self, node: int) -> bool:
        """Whether the row stands in a release."""
        return self.rows[node].sample_id in self.frozen_part


def _take_frozen_parts(plan: Plan, nodes: _Nodes) -> None:
    """Clusters with released members take their part; a new row near two parts is dropped.

    A released row keeps its part whatever its cluster; of a cluster with several frozen parts every
    row that was never released is dropped, since it would carry one part's text into another.
    """
    for members in nodes.sets if nodes.released else ():
        parts = nodes.frozen_parts(members)
        if not parts:
            continue
        key = nodes.key(members)
        for i in members:
            if i >= nodes.own:
                continue
            place = nodes.unique[i]
            plan.clusters[place] = key
            own = nodes.frozen_part.get(plan.rows[place].sample_id)
            if own is None and len(parts) > 1:
                plan.drop(place, "bridges_splits", parts.get("test") or parts.get("val") or "")
            else:
                plan.parts[place] = own or next(iter(parts))


def _assign_free(plan: Plan, nodes: _Nodes, params: Split, seed: int) -> None:
    ratios = Ratios(params.train, params.val)
    free = {nodes.key(members): members for members in nodes.sets if not nodes.frozen_parts(members)}
    alone = [i for i in range(nodes.own) if i not in nodes.clusters.joined]
    strata: dict[str, list[str]] = defaultdict(list)
    for key, members in free.items():
        head = min((nodes.rows[i] for i in members), key=attrgetter("sample_id"))
        strata[_stratum(head, params)].append(key)
    for i in alone:
        strata[_stratum(nodes.rows[i], params)].append(nodes.rows[i].sample_id)
    filled: dict[str, set[str]] = defaultdict(set)
    for place in nodes.unique if nodes.released else ():
        if plan.parts[place] in layout.PARTS:
            filled[_stratum(plan.rows[place], params)].add(plan.parts[place])
    parts = assign(strata, ratios, seed, filled)
    for i in alone:
        place, key = nodes.unique[i], nodes.rows[i].sample_id
        plan.parts[place], plan.clusters[place] = parts[key], key
    for key, members in free.items():
        for i in members:
            plan.parts[nodes.unique[i]] = parts[key]
            plan.clusters[nodes.unique[i]] = key


def _stratum(row: Row, params: Split) -> str:
    return row.domain if params.stratify_by == "domain" else row.source


def _cap(plan: Plan, nodes: _Nodes, copies: near.Clusters, keep: int) -> None:
    """Of each set of near-duplicates keep the best-scored rows, and every released one."""
    for members in copies.sets(sorted(i for i in copies.joined if i < nodes.own)):
        alive = [i for i in members if plan.parts[nodes.unique[i]]]
        ranked = sorted(alive, key=lambda i: (not nodes.is_released(i), plan.rows[nodes.unique[i]].rank()))
        for i in ranked[keep:]:
            if not nodes.is_released(i):
                plan.drop(nodes.unique[i], "near_duplicate", nodes.rows[ranked[0]].sample_id)


def _drop_refused(plan: Plan, nodes: _Nodes) -> None:
    """A near-duplicate of a row whose set is full already is dropped: it might stand in another part."""
    for larger, smaller in nodes.refused:
        one, two = (smaller, larger) if smaller < nodes.own and not nodes.is_released(smaller) else (larger, smaller)
        if one < nodes.own and not nodes.is_released(one) and plan.parts[nodes.unique[one]]:
            plan.drop(nodes.unique[one], "near_duplicate", nodes.rows[two].sample_id)


def _write(found: Index, plan: Plan, output: Path) -> None:
    for part in layout.PARTS:
        chosen = [row for row, own in zip(plan.rows, plan.parts, strict=True) if own == part]
        with jsonl.open_write(output / f"{part}.jsonl") as writer:
            writer.write_lines(found.lines(chosen))
    with jsonl.open_write(output / "assignments.jsonl") as writer:
        places = zip(plan.rows, plan.parts, plan.clusters, strict=True)
        writer.write_many(
            Assignment(row.sample_id, row.group, cluster, part, row.source, row.domain)
            for row, part, cluster in places
            if part
        )
    with jsonl.open_write(output / "dropped.jsonl") as writer:
        for entry in sorted(plan.dropped, key=lambda entry: (entry["sample_id"], entry["reason"], entry["of"])):
            writer.write(entry)


def _fill(report: StageReport, found: Index, plan: Plan, params: Split) -> None:
    report.rows_in = len(found.rows)
    report.rows_out = sum(1 for part in plan.parts if part)
    for entry in plan.dropped:
        report.drop(entry["reason"])
    counts: dict[str, dict[str, int]] = {}
    names = map(attrgetter(params.stratify_by), plan.rows)
    for (name, part), count in Counter(zip(names, plan.parts, strict=True)).items():
        if part:
            counts.setdefault(name, {})[part] = count
    report.values = {
        "parts": {part: plan.parts.count(part) for part in layout.PARTS},
        "by_" + params.stratify_by: {name: counts[name] for name in sorted(counts)},
        "clusters": len({key for key, part in zip(plan.clusters, plan.parts, strict=True) if part}),
    }
    _warn_off_ratio(report, counts, params)
    if not report.rows_out:
        report.warn("no rows to split")


def _warn_off_ratio(report: StageReport, counts: dict[str, dict[str, int]], params: Split) -> None:
    wanted: dict[str, float] = {"train": params.train, "val": params.val, "test": 1 - params.train - params.val}
    for name, parts in sorted(counts.items()):
        total = sum(parts.values())
        off: dict[str, Any] = {
            part: round(parts.get(part, 0) / total, 3)
            for part, share in wanted.items()
            if abs(parts.get(part, 0) / total - share) > max(params.tolerance, 1 / total)
        }
        if off:
            report.warn(f"{name}: {total} rows divide into {parts}, outside the tolerance of {params.tolerance}")
