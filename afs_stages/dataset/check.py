"""The gate before training: nothing held out is trained on, in any version; shares, lengths and schema hold.

Read-only: it changes no row. What it finds wrong it lists, worst first, and fails the run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.params.model import Model
from afs_stages.core.report import StageReport
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.fit import Count
from afs_stages.dataset.frozen import versions
from afs_stages.dataset.leakage import Leak, find_leaks

SHOWN = 5
"""Offenders printed of each kind."""


@dataclass
class Findings:
    """What is wrong: kind -> descriptions."""

    problems: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> None:
        """Note one problem."""
        self.problems.setdefault(kind, []).append(text)

    def raise_if_any(self, model: str) -> None:
        """Raise `UserError` with the first offenders of each kind."""
        if not self.problems:
            return
        lines = []
        for kind, texts in self.problems.items():
            lines.append(f"{kind}: {len(texts)}")
            lines += [f"    {text}" for text in texts[:SHOWN]]
        raise UserError("the data set must not be trained on:\n  " + "\n  ".join(lines), where=f"check@{model}")


def check_model(
    model: str, block: Model, near: NearDuplicates, count: Count, max_tokens: int
) -> tuple[StageReport, Findings, dict[str, Any]]:
    """Check a model's mix; returns the report, what is wrong, and the facts for the data card."""
    report, findings = StageReport("check", model), Findings()
    parts = {part: _read(layout.mixed(model, part), findings) for part in layout.PARTS}
    trained = parts["train"]
    report.rows_in = report.rows_out = sum(len(rows) for rows in parts.values())
    _leaks(model, block.version, trained, near, findings, report)
    _shares(model, block, findings, report)
    lengths = {part: _lengths(rows, count, max_tokens, findings) for part, rows in parts.items()}
    if not trained:
        findings.add("empty", "there is no training row")
    report.values["longest"] = max((max(tokens, default=0) for tokens in lengths.values()), default=0)
    report.values["problems"] = {kind: len(texts) for kind, texts in sorted(findings.problems.items())}
    return report, findings, facts(parts, lengths)


def _read(path: Path, findings: Findings) -> list[TrainingSample]:
    def on_bad(bad: jsonl.BadRow) -> None:
        findings.add("schema", f"{path}:{bad.line}: {bad.reason}: {bad.detail}")

    return list(jsonl.read_samples(path, on_bad))


def _leaks(
    model: str,
    version: str,
    trained: list[TrainingSample],
    near: NearDuplicates,
    findings: Findings,
    report: StageReport,
) -> None:
    held_out = [layout.mixed(model, part) for part in ("val", "test")]
    for folder in versions(layout.RELEASES):
        held_out += [path for part in ("val", "test") if (path := folder / f"{part}.jsonl").is_file()]
    buffer = jsonl.read_samples(layout.rehearsal(model), jsonl.refuse) if layout.rehearsal(model).is_file() else ()
    unique = list({sample.sample_id: sample for sample in (*trained, *buffer)}.values())
    counts: Counter[str] = Counter()
    for leak in find_leaks(unique, held_out, near, jsonl.refuse):
        counts[leak.kind] += 1
        findings.add(f"leak ({leak.kind})", _describe(leak))
    report.values["held_out_sets"] = len(held_out)
    report.values["leaks"] = {"exact": counts["exact"], "near": counts["near"]}


def _describe(leak: Leak) -> str:
    verb = "is" if leak.kind == "exact" else "is nearly"
    return f"train row {leak.trained} {verb} held-out row {leak.held_out} of {leak.file}"


def _shares(model: str, block: Model, findings: Findings, report: StageReport) -> None:
    mixed = jsonl.read_json(layout.report("rebalance", model))
    report.values["shares"] = mixed["shares"]
    tolerance = block.rebalance.tolerance
    rounding = 1 / max(mixed["rows_out"], 1)
    for name, wanted in mixed["wanted"].items():
        share = mixed["shares"].get(name, 0.0)
        if abs(share - wanted) > max(tolerance, rounding):
            findings.add("share", f"{name} should be {wanted:.3f} and is {share:.3f} (tolerance {tolerance})")


def _lengths(rows: list[TrainingSample], count: Count, limit: int, findings: Findings) -> list[int]:
    """Tokens of every row; rendering each also proves that the chat template takes it."""
    tokens = []
    for sample in rows:
        try:
            tokens.append(count(sample))
        except (ValueError, TypeError, KeyError) as error:
            findings.add("chat template", f"row {sample.sample_id}: {error}")
            continue
        if tokens[-1] > limit:
            findings.add("too long", f"row {sample.sample_id} has {tokens[-1]} tokens, at most {limit}")
    return tokens


def facts(parts: dict[str, list[TrainingSample]], lengths: dict[str, list[int]]) -> dict[str, Any]:
    """The numbers of the data card."""
    rows = [sample for samples in parts.values() for sample in samples]
    trained = parts["train"]
    redactions: Counter[str] = Counter()
    for sample in rows:
        found = sample.metadata.get("redactions")
        redactions.update(found if isinstance(found, dict) else {})
    return {
        "rows": {part: len(samples) for part, samples in parts.items()},
        "sources": _counts(trained, lambda sample: sample.source),
        "domains": _counts(trained, lambda sample: sample.domain),
        "kinds": _counts(trained, lambda sample: str(sample.provenance.get("kind", "unknown"))),
        "versions": _counts(trained, lambda sample: str(sample.metadata.get("origin_version") or "this version")),
        "repeated": sum(1 for sample in trained if sample.metadata.get("repeat")),
        "conversations": sum(1 for sample in rows if sample.messages is not None),
        "with_tools": sum(1 for sample in rows if sample.tools),
        "with_thinking": sum(1 for sample in rows if sample.thinking),
        "redactions": dict(sorted(redactions.items())),
        "quality": _spread([s.quality_score for s in trained if s.quality_score is not None]),
        "tokens": {part: _spread(tokens) | {"total": sum(tokens)} for part, tokens in lengths.items()},
    }


def _counts(rows: list[TrainingSample], key: Any) -> dict[str, int]:
    return dict(sorted(Counter(key(sample) for sample in rows).items()))


def _spread(values: list[Any]) -> dict[str, float]:
    """Minimum, quartiles and maximum; empty for no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    names = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
    return {name: round(float(ordered[round(place * (len(ordered) - 1))]), 4) for name, place in names.items()}
