"""What training programs that are not installed here ask of their files,
by their own documentation.

LLaMA-Factory, data/README.md: Alpaca's columns are texts, `history` pairs of texts; in
ShareGPT human and observation stand in odd places, gpt and function_call in even ones,
`tools` is a text; in OpenAI's format the first message may be a system prompt. axolotl,
docs/dataset-formats/conversation.qmd: `type: chat_template` reads a list of messages,
ShareGPT's by `message_property_mappings` (role: from, content: value).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style, format_named


def called(*names: str) -> dict[str, Any]:
    """An assistant's message that calls tools."""
    return {
        "role": "assistant",
        "tool_calls": [
            {
                "id": name,
                "type": "function",
                "function": {"name": name, "arguments": "{}"},
            }
            for name in names
        ],
    }


CONVERSATIONS: dict[str, list[dict[str, Any]] | None] = {
    "single": None,
    "two turns": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "q1"},
        {"role": "assistant", "content": "a1"},
        {"role": "user", "content": "q2"},
        {"role": "assistant", "content": "a2"},
    ],
    "tools": [
        {"role": "user", "content": "q"},
        called("one", "two"),
        {"role": "tool", "tool_call_id": "one", "content": "r1"},
        {"role": "tool", "tool_call_id": "two", "content": "r2"},
        called("three"),
        {"role": "tool", "tool_call_id": "three", "content": "r3"},
        {"role": "assistant", "content": "done"},
    ],
}


@pytest.fixture(params=sorted(CONVERSATIONS))
def row(request: pytest.FixtureRequest) -> TrainingSample:
    """A sample of each shape."""
    tool = {
        "type": "function",
        "function": {"name": "one", "parameters": {"type": "object"}},
    }
    return TrainingSample(
        instruction="q",
        output="done",
        thinking="why",
        messages=CONVERSATIONS[request.param],
        tools=[tool],
    )


def rendered(row: TrainingSample, name: str) -> Any:
    """The row as it is read from a file."""
    return json.loads(
        json.dumps(format_named(name).render(row, Style("embedded", "general")))
    )


def test_llama_factory_reads_alpaca(row: TrainingSample) -> None:
    found = rendered(row, "alpaca")
    assert all(
        isinstance(found[column], str)
        for column in ("instruction", "input", "output", "system")
    )
    assert all(
        len(pair) == 2 and all(isinstance(text, str) for text in pair)
        for pair in found.get("history", [])
    )


def test_llama_factory_reads_sharegpt(row: TrainingSample) -> None:
    found = rendered(row, "sharegpt")
    places = [turn["from"] for turn in found["conversations"]]
    assert set(places[::2]) <= {"human", "observation"}
    assert set(places[1::2]) <= {"gpt", "function_call"}
    assert len(places) % 2 == 0
    assert all(isinstance(found[column], str) for column in ("system", "tools"))
    calls = [
        json.loads(turn["value"])
        for turn in found["conversations"]
        if turn["from"] == "function_call"
    ]
    for call in calls:
        assert all(
            set(one) == {"name", "arguments"}
            for one in (call if isinstance(call, list) else [call])
        )


def test_axolotl_reads_sharegpt_by_its_property_mappings(row: TrainingSample) -> None:
    turns = rendered(row, "sharegpt")["conversations"]
    assert all(
        isinstance(turn["from"], str) and isinstance(turn["value"], str)
        for turn in turns
    )


def test_axolotl_and_trl_read_openai_messages(row: TrainingSample) -> None:
    """TRL's conversational format is the same list of messages,
    with `tools` beside it.
    """
    found = rendered(row, "openai")
    roles = [message["role"] for message in found["messages"]]
    assert roles[0] == "system"
    assert set(roles[1:]) <= {"user", "assistant", "tool"}
    assert roles[-1] == "assistant"
    assert all(
        isinstance(m.get("content"), str) or m.get("tool_calls")
        for m in found["messages"]
    )
    assert found["tools"][0]["function"]["name"] == "one"
