"""Building a buffer on disk: decided on keys, rows copied with the mark of their version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.report import StageReport
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import policies
from afs_stages.dataset.index import Index, Row, index, with_metadata
from afs_stages.dataset.leakage import near_held_out
from afs_stages.dataset.rehearsal import RehearsalBufferConfig, refuse_unscored, too_poor


def build_files(
    inputs: Sequence[Path],
    version: str,
    output: Path,
    config: RehearsalBufferConfig,
    *,
    held_out: Sequence[Path] = (),
    strict: bool = False,
) -> StageReport:
    """Write the best rows of a version's files, at most `top_ratio` of them all.

    No row that is, or nearly is, in a held-out file enters. Raises `UserError` where no row is scored.
    """
    report = StageReport("rehearsal-build", version)
    with jsonl.open_rejects(output, strict) as rejects:
        found = index(inputs, rejects)
        rows = _good_enough(found, config, report)
        if held_out:
            rows = _without_held_out(found, rows, held_out, rejects, report)
        limited = policies.within_limit(rows, config.max_per_domain)
        count = round(config.top_ratio * len(found.rows))
        chosen = _choose(found, limited, count, config)
        with jsonl.open_write(output) as writer:
            writer.write_lines(
                line if row.version or not config.track_provenance else with_metadata(line, "origin_version", version)
                for row, line in zip(chosen, found.lines(chosen), strict=True)
            )
        report.rejected = rejects.counts
    report.rows_in, report.rows_out = len(found.rows), writer.count
    _drop(report, "over_max_per_domain", len(rows) - len(limited))
    _drop(report, "not_selected", len(limited) - len(chosen))
    report.values = {"domains": _counts(row.domain for row in chosen)}
    return report


def _good_enough(found: Index, config: RehearsalBufferConfig, report: StageReport) -> list[Row]:
    for number, path in enumerate(found.files):
        rows = [row for row in found.rows if row.file == number]
        if all(row.quality_score is None for row in rows):
            refuse_unscored(len(rows), config.quality_threshold, path)
    kept = []
    for row in found.rows:
        if reason := too_poor(row.quality_score, config.quality_threshold):
            report.drop(reason)
        else:
            kept.append(row)
    return kept


def _without_held_out(
    found: Index, rows: list[Row], held_out: Sequence[Path], on_bad: jsonl.OnBad, report: StageReport
) -> list[Row]:
    leaks = near_held_out(_samples(found, rows), held_out, NearDuplicates(), on_bad)
    kept = [row for row in rows if row.sample_id not in leaks]
    _drop(report, "near_held_out", len(rows) - len(kept))
    return kept


def _choose(found: Index, rows: list[Row], count: int, config: RehearsalBufferConfig) -> list[Row]:
    if config.policy == "quality_diversity":
        diverse = policies.quality_diversity(_samples(found, rows), count, config.seed, config.diversity_weight)
        ids = {sample.sample_id for sample in diverse}
        return [row for row in rows if row.sample_id in ids]
    if config.policy == "random":
        return policies.random(rows, count, config.seed, 0.0)
    if config.enable_diversity:
        return policies.top_quality(rows, count, config.seed, 0.0)
    return sorted(rows, key=policies.best_first)[:count]


def _samples(found: Index, rows: Sequence[Row]) -> list[TrainingSample]:
    return [
        TrainingSample.from_dict({**jsonl.decode(line), "sample_id": row.sample_id})
        for row, line in zip(rows, found.lines(rows), strict=True)
    ]


def _counts(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in sorted(names):
        counts[name] = counts.get(name, 0) + 1
    return counts


def _drop(report: StageReport, reason: str, count: int) -> None:
    if count:
        report.drop(reason, count)
