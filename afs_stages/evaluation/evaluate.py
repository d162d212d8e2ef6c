"""One run of `evaluate`: which adapters and test sets there are, measured,
drawn and judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core import layout
from afs_stages.core.atomic import write_text
from afs_stages.core.console import say
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash, folder_hash
from afs_stages.core.jsonl import OnBad
from afs_stages.core.params.model import Evaluate
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.evaluation import forgetting, gates
from afs_stages.evaluation.draw import draw_matrix
from afs_stages.evaluation.general import SkillTest
from afs_stages.evaluation.general_gate import skill_lines
from afs_stages.evaluation.losses import BASE, TestSet, make_test_set, measure, results
from afs_stages.evaluation.tasks import beside_base, choose, measure_tasks
from afs_stages.training import lineage as releases
from afs_stages.training import lora
from afs_stages.training.base_model import Base, load_tokenizer, resolve
from afs_stages.training.chat_rows import ChatRow, from_sample, read_chat_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Evaluation:
    """What is measured: an adapter of a version on its test rows,
    by the given parameters.

    `convert` renders test samples, earlier releases' too, as the stage `convert`
    renders training rows.
    """

    model: str
    version: str
    base: str
    adapter: Path
    tests: Path
    params: Evaluate
    seed: int
    max_length: int
    convert: Callable[[TrainingSample], ChatRow] = from_sample


def run(job: Evaluation, on_bad: OnBad, report: StageReport) -> list[str]:
    """Measure, fill the report, write figure and table; returns why the version fails
    (empty: it passes).

    Raises `UserError` where there are no test rows,
    or the adapter belongs to another base.
    """
    base = resolve(job.base)
    releases.check_base(
        job.adapter, base, "train it on this base, or name its own with --base"
    )
    tokenizer = load_tokenizer(base)
    adapters, sets = _gather(job, base, tokenizer, on_bad)
    model, packed = lora.load_with_adapters(base, adapters)
    exercises = choose(sets[-1].rows, job.params.generate, job.seed)
    skills = SkillTest(tokenizer, job.params.general.per_skill)
    with model.disable_adapter():
        measure(model, packed, sets, BASE, job.params.batch_tokens)
        skills.measure(model, BASE)
        of_base = measure_tasks(model, tokenizer, exercises, job.params)
    for name in adapters:
        model.set_adapter(name)
        measure(model, packed, sets, name, job.params.batch_tokens)
        skills.measure(model, name)
    # The adapter that is active now is the last one: this version's.
    tasks = beside_base(measure_tasks(model, tokenizer, exercises, job.params), of_base)
    versions = list(adapters)
    found = results(sets, versions, job.params, job.seed)
    found["general"] = skills.results(versions, job.params.bootstrap, job.seed)
    _fill(report, sets)
    text = summary(found, versions)
    refusals = gates.refusals(found, versions, job.params)
    report.values = {
        **found,
        "tasks": tasks,
        "lines": text.splitlines(),
        "adapter": folder_hash(job.adapter),
        "tests": file_hash(job.tests),
        "refusals": [reason.splitlines()[0] for reason in refusals],
    }
    for doubt in gates.doubts(found, versions, job.params):
        report.warn(doubt)
    say(text)
    if job.model:
        _write(job.model, found, versions, text)
    return refusals


def _gather(
    job: Evaluation, base: Base, tokenizer: PreTrainedTokenizerBase, on_bad: OnBad
) -> tuple[dict[str, Path], list[TestSet]]:
    """Adapters and test sets of earlier releases and of this version, oldest first."""
    adapters: dict[str, Path] = {}
    sets: list[TestSet] = []
    root = layout.release_adapters(job.model)
    for name in releases.older(root, job.version) if job.model else []:
        releases.check_base(
            root / name / "adapter", base, f"dvc repro train-releases@{job.model}"
        )
        rows = list(read_chat_rows(root / name / "test.jsonl", on_bad, job.convert))
        tests = make_test_set(name, rows, tokenizer, job.max_length)
        if tests.items:
            adapters[name] = root / name / "adapter"
            sets.append(tests)
    rows = list(read_chat_rows(job.tests, on_bad, job.convert))
    own = make_test_set(job.version, rows, tokenizer, job.max_length)
    if not own.items:
        raise UserError(
            f"no test rows to measure on: {_why_none(own)}",
            where=str(job.tests),
            fix="add sessions or files to the model's sources until there are two "
            "groups at least, or lower split.train; for rows over the length raise "
            "train.max_length; then: dvc repro",
        )
    return {**adapters, job.version: job.adapter}, [*sets, own]


def _why_none(tests: TestSet) -> str:
    """Why a test set is empty."""
    if not tests.dropped:
        return "the file has none (a session or a routine is never divided)"
    return ", ".join(f"{count} {reason}" for reason, count in tests.dropped.items())


def _fill(report: StageReport, sets: Sequence[TestSet]) -> None:
    for tests in sets:
        for reason, count in tests.dropped.items():
            report.drop(reason, count)
    report.rows_out = sum(len(tests.items) for tests in sets)
    report.rows_in = (
        report.rows_out + sum(report.dropped.values()) + sum(report.rejected.values())
    )


def versions_of(found: dict[str, Any]) -> list[str]:
    """The versions an evaluation's report compares, oldest first."""
    return [name for name in found["loss"] if name != BASE]


def matrix(
    found: dict[str, Any], versions: Sequence[str]
) -> tuple[list[float], list[list[float]]]:
    """(losses of the base, R as losses) in the order of versions,
    from an evaluation's report.
    """
    loss = found["loss"]
    base = [loss[BASE][tests]["estimate"] for tests in versions]
    return base, [
        [loss[name][tests]["estimate"] for tests in versions] for name in versions
    ]


def summary(found: dict[str, Any], versions: Sequence[str]) -> str:
    """The matrix, the gain over the base, the forgetting and the general skills, with
    their intervals, for the terminal.
    """
    lines = [forgetting.matrix_text(versions, *matrix(found, versions))]
    lines.append(_with_interval("gain over base", found["gain_over_base"]))
    for key, name in (
        ("f", "forgetting F"),
        ("bwt", "backward transfer"),
        ("fwt", "forward transfer"),
    ):
        if found["forgetting"][key] is not None:
            lines.append(_with_interval(name, found["forgetting"][key]))
    if found.get("general"):
        lines += skill_lines(found["general"], versions[-1])
    return "\n".join(lines)


def _with_interval(name: str, value: dict[str, float]) -> str:
    return (
        f"{name.ljust(20)}{value['estimate']:>9.3f}  (95%: {value['low']:.3f} to "
        f"{value['high']:.3f})"
    )


def _write(
    model: str, found: dict[str, Any], versions: Sequence[str], text: str
) -> None:
    folder = Path("reports") / model
    base, losses = matrix(found, versions)
    write_text(folder / "forgetting.txt", text + "\n")
    draw_matrix(versions, base, losses, folder / "forgetting.svg")
    lines = ["version\ttest\tloss"]
    for name, row in zip([BASE, *versions], [base, *losses], strict=True):
        lines += [
            f"{name}\t{tests}\t{loss}"
            for tests, loss in zip(versions, row, strict=True)
        ]
    write_text(folder / "matrix.tsv", "\n".join(lines) + "\n")
