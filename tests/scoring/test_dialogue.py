"""Broken tool dialogues are told, sound ones are left alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.dialogue import broken, grounded

Rows = list[dict[str, Any]]
TOOL = {
    "type": "function",
    "function": {
        "name": "tide_table",
        "parameters": {
            "type": "object",
            "properties": {
                "harbor": {"type": "string"},
                "day": {"type": "integer"},
                "kind": {"type": "string", "enum": ["high", "low"]},
            },
            "required": ["harbor"],
        },
    },
}
ANSWER = "Low water at Ellery is at 16:08 and 03:41, the mark is `Q7`."
ARGUMENTS = {"harbor": "Ellery", "day": 12, "kind": "low"}
MESSAGES: Rows = [
    {"role": "user", "content": "When is low water?"},
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "a",
                "function": {"name": "tide_table", "arguments": json.dumps(ARGUMENTS)},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": '{"error": "", "low": "16:08"}'},
    {"role": "assistant", "content": ANSWER},
]


def dialogue(change: Callable[[Rows], object] | None = None) -> TrainingSample:
    rows = copy.deepcopy(MESSAGES)
    if change:
        change(rows)
    return TrainingSample(
        instruction="When is low water?", output=ANSWER, messages=rows, tools=[TOOL]
    )


def arguments(**changes: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        given = {**ARGUMENTS, **changes}
        given = {name: value for name, value in given.items() if value is not None}
        rows[1]["tool_calls"][0]["function"]["arguments"] = json.dumps(given)

    return change


def function(**changes: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[1]["tool_calls"][0]["function"].update(changes)


def test_a_sound_dialogue_is_left_alone() -> None:
    assert broken(dialogue()) == ""
    assert broken(TrainingSample(instruction="Why?", output="Because.")) == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (function(name="moon_table"), "a call of no listed tool"),
        (function(name=""), "a call without a name"),
        (function(arguments='{"harbor": "Ell'), "arguments that are no JSON"),
        (function(arguments='["Ellery"]'), "arguments that are no object"),
        (arguments(harbor=None), "a required argument is missing"),
        (arguments(moon=1), "an argument the tool does not have"),
        (arguments(day="soon"), "an argument of the wrong type"),
        (arguments(kind="middle"), "an argument of the wrong type"),
        (lambda rows: rows.pop(2), "a call without its result"),
        (lambda rows: rows[2].update(tool_call_id="b"), "a result without its call"),
        (lambda rows: rows[2].update(content=""), "all results failed"),
        (lambda rows: rows[2].update(content="Error: timeout"), "all results failed"),
        (
            lambda rows: rows[2].update(content="bash: tide: command not found"),
            "all results failed",
        ),
        (
            lambda rows: rows[2].update(content="nothing done\n(exit status 2)"),
            "all results failed",
        ),
        (
            lambda rows: rows.insert(0, {"role": "assistant", "content": ANSWER}),
            "an earlier answer again",
        ),
        (
            lambda rows: rows[2].update(content='{"error": "no such harbor"}'),
            "all results failed",
        ),
        (lambda rows: rows.pop(3), "no answer at the end"),
        (lambda rows: rows[3].update(content="No."), "the answer is not the output"),
    ],
)
def test_what_is_broken_is_told(change: Callable[[Rows], object], fault: str) -> None:
    assert broken(dialogue(change)) == fault


def test_an_answer_that_reports_a_failure_is_sound() -> None:
    text = "I could not look it up: the table was rejected as expired."

    def change(rows: Rows) -> None:
        rows[2]["content"] = "Error: table rejected (expired on day 3)"
        rows[3]["content"] = text

    honest = dialogue(change)
    honest.output = text
    assert broken(honest) == ""
    # The same failure under an answer that knows nothing of it.
    silent = dialogue(lambda rows: rows[2].update(content="Error: table rejected"))
    assert broken(silent) == "all results failed"


def test_a_call_written_as_an_answer_is_told() -> None:
    call = '{"name": "tide_table", "arguments": {"harbor": "Ellery"}}'
    text = f"Let me see: {call} It is at 16:08."
    bad = dialogue(lambda rows: rows[3].update(content=text))
    bad.output = text
    assert broken(bad) == "a call written as an answer"
    text = text.replace("tide_table", "moon_table")
    other = dialogue(lambda rows: rows[3].update(content=text))
    other.output = text
    assert broken(other) == ""


def test_results_under_each_others_calls_are_told() -> None:
    def two(first: str, second: str) -> Callable[[Rows], None]:
        def change(rows: Rows) -> None:
            given = json.dumps({**ARGUMENTS, "harbor": "Marrow"})
            call = {"name": "tide_table", "arguments": given}
            rows[1]["tool_calls"].append({"id": "b", "function": call})
            rows[2]["content"] = first
            rows.insert(3, {"role": "tool", "tool_call_id": "b", "content": second})

        return change

    at = ("Ellery: 16:08", "Marrow: 17:20")
    assert broken(dialogue(two(*at))) == ""
    assert broken(dialogue(two(*reversed(at)))) == "results under each other's calls"
    assert broken(dialogue(two("16:08", "17:20"))) == ""


def test_an_answer_is_grounded_in_what_its_tools_said() -> None:
    assert grounded(dialogue()) == pytest.approx(1 / 3)
    elsewhere = dialogue(lambda rows: rows[2].update(content="Fog until noon."))
    assert grounded(elsewhere) == 0
    assert grounded(TrainingSample(instruction="Why?", output=ANSWER)) is None
