"""Loss falls on the assistant's turns alone,
and training sees the ids that generation sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rows import write

from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.training.chat_rows import ChatRow, from_sample, read_chat_rows
from afs_stages.training.encode import IGNORE, encode_row, encode_rows, render
from afs_stages.training.style import styled

TOOL = {
    "type": "function",
    "function": {"name": "find_label", "parameters": {"type": "object"}},
}


def learned(tokenizer: Any, row: ChatRow) -> str:
    encoded = encode_row(tokenizer, row)
    return str(tokenizer.decode([label for label in encoded.labels if label != IGNORE]))


def test_a_single_answer_is_learned_with_its_end_mark(tokenizer: Any) -> None:
    row = ChatRow(
        [
            {"role": "user", "content": "Where?"},
            {"role": "assistant", "content": "At $7E0010."},
        ]
    )
    assert learned(tokenizer, row) == "At $7E0010.<|im_end|>"


def test_every_assistant_turn_is_learned_and_nothing_else(tokenizer: Any) -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "find_label", "arguments": {"name": "Keeper"}},
    }
    row = ChatRow(
        [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "Find Keeper."},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "$048000", "tool_call_id": "1"},
            {"role": "assistant", "content": "It is at $048000."},
        ],
        [TOOL],
    )
    assert learned(tokenizer, row) == (
        '<tool_call>{"name": "find_label", "arguments": {"name": "Keeper"}}</tool_call>'
        "<|im_end|>"
        "It is at $048000.<|im_end|>"
    )


FOLLOW_UP = [
    {"role": "user", "content": "Where is Keeper?"},
    {"role": "assistant", "content": "At $048000."},
    {"role": "user", "content": "And Lamp?"},
    {"role": "assistant", "content": "At $7E0010."},
]


def test_the_answer_of_an_earlier_turn_is_read_and_not_learned(tokenizer: Any) -> None:
    sample = TrainingSample(
        instruction="And Lamp?", output="At $7E0010.", messages=FOLLOW_UP
    )
    for row in (from_sample(sample), styled(Style())(sample)):
        assert learned(tokenizer, row) == "At $7E0010.<|im_end|>"
        whole = tokenizer.decode(encode_row(tokenizer, row).ids)
        assert "At $048000.<|im_end|>" in whole


@pytest.mark.parametrize("mark", [{"train": False}, {"weight": 0}])
def test_rows_of_messages_are_learned_by_their_marks(
    tokenizer: Any, mark: dict[str, Any]
) -> None:
    unmarked = ChatRow(FOLLOW_UP)
    assert learned(tokenizer, unmarked).count("<|im_end|>") == 2
    marked = ChatRow([{**row, **mark} for row in FOLLOW_UP[:2]] + FOLLOW_UP[2:])
    assert learned(tokenizer, marked) == "At $7E0010.<|im_end|>"


def test_a_row_without_an_answer_to_learn_is_bad(tmp_path: Path) -> None:
    rows = [{"messages": [{**row, "weight": 0} for row in FOLLOW_UP]}]
    bad: list[BadRow] = []
    path = write(tmp_path / "train.jsonl", rows)
    assert list(read_chat_rows(path, bad.append)) == []
    assert [one.detail for one in bad] == ["messages: no assistant turn to learn from"]


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(str.strip)


@settings(deadline=None, max_examples=50)
@given(turns=st.lists(st.tuples(texts, texts), min_size=1, max_size=3))
def test_the_pieces_are_the_whole_and_a_prompt_is_a_prefix_of_training(
    tokenizer: Any, turns: list[tuple[str, str]]
) -> None:
    messages = [
        message
        for question, answer in turns
        for message in (
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        )
    ]
    row = ChatRow(messages)
    encoded = encode_row(tokenizer, row)
    assert tokenizer.decode(encoded.ids) == render(tokenizer, row)
    assert all(
        label in (IGNORE, token)
        for token, label in zip(encoded.ids, encoded.labels, strict=True)
    )
    prompt = tokenizer(
        render(tokenizer, row, 1, prompt=True), add_special_tokens=False
    )["input_ids"]
    assert encoded.ids[: len(prompt)] == prompt
    assert encoded.targets > 0


def test_over_long_rows_and_rows_without_an_answer_are_counted_never_cut(
    tokenizer: Any,
) -> None:
    short = ChatRow(
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    )
    long = ChatRow(
        [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "lamp " * 200},
        ]
    )
    mute = ChatRow([{"role": "user", "content": "a"}])
    kept, dropped = encode_rows(tokenizer, [short, long, mute], 64)
    assert len(kept) == 1
    assert dropped == {"over_long": 1, "no_target": 1}
