"""The gate before training: nothing held out is trained on, in any version; shares,
lengths and schema hold.

Read-only: it changes no row. What it finds wrong it lists, worst first,
and fails the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.params.model import Model
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.datafacts import DataFacts
from afs_stages.dataset.index import Index, index
from afs_stages.dataset.leakage import Leak, find_leaks, held_out_files

Count = Callable[[TrainingSample], int]
"""Tokens of a sample as it is trained on; ValueError where it has no rendering."""
SHOWN = 5
"""Offenders printed of each kind."""


@dataclass
class Findings:
    """What is wrong: kind -> descriptions."""

    problems: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> None:
        """Note one problem."""
        self.problems.setdefault(kind, []).append(text)

    def of_file(self, path: Path) -> jsonl.OnBad:
        """Notes the bad rows of a file."""

        def on_bad(bad: jsonl.BadRow) -> None:
            self.add("schema", f"{path}:{bad.line}: {bad.reason}: {bad.detail}")

        return on_bad

    def raise_if_any(self, model: str) -> None:
        """Raise `UserError` with the first offenders of each kind."""
        if not self.problems:
            return
        lines = []
        for kind, texts in self.problems.items():
            lines.append(f"{kind}: {len(texts)}")
            lines += [f"    {text}" for text in texts[:SHOWN]]
        raise UserError(
            "the data set must not be trained on:\n  " + "\n  ".join(lines),
            where=f"check@{model}",
        )


def check_model(
    model: str, block: Model, near: NearDuplicates, count: Count, max_tokens: int
) -> tuple[StageReport, Findings, dict[str, Any]]:
    """Check a model's mix; returns the report, what is wrong,
    and the facts for the data card.

    Rows are read one by one; kept of each are its length,
    its score and what leaks are found by.
    """
    report, findings = StageReport("check", model), Findings()
    facts = DataFacts()
    for part in layout.PARTS:
        path = layout.mixed(model, part)
        for sample in jsonl.read_samples(path, findings.of_file(path)):
            facts.add(part, sample, _length(sample, count, max_tokens, findings))
    report.rows_in = report.rows_out = sum(facts.rows.values())
    _leaks(model, near, findings, report)
    _shares(model, block, findings, report)
    if not facts.rows["train"]:
        findings.add("empty", "there is no training row")
    report.values["longest"] = facts.longest
    report.values["problems"] = {
        kind: len(texts) for kind, texts in sorted(findings.problems.items())
    }
    return report, findings, facts.to_dict()


def _leaks(
    model: str, near: NearDuplicates, findings: Findings, report: StageReport
) -> None:
    files = [layout.mixed(model, part) for part in ("val", "test")] + held_out_files(
        layout.RELEASES
    )
    held_out = index(files, jsonl.refuse)
    buffer = layout.rehearsal(model)
    mixed = [layout.mixed(model, "train"), *([buffer] if buffer.is_file() else [])]
    # Bad rows are findings already, or stand in the buffer's rejects.
    trained = index(mixed, lambda bad: None)
    _, first = np.unique(trained.key, return_index=True)
    counts: Counter[str] = Counter()
    for leak in find_leaks(trained, np.sort(first).astype(np.int32), held_out, near):
        counts[leak.kind] += 1
        findings.add(f"leak ({leak.kind})", _describe(leak, trained, held_out))
    report.values["held_out_sets"] = len(files)
    report.values["leaks"] = {"exact": counts["exact"], "near": counts["near"]}


def _describe(leak: Leak, trained: Index, held_out: Index) -> str:
    verb = "is" if leak.kind == "exact" else "is nearly"
    file = held_out.files[held_out.file_of(np.array([leak.held_out]))[0]].as_posix()
    return (
        f"train row {trained.id_of(leak.trained)} {verb} held-out row "
        f"{held_out.id_of(leak.held_out)} of {file}"
    )


def _shares(model: str, block: Model, findings: Findings, report: StageReport) -> None:
    mixed = jsonl.read_json(layout.report("rebalance", model))
    report.values["shares"] = mixed["shares"]
    tolerance = block.rebalance.tolerance
    rounding = 1 / max(mixed["rows_out"], 1)
    for name, wanted in mixed["wanted"].items():
        share = mixed["shares"].get(name, 0.0)
        if abs(share - wanted) > max(tolerance, rounding):
            findings.add(
                "share",
                f"{name} should be {wanted:.3f} and is {share:.3f} (tolerance "
                f"{tolerance})",
            )


def _length(
    sample: TrainingSample, count: Count, limit: int, findings: Findings
) -> int | None:
    """Tokens of a row; rendering it also proves that the chat template takes it, None
    where it does not.
    """
    try:
        tokens = count(sample)
    except ValueError as error:
        findings.add("chat template", f"row {sample.sample_id}: {error}")
        return None
    if tokens > limit:
        findings.add(
            "too long", f"row {sample.sample_id} has {tokens} tokens, at most {limit}"
        )
    return tokens
