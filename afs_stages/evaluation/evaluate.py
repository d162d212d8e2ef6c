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
from afs_stages.evaluation import forgetting, gates, knowledge
from afs_stages.evaluation.draw import draw_matrix
from afs_stages.evaluation.general import SkillTest
from afs_stages.evaluation.general_gate import skill_lines
from afs_stages.evaluation.generations import Generations
from afs_stages.evaluation.losses import BASE, TestSet, make_test_set, measure, results
from afs_stages.evaluation.tasks import (
    answer,
    answerable,
    beside_base,
    choose,
    scores,
)
from afs_stages.training import lineage as releases
from afs_stages.training import lora
from afs_stages.training.base_model import Base, load_tokenizer, resolve
from afs_stages.training.chat_rows import ChatRow, from_sample, read_chat_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Evaluation:
    """What is measured: an adapter of a version on its test rows and its recall set,
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
    recall: Path | None = None


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
    quizzes = _gather_recall(job, list(adapters), on_bad)
    model, packed = lora.load_with_adapters(base, adapters)
    drawn = choose(sets[-1].rows, job.params.generate, job.seed)
    asked = answerable(drawn, tokenizer, job.params.max_new_tokens)
    exercises = asked.exercises
    skills = SkillTest(tokenizer, job.params.general.per_skill)
    said: dict[str, list[str]] = {}

    def look(name: str) -> None:
        """Measure the model as it is now."""
        measure(model, packed, sets, name, job.params.batch_tokens)
        skills.measure(model, name)
        knowledge.ask(model, tokenizer, quizzes, name, job.params)
        said[name] = answer(model, tokenizer, exercises, job.params, asked.longest)

    with model.disable_adapter():
        look(BASE)
    for name in adapters:
        model.set_adapter(name)
        look(name)
    versions = list(adapters)
    found = results(sets, versions, job.params, job.seed)
    known = knowledge.results(quizzes, versions, job.params.bootstrap, job.seed)
    found["knowledge"] = known
    found["general"] = skills.results(versions, job.params.bootstrap, job.seed)
    own, of_base = (scores(exercises, said[name]) for name in (versions[-1], BASE))
    tasks = {**knowledge.task(known, versions[-1]), **beside_base(own, of_base)}
    asked.note_left_out(tasks)
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
        kept = layout.generations(job.model)
        Generations(quizzes, exercises, said).write(kept)
        report.values["generations"] = file_hash(kept)
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


def _gather_recall(
    job: Evaluation, versions: Sequence[str], on_bad: OnBad
) -> list[knowledge.Quiz]:
    """The recall sets of earlier releases and of this version, oldest first; one that
    has none, as releases of older tools do, is left out.
    """
    root = layout.release_adapters(job.model)
    files = [
        (name, root / name / f"{layout.RECALL_SET}.jsonl") for name in versions[:-1]
    ]
    if job.recall is not None:
        files.append((job.version, job.recall))
    quizzes = []
    for name, path in files:
        rows = read_chat_rows(path, on_bad, job.convert) if path.is_file() else ()
        asked = job.params.recall.questions
        quiz = knowledge.make_quiz(name, list(rows), asked, job.seed)
        quizzes += [quiz] if quiz.questions else []
    return quizzes


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
    """What is known and kept, the matrices, the gain over the base, the forgetting and
    the general skills, with their intervals, for the terminal.
    """
    known = found.get("knowledge") or {}
    lines = knowledge.headlines(known, versions)
    if known:
        lines.append(knowledge.matrix_text(known))
    lines.append(forgetting.matrix_text(versions, *matrix(found, versions)))
    lines.append(_with_interval("gain over base", found["gain_over_base"]))
    for key, name in (
        ("f", "forgetting F"),
        ("bwt", "backward transfer"),
        ("fwt", "forward transfer"),
    ):
        if found["forgetting"][key] is not None:
            lines.append(_with_interval(name, found["forgetting"][key]))
        of_facts = known.get("forgetting", {}).get(key)
        if of_facts is not None:
            lines.append(_with_interval(f"{name} (recall)", of_facts))
    if found.get("general"):
        lines += skill_lines(found["general"], versions[-1])
    return "\n".join(lines)


def _with_interval(name: str, value: dict[str, float]) -> str:
    return (
        f"{name.ljust(27)}{value['estimate']:>9.3f}  (95%: {value['low']:.3f} to "
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
