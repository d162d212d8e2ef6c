"""The pipeline's mix: a model's fitted rows and its rehearsal buffer, by the weights of params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afs_stages.core import jsonl, layout
from afs_stages.core.atomic import write_bytes
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Rebalance
from afs_stages.core.params.model import Model
from afs_stages.core.report import StageReport
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import mixing
from afs_stages.dataset.index import Index, Row, index
from afs_stages.dataset.policies import hashed, quality_diversity

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
        there = {name for row in found.rows if row.file == 0 for name in (row.source, row.domain)}
        for name in sorted(set(weights) - there):
            report.warn(f"{model}: no rows of '{name}' are left to mix; the other weights share its part")
        weights = {name: weight for name, weight in weights.items() if name in there}
        old = [row.file == 1 for row in found.rows]
        _mix(found, old, weights, block.rebalance, seed, report, output, ratio=ratio, strict=strict)
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
        appended = [row for row in found.rows if row.file >= len(inputs)]
        found.rows = [row for row in found.rows if row.file < len(inputs)]
        if min_score is not None:
            found.rows = _well_scored(found.rows, min_score, report)
        old = [mixing.REHEARSAL in weights and bool(row.version) for row in found.rows]
        result = _mix(
            found, old, weights, params, seed, report, None, group_by=group_by, unweighted=include_unweighted,
            strict=strict,
        )  # fmt: skip
        result.drawn += [(row, 0) for row in appended]
        report.rows_out = mixing.write(found, result, output)
        left_out = report.dropped.get("below_min_score", 0) + report.dropped.get("unscored", 0)
        report.rows_in += len(appended) + left_out
        report.rejected = rejects.counts
    return report


def chooser(found: Index, params: Rebalance, seed: int) -> mixing.Choose:
    """How some of a group's rows are chosen; only `quality_diversity` reads their texts."""

    def by_rank(rows: Sequence[Row], count: int) -> list[Row]:
        return sorted(rows, key=Row.rank)[:count]

    def at_random(rows: Sequence[Row], count: int) -> list[Row]:
        return sorted(rows, key=lambda row: hashed(row.sample_id, seed))[:count]

    def diverse(rows: Sequence[Row], count: int) -> list[Row]:
        samples = [TrainingSample.from_dict(jsonl.decode(line)) for line in found.lines(rows)]
        chosen = {sample.sample_id for sample in quality_diversity(samples, count, seed, DIVERSITY)}
        return [row for row in rows if row.sample_id in chosen]

    return {"quality": by_rank, "random": at_random, "quality_diversity": diverse}[params.within]


def _well_scored(rows: list[Row], min_score: float, report: StageReport) -> list[Row]:
    """The rows of at least the score. Raises `UserError` where no row has one."""
    scored = [row for row in rows if row.quality_score is not None]
    if rows and not scored and min_score > 0:
        raise UserError(
            f"none of the {len(rows)} rows has a quality score",
            where="--min-quality-score",
            fix="score them first (`afs scoring score`), or leave the option out",
        )
    if min_score <= 0:
        return rows
    kept = [row for row in scored if (row.quality_score or 0.0) >= min_score]
    for reason, count in (("unscored", len(rows) - len(scored)), ("below_min_score", len(scored) - len(kept))):
        if count:
            report.drop(reason, count)
    return kept


def _mix(
    found: Index,
    old: Sequence[bool],
    weights: dict[str, float],
    params: Rebalance,
    seed: int,
    report: StageReport,
    output: Path | None,
    *,
    ratio: float = 0.0,
    group_by: str = "",
    unweighted: bool = False,
    strict: bool = False,
) -> mixing.Mix:
    by = group_by or ("source" if set(weights) & {row.source for row in found.rows} else "domain")
    rows = [(mixing.group_of(row, by, is_old), row) for row, is_old in zip(found.rows, old, strict=True)]
    result = mixing.mix(
        rows, weights, params, seed, ratio=ratio, include_unweighted=unweighted, choose=chooser(found, params, seed)
    )
    problem = mixing.describe_short(result)
    if problem and strict:
        raise UserError(problem, fix="lower the total, lower the weight, or allow oversampling")
    if problem:
        report.warn(problem)
    report.rows_in, report.rows_out = len(rows), len(result.drawn)
    for reason, count in result.dropped.items():
        report.drop(reason, count)
    report.values = {
        "groups": result.counts,
        "shares": result.shares,
        "wanted": {name: round(share, 4) for name, share in result.wanted.items()},
        "repeats": result.repeats,
        "limited_by": result.limited_by,
    }
    if not result.drawn:
        report.warn("the mix is empty")
    if output is not None:
        mixing.write(found, result, output)
    return result
