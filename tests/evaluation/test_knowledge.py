"""Recall of trained facts: what is asked, what is right, what is kept, the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl
from afs_stages.core.params.model import Evaluate, Recall
from afs_stages.evaluation import gates, intervals, knowledge
from afs_stages.evaluation.generations import write_generations
from afs_stages.evaluation.tasks import Exercise, scores
from afs_stages.reporting import evaluation_text
from afs_stages.training.chat_rows import ChatRow


def refusals(*judged: Any) -> list[str]:
    return gates.judge(*judged)[0]


def doubts(*judged: Any) -> list[str]:
    return gates.judge(*judged)[1]


GAIN = {
    "gain_over_base": {"estimate": 1.0, "low": 0.9, "high": 1.1},
    "test_rows": {"v1": 30, "v2": 30},
}


def row(question: str, answer: str, fact: str = "") -> ChatRow:
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return ChatRow(messages, domain="oracle_memory", name=question, fact=fact)


def asked(number: int) -> ChatRow:
    place = f"${0x7E0100 + number:06X}"
    question = f"Name the address of `Var{number}`."
    return row(question, f"`Var{number}` is at {place}.", f"f{number // 2}")


def quiz_of(version: str, count: int) -> knowledge.Quiz:
    rows = [asked(number) for number in range(count)]
    return knowledge.make_quiz(version, rows, count, 1)


def answer(quiz: knowledge.Quiz, model: str, right: int) -> None:
    """A model that answers the first so many questions right."""
    known = [question.reference for question in quiz.questions[:right]]
    quiz.answers[model] = known + ["No idea."] * (len(quiz.questions) - right)


def chain(count: int, then: int, now: int) -> dict[str, Any]:
    """Results of two versions: v1 knew `then` of its questions, v2 knows `now`."""
    one, two = quiz_of("v1", count), quiz_of("v2", count)
    for quiz, numbers in ((one, (0, then, now)), (two, (0, 0, count))):
        for model, right in zip(("base", "v1", "v2"), numbers, strict=True):
            answer(quiz, model, right)
    return knowledge.results([one, two], ["v1", "v2"], 200, 1)


def test_rows_without_a_fact_are_not_asked_and_the_draw_is_the_seeds() -> None:
    rows = [asked(number) for number in range(30)]
    vague = row("How are you?", "Fine.")
    one = knowledge.make_quiz("v1", [*rows, vague], 10, 1)
    assert len(one.questions) == 10
    again = knowledge.make_quiz("v1", [vague, *rows[::-1]], 10, 1)
    assert one.questions == again.questions
    assert one.questions != knowledge.make_quiz("v1", rows, 10, 2).questions
    assert knowledge.make_quiz("v1", rows, 0, 1).questions == []


def test_right_is_the_fact_however_it_is_put() -> None:
    question = knowledge.make_quiz("v1", [asked(0x20)], 1, 1).questions[0]
    assert question.is_right("That lies at 0x7e0120, I think.")
    assert question.is_right("$0120")
    assert not question.is_right("Either $7E0121 or $7E0120.")


def test_what_is_kept_is_told_of_what_was_known() -> None:
    found = chain(40, 30, 27)
    assert found["kept"]["v1"]["known"] == 30
    assert found["kept"]["v1"]["still"] == 27
    assert found["kept"]["v1"]["estimate"] == 0.9
    # The interval is of facts, of which two questions ask for one.
    facts = found["kept"]["v1"]["facts"]
    assert 15 <= facts <= 20
    assert found["kept"]["v1"]["low"] == intervals.wilson(0.9, facts)["low"]
    assert found["recall"]["v1"]["v1"]["estimate"] == 0.75
    assert found["recall"]["base"]["v2"]["estimate"] == 0
    assert found["forgetting"]["f"]["estimate"] == pytest.approx(3 / 40)
    assert found["forgetting"]["bwt"]["estimate"] == pytest.approx(-3 / 40)
    sentences = knowledge.headlines(found, ["v1", "v2"])
    assert sentences[0].startswith("v2 still knows 90% [")
    assert sentences[0].endswith("of what v1 knew (27 of 30 questions)")
    assert sentences[1].startswith("v2 recalls 100% [")


def test_nothing_known_is_nothing_to_keep() -> None:
    found = chain(10, 0, 0)
    assert found["kept"]["v1"] == {"known": 0, "facts": 0, "still": 0}
    told = knowledge.headlines(found, ["v1", "v2"])[0]
    assert told == "v1 knew none of 10 recall questions of its own"


def test_a_release_without_a_recall_set_is_left_out_of_the_matrix() -> None:
    quiz = quiz_of("v2", 8)
    for model, right in (("base", 0), ("v1", 2), ("v2", 8)):
        answer(quiz, model, right)
    found = knowledge.results([quiz], ["v1", "v2"], 50, 1)
    assert found["recall"]["v1"] == {"v2": intervals.wilson(0.25, 4)}
    assert found["kept"] == {}
    assert found["forgetting"]["f"] is None
    assert knowledge.results([], ["v1", "v2"], 50, 1) == {}


def test_wilson_is_never_of_no_width() -> None:
    assert intervals.wilson(0.0, 48) == {"estimate": 0.0, "low": 0.0, "high": 0.0741}
    # Worked by hand: 57 of 61 with z = 1.959964.
    found = intervals.wilson(57 / 61, 61)
    assert (found["low"], found["high"]) == (0.84317, 0.97421)


@pytest.mark.parametrize(
    ("count", "then", "now", "fails", "doubted"),
    [
        (80, 60, 57, False, False),
        (80, 60, 40, True, False),
        (20, 12, 9, False, True),
        (20, 12, 0, True, False),
        (20, 0, 0, False, True),
    ],
)
def test_the_gate_says_when_facts_are_too_few_to_tell(
    count: int, then: int, now: int, fails: bool, doubted: bool
) -> None:
    found = {**GAIN, "knowledge": chain(count, then, now)}
    params = Evaluate(recall=Recall(min_kept=0.8))
    failed = refusals(found, ["v1", "v2"], params)
    assert [reason.startswith("v2 still knows") for reason in failed] == [True] * fails
    assert bool(doubts(found, ["v1", "v2"], params)) == doubted
    assert refusals(found, ["v1", "v2"], Evaluate()) == []
    assert doubts(found, ["v1", "v2"], Evaluate()) == []


def test_a_report_of_an_older_tool_passes_the_gate() -> None:
    params = Evaluate(recall=Recall(min_kept=0.8))
    assert refusals(GAIN, ["v1", "v2"], params) == []
    assert "cannot be told" in doubts(GAIN, ["v1", "v2"], params)[0]


def test_told_facts_are_counted_against_the_references() -> None:
    told = row(
        "Explain `Clock` ($7E0100).",
        "`Clock` counts `Minutes` at $7E0102 and writes INIDISP.",
    )
    exercise = Exercise("facts", told, 1)
    found = scores(
        [exercise, exercise],
        ["`Clock` counts `Minutes` at $0102 and $7E0104.", "No idea."],
    )["facts"]
    # Told: Minutes, $102, $104; of six that the two references tell, two are right.
    assert found == {
        "rows": 2,
        "f1": round(4 / 9, 6),
        "precision": round(2 / 3, 6),
        "recall": round(2 / 6, 6),
    }


def test_what_was_said_is_kept_for_every_model(tmp_path: Path) -> None:
    quiz = quiz_of("v1", 2)
    answer(quiz, "base", 0)
    answer(quiz, "v1", 1)
    exercise = Exercise("facts", row("Why?", "See `Lamp`."), 1)
    said = {"base": ["So."], "v1": ["`Lamp`"]}
    path = tmp_path / "generations.jsonl"
    write_generations(path, [quiz], [exercise], said)
    rows = [one for _, one in jsonl.read_objects(path, jsonl.refuse)]
    assert [one["task"] for one in rows] == ["recall", "recall", "facts"]
    assert rows[0]["right"] == {"base": False, "v1": True}
    assert rows[0]["answers"]["base"] == "No idea."
    assert rows[2]["answers"] == {"base": "So.", "v1": "`Lamp`"}


def test_the_page_text_opens_with_what_is_known() -> None:
    loss = {
        name: {"v1": _interval(), "v2": _interval()} for name in ("base", "v1", "v2")
    }
    report = {
        **GAIN,
        "loss": loss,
        "forgetting": {"acc": None, "bwt": None, "fwt": None, "f": None},
        "knowledge": chain(40, 30, 27),
        "tasks": {},
    }
    text = evaluation_text.lines(report)
    assert text[0] == evaluation_text.headline(report)
    assert any("recall of facts of" in line for line in text)
    del report["knowledge"]
    assert evaluation_text.headline(report) == ""
    assert evaluation_text.lines(report)[0].startswith("completion loss")


def _interval() -> dict[str, float]:
    return {"estimate": 1.0, "low": 0.9, "high": 1.1}
