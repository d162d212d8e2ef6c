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
from afs_stages.dataset import mixing
from afs_stages.dataset.index import Index, index


def rebalance_model(model: str, block: Model, seed: int, strict: bool = False) -> StageReport:
    """Write data/mixed/<model>/: the mixed training rows, and val and test as they are."""
    report = StageReport("rebalance", model)
    output = layout.mixed(model, "train")
    weights = {name: weight for name, weight in block.weights.items() if name != mixing.REHEARSAL}
    ratio = block.rehearsal.ratio
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([layout.fitted(model, "train"), layout.rehearsal(model)], rejects)
        there = {row.source for row in found.rows if row.file == 0}
        for name in sorted(set(weights) - there):
            report.warn(f"{model}: no rows of '{name}' are left to mix; the other weights share its part")
        weights = {name: weight for name, weight in weights.items() if name in there}
        _mix(found, {1}, weights, block.rebalance, seed, report, output, ratio=ratio, strict=strict)
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
        buffers = _buffers(found, len(inputs)) if mixing.REHEARSAL in weights else set()
        appended = [row for row in found.rows if row.file >= len(inputs)]
        found.rows = [row for row in found.rows if row.file < len(inputs)]
        if min_score is not None:
            kept = [row for row in found.rows if (row.score or 0.0) >= min_score]
            report.drop("below_min_score", len(found.rows) - len(kept)) if len(kept) < len(found.rows) else None
            found.rows = kept
        result = _mix(
            found, buffers, weights, params, seed, report, None, group_by=group_by, unweighted=include_unweighted,
            strict=strict,
        )  # fmt: skip
        result.drawn += [(row, 0) for row in appended]
        report.rows_out = mixing.write(found, result, output)
        report.rows_in += len(appended) + report.dropped.get("below_min_score", 0)
        report.rejected = rejects.counts
    return report


def _buffers(found: Index, count: int) -> set[int]:
    """The input files all of whose rows were first trained in an older version."""
    fresh = {row.file for row in found.rows if not row.version}
    return {row.file for row in found.rows if row.file < count} - fresh


def _mix(
    found: Index,
    buffers: set[int],
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
    rows = [(mixing.group_of(row, by, buffers), row) for row in found.rows]
    result = mixing.mix(rows, weights, params, seed, ratio=ratio, include_unweighted=unweighted)
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
    }
    if not result.drawn:
        report.warn("the mix is empty")
    if output is not None:
        mixing.write(found, result, output)
    return result
