"""Building a buffer on disk: decided on keys, rows copied with the mark of their version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.report import StageReport
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import policies
from afs_stages.dataset.index import Index, index, with_metadata
from afs_stages.dataset.keys import Rows
from afs_stages.dataset.leakage import near_held_out
from afs_stages.dataset.rehearsal import RehearsalBufferConfig, refuse_unscored


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
        limited = policies.within_limit(found, rows, config.max_per_domain)
        chosen = _choose(found, limited, round(config.top_ratio * len(found)), config)
        with jsonl.open_write(output) as writer:
            writer.write_batches(_marked(found, chosen, version if config.track_provenance else ""))
        report.rejected = rejects.counts
    report.rows_in, report.rows_out = len(found), writer.count
    _drop(report, "over_max_per_domain", len(rows) - len(limited))
    _drop(report, "not_selected", len(limited) - len(chosen))
    domains = Counter(found.domain[chosen].tolist())
    report.values = {"domains": dict(sorted((found.domains[code], n) for code, n in domains.items()))}
    return report


def _good_enough(found: Index, config: RehearsalBufferConfig, report: StageReport) -> Rows:
    for number, path in enumerate(found.files):
        scores = found.score[found.rows_of(number)]
        if np.isnan(scores).all():
            refuse_unscored(len(scores), config.quality_threshold, path)
    rows = found.canonical()
    if config.quality_threshold <= 0:
        return rows
    scores = found.score[rows]
    _drop(report, "unscored", int(np.isnan(scores).sum()))
    _drop(report, "below_quality_threshold", int((scores < config.quality_threshold).sum()))
    return rows[scores >= config.quality_threshold]


def _without_held_out(
    found: Index, rows: Rows, held_out: Sequence[Path], on_bad: jsonl.OnBad, report: StageReport
) -> Rows:
    samples = [TrainingSample.from_dict(jsonl.decode(line)) for line in found.lines(rows)]
    leaks = near_held_out(samples, held_out, NearDuplicates(), on_bad)
    kept = rows[[sample.sample_id not in leaks for sample in samples]]
    _drop(report, "near_held_out", len(rows) - len(kept))
    return kept


def _choose(found: Index, rows: Rows, count: int, config: RehearsalBufferConfig) -> Rows:
    if config.policy == "top_quality" and not config.enable_diversity:
        return policies.best_first(found, rows)[:count]
    policy = policies.POLICIES[config.policy]
    return policy(found, rows, count, config.seed, config.diversity_weight, found.texts)


def _marked(found: Index, rows: Rows, version: str) -> Iterator[list[bytes]]:
    """The lines, each with the version it was first trained in, unless it carries one already."""
    if not version:
        yield from found.batches(rows)
        return
    mark = with_metadata("origin_version", version)
    unmarked = np.array([not name for name in found.versions], dtype=bool)[found.version[rows]]
    to_mark = iter(unmarked.tolist())
    for batch in found.batches(rows):
        yield [mark(line) if next(to_mark) else line for line in batch]


def _drop(report: StageReport, reason: str, count: int) -> None:
    if count:
        report.drop(reason, count)
