"""Scoring a file: survivors and rejects with their reasons, in batches, memory flat."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.progress import progress
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.cache import ScoreCache, key, made_by
from afs_stages.scoring.config import SIGNALS, ScoringConfig
from afs_stages.scoring.scorer import QualityScore, QualityScorer

BATCH_ROWS = 512
BINS = 20


@dataclass
class ScoringSummary:
    """What scoring a file did; `null` counts signal -> reason -> rows, `histogram` rows
    per 0.05 of score.
    """

    rows_in: int = 0
    kept: int = 0
    below: int = 0
    cached: int = 0
    damaged_caches: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    null: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
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
        for fault in score.faults:
            self.faults[fault] = self.faults.get(fault, 0) + 1
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
            "lowered_by": dict(sorted(self.faults.items())),
            "histogram": self.histogram,
        }

    def lines(self, output: Path, histogram: bool = False) -> list[str]:
        """What scoring did, as lines for a person."""
        lines = [self._rows_line(output)]
        means = self.means()
        for signal, value in means.items():
            skipped = self._skipped(signal)
            note = f"; not for {skipped}" if skipped else ""
            lines.append(f"  {signal:8} mean {value:.3f}{note}")
        for signal in sorted(set(self.null) - set(means)):
            reasons_alone = ", ".join(sorted(self.null[signal]))
            lines.append(f"  {signal:8} for none: {reasons_alone}")
        if histogram:
            lines += self.draw()
        return lines

    def _rows_line(self, output: Path) -> str:
        unreadable = sum(self.rejected.values())
        kept = f"{self.kept:,} of {self.rows_in:,} rows kept"
        below = f"{self.below:,} below the minimum"
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
    sample.metadata["quality_reasons"] = score.reasons
    return sample


def score_batch(
    scorer: QualityScorer, cache: ScoreCache, batch: list[TrainingSample]
) -> tuple[list[QualityScore], int]:
    """(scores in order, how many were known already)."""
    if not cache:
        return scorer.score_batch(batch), 0
    keys = [key(sample) for sample in batch]
    found = cache.get(keys)
    new = [i for i, score in enumerate(found) if score is None]
    fresh = scorer.score_batch([batch[i] for i in new]) if new else []
    for i, one in zip(new, fresh, strict=True):
        found[i] = one
    # a lost worker is an accident, not a property of the row: the next run tries again
    sound = [
        (keys[i], one)
        for i, one in zip(new, fresh, strict=True)
        if one.reasons.get("asar") != "worker_lost"
    ]
    cache.put([k for k, _ in sound], [one for _, one in sound])
    return [score for score in found if score is not None], len(batch) - len(new)


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
            jsonl.read_samples(input_path, rejects), f"scoring {input_path.name}"
        )
        for batch in jsonl.batched(rows, batch_rows):
            scores, known = score_batch(scorer, cache, batch)
            summary.cached += known
            good: list[TrainingSample] = []
            for sample, score in zip(batch, scores, strict=True):
                summary.add(score)
                annotate(sample, score)
                if score.overall >= min_score:
                    good.append(sample)
                elif below is not None:
                    below.write(rejected(sample, score, min_score))
            kept.write_many(sample.to_dict() for sample in good)
        summary.damaged_caches = cache.damaged
        summary.kept, summary.rejected = kept.count, rejects.counts
        summary.below = summary.rows_in - kept.count
    return summary


def rejected(
    sample: TrainingSample, score: QualityScore, min_score: float
) -> dict[str, Any]:
    """A row below the minimum, with what lowered it."""
    weak = list(score.faults)
    for name, value in score.components.items():
        # what lowers the length are the faults
        if name != "length" and value is not None and value < 0.5:
            weak.append(name)
    why = {
        "reason": "below_min_score",
        "score": score.overall,
        "min_score": min_score,
        "because": weak,
        "errors": list(score.asar_errors),
    }
    return {**sample.to_dict(), "_rejected": why}
