"""The pipeline's mix: a model's fitted rows and its rehearsal buffer,
by the weights of params.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl, layout
from afs_stages.core.atomic import write_bytes
from afs_stages.core.errors import UserError
from afs_stages.core.params import place
from afs_stages.core.params.data import Rebalance
from afs_stages.core.params.model import Model
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset import mix
from afs_stages.dataset.index import Index, index, with_metadata
from afs_stages.dataset.keys import Rows, key_of
from afs_stages.dataset.mix import Mix


def rebalance_model(
    model: str, block: Model, seed: int, strict: bool = False
) -> StageReport:
    """Write data/mixed/<model>/: the mixed training rows, val and test as they are, and
    of the recall set what asks for facts in the mix's new rows.

    Raises `UserError` for a `max_total` that the weights and the allowed repeats cannot
    fill, with the largest that they can.
    """
    report = StageReport("rebalance", model)
    output = layout.mixed(model, "train")
    weights = {
        name: weight for name, weight in block.weights.items() if name != mix.REHEARSAL
    }
    ratio = block.rehearsal.ratio
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([layout.fitted(model, "train"), layout.rehearsal(model)], rejects)
        rows = found.canonical()
        is_old = found.file_of(rows) == 1
        told_often = _beyond(found, rows, block.wordings) & ~is_old
        rows, is_old = rows[~told_often], is_old[~told_often]
        there = _names(found, rows[~is_old])
        for name in sorted(set(weights) - there):
            report.warn(
                f"{model}: no rows of '{name}' are left to mix; the other weights "
                "share its part"
            )
        weights = {name: weight for name, weight in weights.items() if name in there}
        result = _mix(
            found,
            rows,
            is_old,
            weights,
            block.rebalance,
            seed,
            report,
            ratio=ratio,
            strict=strict,
        )
        _refuse_total(model, block, result)
        _say(report, _describe_ratio(model, block, result), strict, _ratio_fix(model))
        _write(found, result, output)
        if told_often.any():
            report.rows_in += int(told_often.sum())
            report.drop("further_wording", int(told_often.sum()))
        report.rejected = rejects.counts
        is_new = found.file_of(result.rows) == 0
        facts = set(found.fact[result.rows[is_new]].tolist())
    report.values["recall"] = _write_recall(model, facts)
    report.values["ratio"] = ratio
    report.values["total"] = {
        "stated": block.rebalance.max_total,
        "largest": result.satisfying_total,
    }
    for part in ("val", "test"):
        write_bytes(layout.mixed(model, part), layout.fitted(model, part).read_bytes())
    return report


def _beyond(found: Index, rows: Rows, most: int | None) -> NDArray[np.bool_]:
    """Whether each row is a further wording of its fact than the first `most`.

    Wordings come in their order, numbers by value: of 1, 2 and 10 the first two are 1
    and 2. Rows without a wording are never too many.
    """
    is_beyond = np.zeros(len(rows), np.bool_)
    if most is None:
        return is_beyond
    ordered = sorted(found.wordings, key=_in_order)
    ranks = [ordered.index(name) for name in found.wordings]
    told = np.array([bool(name) for name in found.wordings], np.bool_)
    by_fact: dict[int, list[int]] = {}
    for at in np.flatnonzero(told[found.wording[rows]]).tolist():
        by_fact.setdefault(int(found.fact[rows[at]]), []).append(at)
    for members in by_fact.values():
        rank = {at: ranks[found.wording[rows[at]]] for at in members}
        first = sorted(set(rank.values()))[:most]
        for at in members:
            is_beyond[at] = rank[at] not in first
    return is_beyond


def _in_order(wording: str) -> tuple[int, str]:
    """What wordings are sorted by: a number by its value, before other names."""
    return (int(wording), "") if wording.isdecimal() else (2**62, wording)


def _write_recall(model: str, facts: set[int]) -> int:
    """Write the recall questions whose fact a drawn new row teaches; how many."""
    source = layout.fitted(model, layout.RECALL_SET)
    with jsonl.open_write(layout.mixed(model, layout.RECALL_SET)) as writer:
        for sample in (
            jsonl.read_samples(source, jsonl.refuse) if source.is_file() else ()
        ):
            if key_of(sample.fact) in facts:
                writer.write(sample)
    return writer.count


def describe_total(model: str, block: Model, report: StageReport) -> str:
    """How many rows a mix without a stated total has, and why no more; empty where the
    total is stated.
    """
    if block.rebalance.max_total is not None:
        return ""
    rows = sum(report.values["groups"].values())
    why = f"the largest total that keeps the weights ({_repeats(block)})"
    limit = report.values["limited_by"]
    limited = f", limited by {limit}" if limit else ""
    return (
        f"models.{model}.rebalance.max_total is not set: {rows:,} rows, {why}{limited}"
    )


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
    """Mix files by hand. Rows that carry the mark of an older version form the group
    `rehearsal` where the weights name it; `append`ed files are added whole, after the
    mix.
    """
    report = StageReport("rebalance")
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([*inputs, *append], rejects)
        rows = found.canonical()
        is_appended = found.file_of(rows) >= len(inputs)
        rows, appended = rows[~is_appended], rows[is_appended]
        if min_score is not None:
            rows = _well_scored(found, rows, min_score, report)
        is_old = _has_version(found, rows) & (mix.REHEARSAL in weights)
        result = _mix(
            found,
            rows,
            is_old,
            weights,
            params,
            seed,
            report,
            group_by=group_by,
            unweighted=include_unweighted,
            strict=strict,
        )
        result.rows = np.concatenate([result.rows, appended])
        result.repeat = np.concatenate(
            [result.repeat, np.zeros(len(appended), result.repeat.dtype)]
        )
        report.rows_out = _write(found, result, output)
        left_out = report.dropped.get("below_min_score", 0) + report.dropped.get(
            "unscored", 0
        )
        report.rows_in += len(appended) + left_out
        report.rejected = rejects.counts
    return report


def mix_buffer_files(
    buffer: Path,
    new: Sequence[Path],
    output: Path,
    ratio: float,
    shuffle: bool,
    seed: int,
    strict: bool = False,
) -> StageReport:
    """Write new rows and the buffer's best so that the latter are
    `ratio` of the result.

    Rows that are in the new data already are not added again. A buffer too small is
    said and, with `strict`, refused. Shuffled, the result does not depend on the order
    of files and rows.
    """
    report = StageReport("rehearsal-mix")
    with jsonl.open_rejects(output) as rejects:
        found = index([*new, buffer], rejects)
        rows = found.canonical()
        is_old = found.file_of(rows) == len(new)
        fresh, old = rows[~is_old], rows[is_old]
        free = old[~np.isin(found.key[old], found.key[fresh])]
        groups = {mix.NEW: np.sort(fresh), mix.REHEARSAL: free}
        result = mix.mix_by_ratio(found, groups, ratio)
        _say(
            report,
            mix.describe_short_buffer(result),
            strict,
            "lower the ratio or build a larger buffer",
        )
        drawn = mix.shuffled_rows(found, result, seed) if shuffle else result.rows
        with jsonl.open_write(output) as writer:
            writer.write_batches(found.batches(drawn))
        report.rejected = rejects.counts
    rehearsed = result.counts[mix.REHEARSAL]
    report.rows_in, report.rows_out = len(rows), writer.count
    report.drop("in_new_data", len(old) - len(free))
    report.drop("not_selected", len(free) - rehearsed)
    report.drop("replaced", len(fresh) - result.counts[mix.NEW])
    report.values = {
        "share": round(rehearsed / writer.count, 4) if writer.count else 0.0,
        "rehearsed": rehearsed,
    }
    return report


def _repeats(block: Model) -> str:
    """How often a row may stand, in words."""
    times = block.rebalance.oversample
    return "no row repeated" if times == 1 else f"each row at most {times} times"


def _refuse_total(model: str, block: Model, result: Mix) -> None:
    """Raise `UserError` for a stated total that groups are too small for."""
    stated = block.rebalance.max_total
    if stated is None or not result.short:
        return
    key, largest = f"models.{model}.rebalance.max_total", result.satisfying_total
    lacking = ", ".join(
        f"{count} rows of {name}" for name, count in result.short.items()
    )
    weights = f"with these weights ({_repeats(block)})"
    what = f"{key}: {stated} cannot be met {weights}: {lacking} are lacking"
    fix = f"set {key} to {largest}, or remove the line: then the largest total is taken"
    raise UserError(
        f"{what}; {largest} would do",
        where=place(layout.PARAMS, key) if layout.PARAMS.is_file() else None,
        fix=f"{fix}; dvc repro check@{model}",
    )


def _describe_ratio(model: str, block: Model, result: Mix) -> str:
    """What share rehearsed rows have where the buffer is too small for their ratio;
    empty where it is not.
    """
    if not result.short_buffer:
        return ""
    ratio, count = block.rehearsal.ratio, result.counts[mix.REHEARSAL]
    return (
        f"models.{model}.rehearsal.ratio: {ratio} asks for "
        f"{count + result.short_buffer} old rows and the buffer gives {count} "
        f"({_repeats(block)}), so their share is {result.shares[mix.REHEARSAL]:.3f}"
    )


def _ratio_fix(model: str) -> str:
    return (
        f"lower models.{model}.rehearsal.ratio, or raise "
        f"models.{model}.rebalance.oversample"
    )


def _names(found: Index, rows: Rows) -> set[str]:
    """The sources and domains of the rows."""
    sources = {found.sources[code] for code in np.unique(found.source[rows]).tolist()}
    return sources | {
        found.domains[code] for code in np.unique(found.domain[rows]).tolist()
    }


def _has_version(found: Index, rows: Rows) -> NDArray[np.bool_]:
    """Whether each row carries the mark of an older version."""
    has: NDArray[np.bool_] = np.array(
        [bool(name) for name in found.versions], dtype=np.bool_
    )[found.version[rows]]
    return has


def _well_scored(
    found: Index, rows: Rows, min_score: float, report: StageReport
) -> Rows:
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
    for reason, count in (
        ("unscored", unscored),
        ("below_min_score", int((scores < min_score).sum())),
    ):
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
) -> Mix:
    sources = {found.sources[code] for code in np.unique(found.source[rows]).tolist()}
    by = group_by or ("source" if set(weights) & sources else "domain")
    groups = mix.grouped(found, rows, by, is_old)
    result = mix.mix_by_weight(
        found, groups, weights, params, seed, ratio=ratio, include_unweighted=unweighted
    )
    _say(
        report,
        mix.describe_short(result),
        strict,
        "lower the total, lower the weight, or allow oversampling",
    )
    report.rows_in, report.rows_out = len(rows), len(result.rows)
    for reason, count in result.dropped.items():
        report.drop(reason, count)
    report.values = {
        "groups": result.counts,
        "shares": result.shares,
        "wanted": {name: round(share, 6) for name, share in result.wanted.items()},
        "repeats": result.repeats,
        "limited_by": result.limited_by,
    }
    if not len(result.rows):
        report.warn("the mix is empty")
    return result


def _say(report: StageReport, problem: str, strict: bool, fix: str) -> None:
    """Warn of a problem, where there is one; with `strict` raise it."""
    if problem and strict:
        raise UserError(problem, fix=fix)
    if problem:
        report.warn(problem)


def _write(found: Index, result: Mix, output: Path) -> int:
    """Write the drawn rows; a repeated one carries its number."""
    with jsonl.open_write(output) as writer:
        writer.write_batches(_numbered(found, result))
    return writer.count


def _numbered(found: Index, result: Mix) -> Iterator[list[bytes]]:
    """The lines of the drawn rows, some at a time."""
    start = 0
    for lines in found.batches(result.rows):
        repeats = result.repeat[start : start + len(lines)].tolist()
        start += len(lines)
        yield [
            with_metadata("repeat", repeat)(line) if repeat else line
            for line, repeat in zip(lines, repeats, strict=True)
        ]
