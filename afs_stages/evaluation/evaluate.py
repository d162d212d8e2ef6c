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
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash, folder_hash
from afs_stages.core.jsonl import OnBad
from afs_stages.core.params.model import Evaluate
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.evaluation import gates, knowledge
from afs_stages.evaluation.draw import draw_matrix
from afs_stages.evaluation.general import SkillTest
from afs_stages.evaluation.generations import write_generations
from afs_stages.evaluation.losses import BASE, TestSet, make_test_set, measure, results
from afs_stages.evaluation.tasks import answer, answerable, choose, tasks
from afs_stages.training import lineage, lora
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
    params = job.params
    tokenizer = load_tokenizer(base)
    adapters, sets = _gather(job, base, tokenizer, on_bad)
    versions = list(adapters)
    quizzes = _gather_recall(job, adapters, on_bad)
    model, packed = lora.load_with_adapters(base, adapters)
    drawn = choose(sets[-1].rows, params.generate, job.seed)
    asked = answerable(drawn, tokenizer, params.max_new_tokens)
    skills = SkillTest(tokenizer, params.general.per_skill)
    said: dict[str, list[str]] = {}

    def look(name: str) -> None:
        """Measure the model as it is now."""
        measure(model, packed, sets, name, params.batch_tokens)
        skills.measure(model, name)
        knowledge.ask(model, tokenizer, quizzes, name, params)
        said[name] = answer(model, tokenizer, asked, params.batch_tokens)

    with model.disable_adapter():
        look(BASE)
    for name in versions:
        model.set_adapter(name)
        look(name)
    found = results(sets, versions, params, job.seed)
    known = knowledge.results(quizzes, versions, params.bootstrap, job.seed)
    found["knowledge"] = known
    found["general"] = skills.results(versions, params.bootstrap, job.seed)
    refused, doubted = gates.judge(found, versions, params)
    done = knowledge.task(known, versions[-1])
    done |= tasks(asked, said[versions[-1]], said[BASE])
    report.values = {
        **found,
        "tasks": done,
        "adapter": folder_hash(job.adapter),
        "tests": file_hash(job.tests),
        "refusals": [reason.splitlines()[0] for reason in refused],
    }
    for tests in sets:
        for reason, count in tests.dropped.items():
            report.drop(reason, count)
        report.rows_out += len(tests.items)
    left_out = sum(report.dropped.values()) + sum(report.rejected.values())
    report.rows_in = report.rows_out + left_out
    for doubt in doubted:
        report.warn(doubt)
    if job.model:
        _write(job.model, found, versions)
        kept = layout.generations(job.model)
        write_generations(kept, quizzes, asked.exercises, said)
        report.values["generations"] = file_hash(kept)
    return refused


def _gather(
    job: Evaluation, base: Base, tokenizer: PreTrainedTokenizerBase, on_bad: OnBad
) -> tuple[dict[str, Path], list[TestSet]]:
    """Adapters and test sets of earlier releases and of this version, oldest first; a
    release without test rows is left out.
    """

    def test_set(name: str, path: Path) -> TestSet:
        rows = read_chat_rows(path, on_bad, job.convert)
        return make_test_set(name, rows, tokenizer, job.max_length)

    lineage.check_base(
        job.adapter, base, "train it on this base, or name its own with --base"
    )
    adapters: dict[str, Path] = {}
    sets: list[TestSet] = []
    root = layout.release_adapters(job.model)
    for name in lineage.older(root, job.version) if job.model else []:
        adapter = root / name / "adapter"
        lineage.check_base(adapter, base, f"dvc repro train-releases@{job.model}")
        tests = test_set(name, root / name / "test.jsonl")
        if tests.items:
            adapters[name] = adapter
            sets.append(tests)
    own = test_set(job.version, job.tests)
    if not own.items:
        left_out = [f"{count} {reason}" for reason, count in own.dropped.items()]
        none = "the file has none (a session or a routine is never divided)"
        raise UserError(
            f"no test rows to measure on: {', '.join(left_out) or none}",
            where=str(job.tests),
            fix="add sessions or files to the model's sources until there are two "
            "groups at least, or lower split.train; for rows over the length raise "
            "train.max_length; then: dvc repro",
        )
    return {**adapters, job.version: job.adapter}, [*sets, own]


def _gather_recall(
    job: Evaluation, adapters: dict[str, Path], on_bad: OnBad
) -> list[knowledge.Quiz]:
    """The recall sets of earlier releases and of this version, oldest first; one that
    has none, as releases of older tools do, is left out.
    """
    files = {
        name: adapter.with_name(f"{layout.RECALL_SET}.jsonl")
        for name, adapter in adapters.items()
    }
    del files[job.version]
    if job.recall is not None:
        files[job.version] = job.recall
    quizzes = []
    for name, path in files.items():
        if path.is_file():
            rows = list(read_chat_rows(path, on_bad, job.convert))
            count = job.params.recall.questions
            quizzes.append(knowledge.make_quiz(name, rows, count, job.seed))
    return [quiz for quiz in quizzes if quiz.questions]


def versions_of(found: dict[str, Any]) -> list[str]:
    """The versions an evaluation's report compares, oldest first."""
    return [name for name in found["loss"] if name != BASE]


def matrix(
    found: dict[str, Any], versions: Sequence[str]
) -> tuple[list[float], list[list[float]]]:
    """(losses of the base, R as losses) in the order of versions,
    from an evaluation's report.
    """
    base, *losses = (
        [found["loss"][name][tests]["estimate"] for tests in versions]
        for name in (BASE, *versions)
    )
    return base, losses


def _write(model: str, found: dict[str, Any], versions: Sequence[str]) -> None:
    folder = Path("reports") / model
    base, losses = matrix(found, versions)
    draw_matrix(versions, base, losses, folder / "forgetting.svg")
    lines = ["version\ttest\tloss"]
    for name, row in found["loss"].items():
        lines += [f"{name}\t{tests}\t{row[tests]['estimate']}" for tests in versions]
    write_text(folder / "matrix.tsv", "\n".join(lines) + "\n")
