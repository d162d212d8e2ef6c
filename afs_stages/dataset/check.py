"""The gate before training: nothing held out is trained on, in any version; recall
questions ask for trained facts in words that are not; shares, lengths and schema hold.

Read-only: it changes no row. What it finds wrong it lists, worst first,
and fails the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
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
from afs_stages.dataset.frozen import recall_questions
from afs_stages.dataset.index import Index, index
from afs_stages.dataset.leakage import Leak, find_leaks, held_out_files
from afs_stages.dataset.mix import missed_shares
from afs_stages.dataset.recall_set import Wordings, near_questions, question, shape
from afs_stages.dataset.second_look import secrets_in

Count = Callable[[TrainingSample], int]
"""Tokens of a sample as it is trained on; ValueError where it has no rendering."""
SHOWN = 5
"""Offenders printed of each kind."""
FIX_CHAT_TEMPLATE = (
    "take the row out of its source, or set base_model.id to a model whose chat "
    "template renders it"
)
NO_TEST_ROWS = (
    "all rows form one group (a session, a routine); add a second one, or lower "
    "split.train"
)
"""Why a part of a split stays empty, and what fills it."""


@dataclass
class Findings:
    """What is wrong: kind -> descriptions; and kind -> what mends it."""

    problems: dict[str, list[str]] = field(default_factory=dict)
    fixes: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, text: str, fix: str) -> None:
        """Note one problem, and what mends those of its kind."""
        self.problems.setdefault(kind, []).append(text)
        self.fixes[kind] = fix

    def of_file(self, path: Path, model: str) -> jsonl.OnBad:
        """Notes the bad rows of a file."""

        def on_bad(bad: jsonl.BadRow) -> None:
            text = f"{path}:{bad.line}: {bad.reason}: {bad.detail}"
            self.add("schema", text, _fix_schema(path, model))

        return on_bad

    def raise_if_any(self, model: str) -> None:
        """Raise `UserError` with the first offenders of each kind, and with what mends
        each kind.
        """
        if not self.problems:
            return
        lines = []
        for kind, texts in self.problems.items():
            lines.append(f"{kind}: {len(texts)}")
            lines += [f"    {text}" for text in texts[:SHOWN]]
        fixes = [f"{kind}: {self.fixes[kind]}" for kind in self.problems]
        if len(fixes) == 1:
            fixes = list(self.fixes.values())
        raise UserError(
            "the data set must not be trained on:\n  " + "\n  ".join(lines),
            where=f"check@{model}",
            fix="\n       ".join([*fixes, f"then: dvc repro check@{model}"]),
        )


def check_model(
    model: str,
    block: Model,
    near: NearDuplicates,
    count: Count,
    max_tokens: int,
    allowed_secrets: Collection[str] = (),
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
        for sample in jsonl.read_samples(path, findings.of_file(path, model)):
            _secrets(sample, f"{path}", allowed_secrets, findings)
            facts.add(part, sample, _length(sample, count, max_tokens, findings))
    if "too long" in findings.problems:
        findings.fixes["too long"] = _fix_length(model, facts.longest)
    report.rows_in = report.rows_out = sum(facts.rows.values())
    _leaks(model, near, findings, report)
    _recall(model, near, findings, report)
    _shares(model, block, findings, report)
    if not facts.rows["train"]:
        _empty(model, findings)
    if not facts.rows["test"]:
        report.warn(
            f"{model}: there is no test row, so evaluate@{model} will refuse: "
            + NO_TEST_ROWS
        )
    report.values["longest"] = facts.longest
    report.values["problems"] = {
        kind: len(texts) for kind, texts in sorted(findings.problems.items())
    }
    return report, findings, facts.to_dict()


def _secrets(
    sample: TrainingSample, file: str, allowed: Collection[str], findings: Findings
) -> None:
    for kind, found in secrets_in(sample, allowed):
        findings.add(
            "secret",
            f"{file}: row {sample.sample_id}, kind {kind}, SHA-256 {found}",
            "take it out where the row comes from; where it is no secret, add its "
            f"SHA-256 to check.allowed_secrets in params.yaml: [{found}]",
        )


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
        text = _describe(leak, trained, held_out)
        findings.add(f"leak ({leak.kind})", text, _fix_leak(leak))
    report.values["held_out_sets"] = len(files)
    report.values["leaks"] = {"exact": counts["exact"], "near": counts["near"]}


def _recall(
    model: str, near: NearDuplicates, findings: Findings, report: StageReport
) -> None:
    """Every recall question asks for a fact that is trained on, in a wording that is
    not; and none of an earlier release's recall questions is trained on.
    """
    own = layout.mixed(model, layout.RECALL_SET)
    asked = list(jsonl.read_samples(own, findings.of_file(own, model)))
    wordings = Wordings(near)
    wordings.add(_trained(model))
    facts = {sample.fact for sample in _rows(layout.mixed(model, "train"))}
    used = wordings.used(question(sample) for sample in asked)
    for sample in asked:
        if sample.fact not in facts:
            text = f"recall row {sample.sample_id}: its fact is in no training row"
            findings.add("recall (fact not trained)", text, _fix_recall(model))
        if shape(question(sample)) in used:
            text = f"recall row {sample.sample_id}: a training row asks in its words"
            findings.add("recall (wording trained)", text, _fix_recall(model))
    earlier = recall_questions(layout.RELEASES, jsonl.refuse, model)
    for place in near_questions(_trained(model), earlier, near):
        text = f"training row {place + 1} of the mix and the buffer asks what an "
        findings.add(
            "recall (of a release)",
            text + "earlier release's recall set asks",
            "`dvc repro split` leaves such rows out",
        )
    report.values["recall"] = len(asked)


def _trained(model: str) -> Iterator[TrainingSample]:
    """The rows of the mix and of the rehearsal buffer."""
    for path in (layout.mixed(model, "train"), layout.rehearsal(model)):
        if path.is_file():
            yield from _rows(path)


def _rows(path: Path) -> Iterator[TrainingSample]:
    """Readable rows; the others are findings already."""
    return jsonl.read_samples(path, lambda bad: None)


def _fix_recall(model: str) -> str:
    return (
        "`dvc repro split` writes the recall set anew; a row that stays is in a file "
        f"changed by hand: `dvc repro --force --single-item rebalance@{model}`"
    )


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
    counts, wanted = mixed["groups"], mixed["wanted"]
    for name, share in missed_shares(counts, wanted, tolerance).items():
        text = (
            f"{name} should be {wanted[name]:.3f} and is {share:.3f} "
            f"(tolerance {tolerance})"
        )
        findings.add("share", text, _fix_share(model, mixed))


def _empty(model: str, findings: Findings) -> None:
    """No training row: because only old rows are asked for and there are none, or
    because none is left of any source.
    """
    ratio = jsonl.read_json(layout.report("rebalance", model)).get("ratio", 0)
    key = f"models.{model}.rehearsal.ratio"
    if ratio == 1:
        text = f"{key}: 1 trains on older releases' rows alone, and there are none"
        findings.add("empty", text, f"set {key} below 1, or release a version first")
        return
    findings.add(
        "empty",
        "there is no training row",
        f"add files to the sources that models.{model}.weights names, or lower "
        "quality.min_score; `afs summary` shows where rows were left out",
    )


def _fix_share(model: str, mixed: dict[str, Any]) -> str:
    block = f"models.{model}.rebalance"
    largest = mixed.get("total", {}).get("largest")
    total = f"remove {block}.max_total"
    if largest:
        total = f"set {block}.max_total to {largest} or remove the line"
    return f"{total}, or raise {block}.tolerance"


def _fix_leak(leak: Leak) -> str:
    again = "`dvc repro split` divides the rows anew around what releases hold"
    if leak.kind == "exact":
        return f"{again}; a row that stays is in a file changed by hand"
    return (
        f"{again}; a row that stays: take it out of its source, or raise "
        "split.near_duplicates.threshold where the two are no copies"
    )


def _fix_schema(path: Path, model: str) -> str:
    return f"`dvc repro --force --single-item rebalance@{model}` writes {path} anew"


def _fix_length(model: str, longest: int) -> str:
    return (
        f"set fit.max_tokens to {longest} or more; a row of an older release enters "
        f"through models.{model}.rehearsal.ratio, and 0 leaves it out"
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
        findings.add(
            "chat template", f"row {sample.sample_id}: {error}", FIX_CHAT_TEMPLATE
        )
        return None
    if tokens > limit:
        text = f"row {sample.sample_id} has {tokens} tokens, at most {limit}"
        findings.add("too long", text, "raise fit.max_tokens")
    return tokens
