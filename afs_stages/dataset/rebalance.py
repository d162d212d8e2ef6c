"""The pipeline's mix: a model's fitted rows and its rehearsal buffer, by the weights of params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl, layout
from afs_stages.core.atomic import write_bytes
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Rebalance
from afs_stages.core.params.model import Model
from afs_stages.core.report import StageReport
from afs_stages.dataset import mixing
from afs_stages.dataset.index import Index, index
from afs_stages.dataset.keys import Rows
from afs_stages.dataset.policies import at_random, best_first, quality_diversity

DIVERSITY = 0.5
"""Weight of diversity beside quality where a mix is drawn by both."""


def rebalance_model(model: str, block: Model, seed: int, strict: bool = False) -> StageReport:
    """Write data/mixed/<model>/: the mixed training rows, and val and test as they are."""
    report = StageReport("rebalance", model)
    output = layout.mixed(model, "train")
    weights = {name: weight for name, weight in block.weights.items() if name != mixing.REHEARSAL}
    ratio = block.rehearsal.ratio
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([layout.fitted(model, "train"), layout.rehearsal(model)], rejects)
        rows = found.canonical()
        is_old = found.file_of(rows) == 1
        there = _names(found, rows[~is_old])
        for name in sorted(set(weights) - there):
            report.warn(f"{model}: no rows of '{name}' are left to mix; the other weights share its part")
        weights = {name: weight for name, weight in weights.items() if name in there}
        result = _mix(found, rows, is_old, weights, block.rebalance, seed, report, ratio=ratio, strict=strict)
        mixing.write(found, result, output)
        report.rejected = rejects.counts
    for part in ("val", "test"):
        write_bytes(layout.mixed(model, part), layout.fitted(model, part).read_bytes())
    return report


def rebalance_files(
    inputs: Sequence[Path],
    output: Path,
    weights: dict[str, float],
    params: Rebalance,
    seed: int,
    *,
    group_by: str = "source",
    min_score: float | None = None,
    include_unweighted: bool = False,
    append: Sequence[Path] = (),
    strict: bool = False,
) -> StageReport:
    """Mix files by hand. Rows that carry the mark of an older version form the group `rehearsal`
    where the weights name it; `append`ed files are added whole, after the mix.
    """
    report = StageReport("rebalance")
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([*inputs, *append], rejects)
        rows = found.canonical()
        is_appended = found.file_of(rows) >= len(inputs)
        rows, appended = rows[~is_appended], rows[is_appended]
        if min_score is not None:
            rows = _well_scored(found, rows, min_score, report)
        is_old = _has_version(found, rows) & (mixing.REHEARSAL in weights)
        result = _mix(
            found, rows, is_old, weights, params, seed, report, group_by=group_by, unweighted=include_unweighted,
            strict=strict,
        )  # fmt: skip
        result.rows = np.concatenate([result.rows, appended])
        result.repeat = np.concatenate([result.repeat, np.zeros(len(appended), result.repeat.dtype)])
        report.rows_out = mixing.write(found, result, output)
        left_out = report.dropped.get("below_min_score", 0) + report.dropped.get("unscored", 0)
        report.rows_in += len(appended) + left_out
        report.rejected = rejects.counts
    return report


def chooser(found: Index, params: Rebalance, seed: int) -> mixing.Choose:
    """How some of a group's rows are chosen; only `quality_diversity` reads their texts."""

    def by_rank(rows: Rows, count: int) -> Rows:
        return best_first(found, rows)[:count]

    def by_hash(rows: Rows, count: int) -> Rows:
        return at_random(found, rows, seed)[:count]

    def diverse(rows: Rows, count: int) -> Rows:
        return quality_diversity(found, rows, count, seed, DIVERSITY, found.texts)

    return {"quality": by_rank, "random": by_hash, "quality_diversity": diverse}[params.within]


def _names(found: Index, rows: Rows) -> set[str]:
    """The sources and domains of the rows."""
    sources = {found.sources[code] for code in np.unique(found.source[rows]).tolist()}
    return sources | {found.domains[code] for code in np.unique(found.domain[rows]).tolist()}


def _has_version(found: Index, rows: Rows) -> NDArray[np.bool_]:
    """Whether each row carries the mark of an older version."""
    has: NDArray[np.bool_] = np.array([bool(name) for name in found.versions], dtype=np.bool_)[found.version[rows]]
    return has


def _well_scored(found: Index, rows: Rows, min_score: float, report: StageReport) -> Rows:
    """The rows of at least the score. Raises `UserError` where no row has one."""
    scores = found.score[rows]
    unscored = int(np.isnan(scores).sum())
    if len(rows) and unscored == len(rows) and min_score > 0:
        raise UserError(
            f"none of the {len(rows)} rows has a quality score",
            where="--min-quality-score",
            fix="score them first (`afs scoring score`), or leave the option out",
        )
    if min_score <= 0:
        return rows
    for reason, count in (("unscored", unscored), ("below_min_score", int((scores < min_score).sum()))):
        if count:
            report.drop(reason, count)
    return rows[scores >= min_score]


def _mix(
    found: Index,
    rows: Rows,
    is_old: NDArray[np.bool_],
    weights: dict[str, float],
    params: Rebalance,
    seed: int,
    report: StageReport,
    *,
    ratio: float = 0.0,
    group_by: str = "",
    unweighted: bool = False,
    strict: bool = False,
) -> mixing.Mix:
    sources = {found.sources[code] for code in np.unique(found.source[rows]).tolist()}
    by = group_by or ("source" if set(weights) & sources else "domain")
    groups = mixing.grouped(found, rows, by, is_old)
    result = mixing.mix(
        found, groups, weights, params, seed, ratio=ratio, include_unweighted=unweighted,
        choose=chooser(found, params, seed),
    )  # fmt: skip
    problem = mixing.describe_short(result)
    if problem and strict:
        raise UserError(problem, fix="lower the total, lower the weight, or allow oversampling")
    if problem:
        report.warn(problem)
    report.rows_in, report.rows_out = len(rows), len(result.rows)
    for reason, count in result.dropped.items():
        report.drop(reason, count)
    report.values = {
        "groups": result.counts,
        "shares": result.shares,
        "wanted": {name: round(share, 4) for name, share in result.wanted.items()},
        "repeats": result.repeats,
        "limited_by": result.limited_by,
    }
    if not len(result.rows):
        report.warn("the mix is empty")
    return result
