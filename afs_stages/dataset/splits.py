"""Train, val and test, once and for all: by group and near-duplicate cluster,
frozen by releases.

Order of work: exact duplicates go (the best-scored stays), groups and near-duplicates
join into clusters (released rows among them), clusters that touch a frozen part take
it, the others are assigned by hash, and large near-duplicate clusters keep their best
rows only. Rows marked as a recall wording take no part in this: they go to the recall
set, with look-ups of the training rows in other words (`recall_set`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl, layout
from afs_stages.core.params.data import NearDuplicates, Split
from afs_stages.core.sample import RECALL, TrainingSample, decode_keys
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset import near
from afs_stages.dataset.assign import Ratios, assign
from afs_stages.dataset.clusters import Clusters
from afs_stages.dataset.frozen import Frozen, load_frozen
from afs_stages.dataset.index import BATCH, Index, index
from afs_stages.dataset.keys import Keys, Rows, cross_counts, runs
from afs_stages.dataset.recall_set import RecallSet, gather, near_questions

EXACT, NEAR, BRIDGES, ASKED = -1, -2, -3, -4
"""Instead of a part: why a row is left out."""
REASONS = {
    EXACT: "exact_duplicate",
    NEAR: "near_duplicate",
    BRIDGES: "bridges_splits",
    ASKED: "released_recall_question",
}
ASIDE = -5
"""Instead of a part: a wording that is never trained on, for the recall set."""
TEST_FIRST = (2, 1, 0)


@dataclass
class SplitPlan:
    """Where every row goes.
    Nodes 0 to n-1 are the rows in the order of their keys,
    those after them released rows.
    """

    rows: Rows
    """The row of each node in the index."""
    part: NDArray[np.int8]
    """Place in `layout.PARTS`, or one of `REASONS`."""
    head: NDArray[np.int32]
    """The node that the cluster is called by: its first released one,
    else its first.
    """
    gone: array[int] = field(default_factory=lambda: array("i"))
    of: array[int] = field(default_factory=lambda: array("i"))
    """The nodes left out, and beside each the node because of which it is."""

    def drop(self, node: int, reason: int, of: int) -> None:
        """Leave a row out, for a reason, because of another node."""
        self.part[node] = reason
        self.gone.append(node)
        self.of.append(of)


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
    """Split sample files into `output`/{train,val,test}.jsonl with `recall.jsonl`,
    `assignments.jsonl` and `dropped.jsonl`.

    `group_by` is `group` (the unit each source names) or `none`; without `find_near`
    only exact duplicates and groups are kept together. Rows of a part are written in
    the order of their keys, so the order of files and rows does not matter.
    """
    params = params or Split()
    report = StageReport("split")
    with jsonl.open_rejects(output / "train.jsonl", strict) as rejects:
        found = index(inputs, rejects)
        frozen = load_frozen(releases, rejects)
        plan = make_plan(found, frozen, params, seed, group_by, find_near)
        _write(found, frozen, plan, output)
        recall = _recall_set(found, frozen, plan, output, params.near_duplicates)
        report.rejected = rejects.counts
    _fill(report, found, plan, params)
    _fill_recall(report, recall)
    return report


def make_plan(
    found: Index,
    frozen: Frozen,
    params: Split,
    seed: int,
    group_by: str = "group",
    find_near: bool = True,
) -> SplitPlan:
    """Decide the part of every row of `found`; reads row texts for similarity,
    writes nothing.
    """
    plan = _without_exact(found)
    nodes = _Nodes(found, frozen, plan)
    links = near.pairs(nodes.texts, params.near_duplicates) if find_near else iter(())
    nodes.join(links, params.near_duplicates.max_cluster, group_by)
    decided = _take_frozen_parts(plan, nodes)
    _assign_free(plan, nodes, decided, params, seed)
    _cap(plan, nodes, params.near_duplicates.keep_per_cluster)
    _drop_refused(plan, nodes)
    _drop_asked(plan, nodes, params.near_duplicates)
    return plan


def _without_exact(found: Index) -> SplitPlan:
    """Of each id the best-scored row; which the order of the rows puts first.
    Recall wordings are set aside.
    """
    rows = found.canonical()
    keys = found.key[rows]
    plan = SplitPlan(
        rows, np.zeros(len(rows), np.int8), np.arange(len(rows), dtype=np.int32)
    )
    again = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    for node, first in zip(
        again.tolist(), np.searchsorted(keys, keys[again]).tolist(), strict=True
    ):
        plan.drop(node, EXACT, first)
    if RECALL in found.wordings:
        is_recall = found.wording[rows] == found.wordings.index(RECALL)
        plan.part[is_recall & (plan.part >= 0)] = ASIDE
    return plan


class _Nodes:
    """The rows that can join into clusters, by number: the plan's (without exact
    duplicates), then the released.
    """

    def __init__(self, found: Index, frozen: Frozen, plan: SplitPlan) -> None:
        self.found, self.frozen, self.plan = found, frozen, plan
        self.own = len(plan.rows)
        self.unique = np.flatnonzero(plan.part >= 0).astype(np.int32)
        self.texts = near.RowTexts(
            [(found, plan.rows[self.unique]), (frozen.index, frozen.rows)]
        )
        self.frozen_part = frozen.parts_of(found.key[plan.rows])
        """Of the plan's rows: the part they are released in, or -1."""
        self.clusters = Clusters(0, 1)
        self.copies = Clusters(0, 1)
        """The near-duplicate sets alone; empty until there is one."""
        self.refused: list[tuple[int, int]] = []

    def join(self, links: Iterable[tuple[int, int]], limit: int, group_by: str) -> None:
        """Join groups, equal ids and near-duplicates; links that would make a set too
        large go to `refused`.

        Three rows, of which a and b are one group, and b and c near-duplicates, become
        one cluster {a, b, c}; the near-duplicate set is {b, c} alone, so that only its
        rows compete for the places in the split.
        """
        groups = self._groups() if group_by == "group" else self._no_groups()
        self.clusters = Clusters.of_equal(groups, max(limit, 2))
        self._join_released()
        for one, two in self._numbered(links):
            if not len(self.copies):
                self.copies = Clusters(self.own + len(self.frozen), limit)
            if self.copies.join(one, two):
                # What nearly is the same text stays together, however large its groups
                # make the cluster.
                self.clusters.join(one, two, always=True)
            else:
                self._refuse(one, two)

    def _no_groups(self) -> NDArray[np.int64]:
        """A value of its own for each node, equal to no hash that a group
        is likely to have.
        """
        return np.arange(-self.own - len(self.frozen), 0, dtype=np.int64)

    def _groups(self) -> NDArray[np.int64]:
        """The hash of each node's group; exact duplicates, which join nothing, have a
        value of their own.
        """
        groups = self._no_groups()
        groups[self.unique] = self.found.group[self.plan.rows[self.unique]]
        groups[self.own :] = self.frozen.index.group[self.frozen.rows]
        return groups

    def _refuse(self, one: int, two: int) -> None:
        """Note a link that would make a set too large,
        the node of the larger set first.
        """
        if self.copies.size(one) >= self.copies.size(two):
            self.refused.append((one, two))
        else:
            self.refused.append((two, one))

    def _numbered(self, links: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Links between texts as links between nodes."""
        shift = self.own - len(self.unique)
        for pair in links:
            one, two = (
                int(self.unique[i]) if i < len(self.unique) else i + shift for i in pair
            )
            yield one, two

    def _join_released(self) -> None:
        """Join each released row with the rows of the same id,
        of this build and of other releases.
        """
        first: dict[int, int] = {}
        for node, key in enumerate(self.frozen.key.tolist(), self.own):
            self.clusters.join(first.setdefault(key, node), node, always=True)
        own = self.unique[self.frozen_part[self.unique] >= 0]
        for node, key in zip(
            own.tolist(), self.found.key[self.plan.rows[own]].tolist(), strict=True
        ):
            self.clusters.join(first[key], node, always=True)

    def is_released(self, node: int) -> bool:
        """Whether the row stands in a release."""
        return node >= self.own or bool(self.frozen_part[node] >= 0)

    def fact(self, node: int) -> int:
        """The key of the fact a row of the plan teaches."""
        return int(self.found.fact[self.plan.rows[node]])

    def score(self, node: int) -> float:
        """Its quality; -1 where unscored."""
        score = float(self.found.score[self.plan.rows[node]])
        return score if score == score else -1.0


def _take_frozen_parts(plan: SplitPlan, nodes: _Nodes) -> NDArray[np.bool_]:
    """Clusters with released members take their part; a new row near two parts is
    dropped. Which rows that decided.

    A released row keeps its part whatever its cluster; of a cluster with several frozen
    parts every row that was never released is dropped, since it would carry one part's
    text into another.
    """
    decided = np.zeros(nodes.own, dtype=np.bool_)
    for members in nodes.clusters.sets() if len(nodes.frozen) else ():
        released = [node - nodes.own for node in members if node >= nodes.own]
        if not released:
            continue
        first: dict[int, int] = {}
        for place in released:
            first.setdefault(int(nodes.frozen.parts[place]), place)
        held_out = next((first[part] for part in TEST_FIRST if part in first), 0)
        own = [node for node in members if node < nodes.own]
        plan.head[own] = nodes.own + released[0]
        for node in own:
            if nodes.frozen_part[node] < 0 and len(first) > 1:
                plan.drop(node, BRIDGES, nodes.own + held_out)
            else:
                part = int(nodes.frozen_part[node])
                plan.part[node] = part if part >= 0 else next(iter(first))
        decided[own] = True
    return decided


def _assign_free(
    plan: SplitPlan,
    nodes: _Nodes,
    is_decided: NDArray[np.bool_],
    params: Split,
    seed: int,
) -> None:
    """The part of each cluster without released rows, by the key of its first row."""
    strata = (
        nodes.found.domain if params.stratify_by == "domain" else nodes.found.source
    )
    decided = nodes.unique[is_decided[nodes.unique] & (plan.part[nodes.unique] >= 0)]
    filled = set(
        zip(
            strata[plan.rows[decided]].tolist(),
            plan.part[decided].tolist(),
            strict=True,
        )
    )
    free = nodes.unique[~is_decided[nodes.unique]]
    plan.head[free] = nodes.clusters.firsts()[free]
    heads = free[plan.head[free] == free]
    rows = plan.rows[heads]
    plan.part[heads] = assign(
        nodes.found.key[rows],
        strata[rows],
        Ratios(params.train, params.val),
        seed,
        filled,
    )
    plan.part[free] = plan.part[plan.head[free]]


def _cap(plan: SplitPlan, nodes: _Nodes, keep: int) -> None:
    """Of each set of near-duplicates keep the best-scored rows,
    and every released one.

    Wordings of one fact have one answer and so are nearly the same text; they count as
    one, or no fact could be taught in several.
    """
    for members in nodes.copies.sets():
        alive = [node for node in members if node < nodes.own and plan.part[node] >= 0]
        ranked = sorted(
            alive,
            key=lambda node: (not nodes.is_released(node), -nodes.score(node), node),
        )
        kept: set[int] = set()
        for node in ranked:
            fact = nodes.fact(node)
            if fact in kept or len(kept) < keep:
                kept.add(fact)
            elif not nodes.is_released(node):
                plan.drop(node, NEAR, ranked[0])


def _drop_refused(plan: SplitPlan, nodes: _Nodes) -> None:
    """A near-duplicate of a row whose set is full already is dropped:
    it might stand in another part.
    """
    for larger, smaller in nodes.refused:
        one, two = (
            (smaller, larger) if not nodes.is_released(smaller) else (larger, smaller)
        )
        if not nodes.is_released(one) and plan.part[one] >= 0:
            plan.drop(one, NEAR, two)


def _drop_asked(plan: SplitPlan, nodes: _Nodes, params: NearDuplicates) -> None:
    """A training row that asks what a release's recall set asks, in nearly its words,
    is dropped: with it trained, that set would no longer show what is remembered.
    """
    asked = nodes.frozen.recall
    if not asked:
        return
    may_go = (plan.part == 0) & (nodes.frozen_part < 0)
    free = np.flatnonzero(may_go).astype(np.int32)
    rows = nodes.found.keys(plan.rows[free])
    for place in near_questions(rows, asked, params):
        plan.drop(int(free[place]), ASKED, int(free[place]))


def _write(found: Index, frozen: Frozen, plan: SplitPlan, output: Path) -> None:
    with ExitStack() as stack:
        names = [*layout.PARTS, "assignments", "dropped"]
        *parts, assigned, dropped = (
            stack.enter_context(jsonl.open_write(output / f"{name}.jsonl"))
            for name in names
        )
        for place, writer in enumerate(parts):
            nodes = np.flatnonzero(plan.part == place).astype(np.int32)
            batches = (
                nodes[start : start + BATCH] for start in range(0, len(nodes), BATCH)
            )
            for batch, lines in zip(
                batches, found.batches(plan.rows[nodes]), strict=True
            ):
                writer.write_lines(lines)
                clusters = _keys(found, frozen, plan, plan.head[batch])
                assigned.write_many(_assignments(lines, clusters, layout.PARTS[place]))
        dropped.write_many(_dropped(found, frozen, plan))


def _keys(
    found: Index, frozen: Frozen, plan: SplitPlan, nodes: NDArray[np.int32]
) -> Keys:
    """The keys of nodes."""
    keys = found.key[plan.rows[np.minimum(nodes, len(plan.rows) - 1)]]
    is_released = nodes >= len(plan.rows)
    keys[is_released] = frozen.index.key[
        frozen.rows[nodes[is_released] - len(plan.rows)]
    ]
    return keys


def _assignments(
    lines: list[bytes], clusters: Keys, part: str
) -> Iterator[dict[str, str]]:
    """What assignments.jsonl says of rows; `cluster` is the key of the cluster's
    first row, in hex.
    """
    for line, cluster in zip(lines, clusters.tolist(), strict=True):
        row = decode_keys(line)
        yield {
            "sample_id": row.sample_id,
            "group": row.group,
            "cluster": f"{cluster:016x}",
            "split": part,
        }


def _dropped(found: Index, frozen: Frozen, plan: SplitPlan) -> Iterator[dict[str, str]]:
    """Who was left out, why, and because of which other row."""
    gone, because = np.array(plan.gone, np.int32), np.array(plan.of, np.int32)
    order = np.argsort(gone, kind="stable")
    for start in range(0, len(gone), BATCH):
        places = order[start : start + BATCH]
        nodes, of = gone[places], because[places]
        is_own = of < len(plan.rows)
        own = found.keys(plan.rows[of[is_own]])
        released = frozen.index.keys(frozen.rows[of[~is_own] - len(plan.rows)])
        others = [next(own if mine else released).sample_id for mine in is_own.tolist()]
        reasons = [REASONS[reason] for reason in plan.part[nodes].tolist()]
        for row, reason, other in zip(
            found.keys(plan.rows[nodes]), reasons, others, strict=True
        ):
            yield {"sample_id": row.sample_id, "reason": reason, "of": other}


def _recall_set(
    found: Index,
    frozen: Frozen,
    plan: SplitPlan,
    output: Path,
    params: NearDuplicates,
) -> RecallSet:
    """Write the recall set of the training rows; its wordings are used neither by them
    nor by training rows of releases, which may be rehearsed.
    """
    train = plan.rows[np.flatnonzero(plan.part == 0)]
    aside = plan.rows[np.flatnonzero(plan.part == ASIDE)]
    released = frozen.rows[frozen.parts == 0]
    recall = gather(
        lambda: found.lines(train),
        _samples(found, aside),
        params,
        lambda: frozen.index.lines(released),
    )
    with jsonl.open_write(output / f"{layout.RECALL_SET}.jsonl") as writer:
        writer.write_many(recall.rows)
    return recall


def _samples(found: Index, rows: Rows) -> Iterator[TrainingSample]:
    """Rows of an index as samples."""
    for line in found.lines(rows):
        yield TrainingSample.from_dict(jsonl.decode(line))


def _fill_recall(report: StageReport, recall: RecallSet) -> None:
    """Marked rows are rows that came in; those made by rule are none."""
    for reason, count in sorted(recall.dropped.items()):
        report.drop(reason, count)
    report.rows_out += recall.marked
    report.values["recall"] = {
        "marked": recall.marked,
        "reworded": len(recall.rows) - recall.marked,
    }


def _fill(report: StageReport, found: Index, plan: SplitPlan, params: Split) -> None:
    report.rows_in = len(found)
    for reason, name in REASONS.items():
        if count := int((plan.part == reason).sum()):
            report.drop(name, count)
    table = _part_counts(found, plan, params.stratify_by)
    totals = table.sum(axis=0).tolist()
    report.rows_out = sum(totals)
    counts: dict[str, dict[str, int]] = {}
    names = found.domains if params.stratify_by == "domain" else found.sources
    for name, row in sorted(zip(names, table.tolist(), strict=True)):
        parts = dict(zip(layout.PARTS, row, strict=True))
        if any(row):
            counts[name] = {part: count for part, count in parts.items() if count}
    heads = np.sort(plan.head[plan.part >= 0])
    report.values = {
        "parts": dict(zip(layout.PARTS, totals, strict=True)),
        f"by_{params.stratify_by}": counts,
        "clusters": len(runs(heads)) - 1,
    }
    _warn_off_ratio(report, counts, params)
    if not report.rows_out:
        report.warn("no rows to split")


def _part_counts(found: Index, plan: SplitPlan, stratify_by: str) -> NDArray[np.int64]:
    """Rows of each domain (or source) in each of `layout.PARTS`."""
    codes, names = (
        (found.domain, found.domains)
        if stratify_by == "domain"
        else (found.source, found.sources)
    )
    # One column more, in front, for the rows that are left out.
    parts = np.maximum(plan.part, -1) + 1
    table = cross_counts(codes[plan.rows], parts, (len(names), len(layout.PARTS) + 1))
    return table[:, 1:]


def _warn_off_ratio(
    report: StageReport, counts: dict[str, dict[str, int]], params: Split
) -> None:
    wanted: dict[str, float] = {
        "train": params.train,
        "val": params.val,
        "test": 1 - params.train - params.val,
    }
    for name, parts in counts.items():
        total = sum(parts.values())
        allowed = max(params.tolerance, 1 / total)
        shares = {part: parts.get(part, 0) / total for part in wanted}
        if any(abs(shares[part] - wanted[part]) > allowed for part in wanted):
            report.warn(
                f"{name}: {total} rows divide into {parts}, outside the tolerance of "
                f"{params.tolerance}"
            )
