"""What every model said, kept beside the figures: question, reference, answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import open_write
from afs_stages.evaluation.knowledge import Quiz
from afs_stages.evaluation.tasks import Exercise


@dataclass(frozen=True)
class Generations:
    """The answers of base and versions to recall questions and to the tasks' rows."""

    quizzes: Sequence[Quiz]
    exercises: Sequence[Exercise]
    said: dict[str, list[str]]
    """Model -> its answer to each exercise."""

    def write(self, path: Path) -> None:
        """One line a question; `of` is the version whose recall set it belongs to, and
        `right` says of each model whether it was, where one question alone tells.
        """
        with open_write(path) as writer:
            writer.write_many(self._recalled())
            writer.write_many(self._exercised())

    def _recalled(self) -> Iterator[dict[str, Any]]:
        for quiz in self.quizzes:
            right = {name: quiz.right(name) for name in quiz.answers}
            for at, question in enumerate(quiz.questions):
                row = _row("recall", question.asked, question.reference)
                row["of"] = quiz.version
                row["wanted"] = list(question.wanted)
                row["answers"] = _each(quiz.answers, at)
                row["right"] = {name: hits[at] for name, hits in right.items()}
                yield row

    def _exercised(self) -> Iterator[dict[str, Any]]:
        for at, exercise in enumerate(self.exercises):
            said = _each(self.said, at)
            row = _row(exercise.task, exercise.asked, exercise.reference)
            row["answers"] = said
            if exercise.wanted:
                row["wanted"] = [exercise.wanted]
                row["right"] = {
                    name: exercise.is_right(text) for name, text in said.items()
                }
            yield row


def _row(task: str, question: str, reference: str) -> dict[str, Any]:
    return {"task": task, "question": question, "reference": reference}


def _each(answers: dict[str, list[str]], at: int) -> dict[str, str]:
    """Model -> its answer to one question."""
    return {name: texts[at] for name, texts in answers.items()}
