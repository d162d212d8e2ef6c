"""Scoring a file: survivors and rejects with their reasons, in batches, memory flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.progress import progress
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.cache import ScoreCache, key, made_by
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.evidence import SIGNALS
from afs_stages.scoring.peers import Peers, PeerSample
from afs_stages.scoring.scorer import QualityScore, QualityScorer, RowReading
from afs_stages.scoring.scoring_pool import Batch, process_count, score_batches

BATCH_ROWS = 256
FEW_ROWS = 256
"""Rows for which it does not pay to start another process."""
BINS = 20


@dataclass
class ScoringSummary:
    """What scoring a file did: `dropped` by reason, `null` by signal and reason,
    `vetoes` by kind, `histogram` rows per 0.05 of score.
    """

    rows_in: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    cached: int = 0
    damaged_caches: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    null: dict[str, dict[str, int]] = field(default_factory=dict)
    vetoes: dict[str, int] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, score: QualityScore) -> None:
        """Count one scored row."""
        self.rows_in += 1
        self.histogram[min(int(score.overall * BINS), BINS - 1)] += 1
        for signal, reason in score.reasons.items():
            reasons = self.null.setdefault(signal, {})
            reasons[reason] = reasons.get(reason, 0) + 1
        for veto in score.vetoes:
            self.vetoes[veto] = self.vetoes.get(veto, 0) + 1
        self._mean("overall", score.overall)
        for name, value in score.components.items():
            if value is not None:
                self._mean(name, value)

    def _mean(self, name: str, value: float) -> None:
        self.totals[name] = self.totals.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Mean of the score and of each signal over the rows it applied to."""
        names = [name for name in ("overall", *SIGNALS) if name in self.counts]
        return {name: round(self.totals[name] / self.counts[name], 4) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """The measures of a stage report."""
        null = {
            signal: dict(sorted(self.null[signal].items()))
            for signal in SIGNALS
            if signal in self.null
        }
        return {
            "mean": self.means(),
            "not_applicable": null,
            "vetoed": dict(sorted(self.vetoes.items())),
            "histogram": self.histogram,
        }

    def lines(self, output: Path, histogram: bool = False) -> list[str]:
        """What scoring did, as lines for a person."""
        lines = [self._rows_line(output)]
        means = self.means()
        for signal, value in means.items():
            skipped = self._skipped(signal)
            note = f"; not for {skipped}" if skipped else ""
            lines.append(f"  {signal:13} mean {value:.3f}{note}")
        for signal in sorted(set(self.null) - set(means)):
            reasons_alone = ", ".join(sorted(self.null[signal]))
            lines.append(f"  {signal:13} for none: {reasons_alone}")
        if histogram:
            lines += self.draw()
        return lines

    def _rows_line(self, output: Path) -> str:
        unreadable = sum(self.rejected.values())
        kept = f"{self.kept:,} of {self.rows_in:,} rows kept"
        vetoed = sum(self.dropped.values()) - self.dropped.get("below_min_score", 0)
        below = f"{self.dropped.get('below_min_score', 0):,} below the minimum"
        below += f", {vetoed:,} with a certain fault" if vetoed else ""
        rest = f"{unreadable:,} unreadable, {self.cached:,} known before"
        return f"{output}: {kept}, {below}, {rest}"

    def _skipped(self, signal: str) -> str:
        """Of how many rows a signal says nothing, and why."""
        reasons = sorted(self.null.get(signal, {}).items())
        return ", ".join(f"{count:,} ({reason})" for reason, count in reasons)

    def draw(self) -> list[str]:
        """The histogram as lines of text."""
        most = max(self.histogram) or 1
        lines = []
        for i, rows in enumerate(self.histogram):
            bar = "#" * round(40 * rows / most)
            lines.append(f"{i / BINS:.2f} {bar:40} {rows:,}")
        return lines


def annotate(sample: TrainingSample, score: QualityScore) -> TrainingSample:
    """The sample with its score; `_metadata` says what it is made of and why
    signals are null.
    """
    sample.quality_score = score.overall
    sample.metadata["quality_components"] = score.components
    sample.metadata["quality_evidence"] = score.evidence
    sample.metadata["quality_reasons"] = score.reasons
    sample.metadata["quality_judges"] = score.judges
    if score.vetoes:
        sample.metadata["quality_vetoes"] = list(score.vetoes)
    return sample


def gather_peers(path: Path) -> tuple[Peers | None, int]:
    """(the set that a file is, how many rows it has); unreadable rows are none."""
    gathered = PeerSample()
    rows = 0
    for sample in jsonl.read_samples(path, lambda bad: None):
        gathered.add(sample)
        rows += 1
    return gathered.peers(), rows


def _looked_up(
    cache: ScoreCache, rows: Iterable[TrainingSample], size: int
) -> Iterator[Batch]:
    """Batches of rows with what the cache knows of each."""
    for batch in jsonl.batched(rows, size):
        keys = [key(sample) for sample in batch] if cache else []
        yield batch, cache.get(keys) if cache else [None] * len(batch)


def _keep(cache: ScoreCache, batch: Batch, readings: Sequence[RowReading]) -> None:
    """Keep new readings. A lost worker is an accident, no property of the row, and so
    is what was not tried after it: the next run tries again.
    """
    samples, known = batch
    new = [
        (key(sample), reading)
        for sample, before, reading in zip(samples, known, readings, strict=True)
        if before is None and not reading.accident
    ]
    cache.put([one for one, _ in new], [reading for _, reading in new])


def score_jsonl(
    input_path: Path,
    output_path: Path,
    config: ScoringConfig | None = None,
    min_score: float = 0.0,
    *,
    rejected_path: Path | None = None,
    cache_path: Path | None = None,
    batch_rows: int = BATCH_ROWS,
    strict: bool = False,
    scorer: QualityScorer | None = None,
) -> ScoringSummary:
    """Score every row of a file.

    Rows with a score of at least `min_score` go to `output_path`, the others with their
    reason to `rejected_path` (where given), rows that cannot be read to
    `<output>.rejects.jsonl`. Raises `UserError` for a missing file, a score outside [0,
    1], or an output that is the input.
    """
    if not 0 <= min_score <= 1:
        raise UserError(f"min_score must be in [0, 1], got {min_score}")
    if output_path.resolve() == input_path.resolve():
        raise UserError(
            "the output is the input",
            where=str(input_path),
            fix="give another --output",
        )
    summary = ScoringSummary()
    scorer = scorer or QualityScorer(config)
    scorer.peers, rows_in = gather_peers(input_path)
    processes = min(
        process_count(scorer.config.workers), ceil(rows_in / max(batch_rows, FEW_ROWS))
    )
    cache = ScoreCache(cache_path, made_by(scorer.fingerprint) if cache_path else "")
    with ExitStack() as stack:
        stack.callback(scorer.close)
        stack.callback(cache.close)
        rejects = stack.enter_context(jsonl.open_rejects(output_path, strict))
        kept = stack.enter_context(jsonl.open_write(output_path))
        below = (
            stack.enter_context(jsonl.open_write(rejected_path))
            if rejected_path
            else None
        )
        rows = progress(
            jsonl.read_samples(input_path, rejects),
            f"scoring {input_path.name}",
            rows_in,
        )
        batches = _looked_up(cache, rows, batch_rows)
        for batch, (scores, readings) in score_batches(
            scorer, batches, max(1, processes)
        ):
            if cache:
                _keep(cache, batch, readings)
            samples, known = batch
            summary.cached += sum(one is not None for one in known)
            good: list[TrainingSample] = []
            for sample, score in zip(samples, scores, strict=True):
                summary.add(score)
                annotate(sample, score)
                if score.overall >= min_score:
                    good.append(sample)
                    continue
                reason = set_aside(score)
                summary.dropped[reason] = summary.dropped.get(reason, 0) + 1
                if below is not None:
                    below.write(rejected(sample, score, min_score))
            kept.write_many(sample.to_dict() for sample in good)
        summary.damaged_caches = cache.damaged
        summary.kept, summary.rejected = kept.count, rejects.counts
    return summary


def set_aside(score: QualityScore) -> str:
    """Why a row below the minimum is set aside: its first veto, or its score."""
    return score.vetoes[0] if score.vetoes else "below_min_score"


def rejected(
    sample: TrainingSample, score: QualityScore, min_score: float
) -> dict[str, Any]:
    """A row below the minimum, with what lowered it."""
    against = [
        name
        for name, value in sorted(score.evidence.items())
        if value is not None and value < 0
    ]
    why = {
        "reason": set_aside(score),
        "score": score.overall,
        "min_score": min_score,
        "because": [*score.vetoes, *against],
        "errors": list(score.asar_errors),
    }
    return {**sample.to_dict(), "_rejected": why}
