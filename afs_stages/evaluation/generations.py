"""What every model said, kept beside the figures: question, reference, answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import open_write
from afs_stages.evaluation.knowledge import Question, Quiz
from afs_stages.evaluation.tasks import Exercise


def write_generations(
    path: Path,
    quizzes: Sequence[Quiz],
    exercises: Sequence[Exercise],
    said: dict[str, list[str]],
) -> None:
    """Write the answers of base and versions to recall questions and to the tasks'
    rows; `said` holds a model's answer to each exercise.

    One line a question; `of` is the version whose recall set it belongs to, and `right`
    says of each model whether it was, where one question alone tells.
    """
    with open_write(path) as writer:
        for quiz in quizzes:
            for at, question in enumerate(quiz.questions):
                row = _row("recall", question, list(question.wanted), quiz.answers, at)
                writer.write({"of": quiz.version, **row})
        for at, exercise in enumerate(exercises):
            wanted = [exercise.wanted] if exercise.wanted else []
            writer.write(_row(exercise.task, exercise, wanted, said, at))


def _row(
    task: str,
    question: Question | Exercise,
    wanted: list[str],
    answers: dict[str, list[str]],
    at: int,
) -> dict[str, Any]:
    said = {name: texts[at] for name, texts in answers.items()}
    row = {
        "task": task,
        "question": question.asked,
        "reference": question.reference,
        "answers": said,
    }
    if wanted:
        row["wanted"] = wanted
        row["right"] = {name: question.is_right(text) for name, text in said.items()}
    return row
