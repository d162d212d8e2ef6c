"""Rows under the chat templates of real models: what is trained is what the row says,
or the row is left out with a reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.chat_templates import SMOLLM2, carried, with_template
from support.gguf_models import PLAIN_CHATML

from afs_stages.core.errors import UnusableRow
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats import Style
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import IGNORE, encode_row, encode_rows, render
from afs_stages.training.lengths import RowTokens
from afs_stages.training.style import styled

TOOL = {
    "type": "function",
    "function": {
        "name": "find_label",
        "description": "where a label is",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_label", "arguments": {"name": "Keeper"}},
}
TALK = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Where is Keeper?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "$048000", "tool_call_id": "call_1"},
    {"role": "assistant", "content": "It is at $048000."},
]
WITH_TOOLS = ["qwen2_5", "llama3_1", "gemma4_v5", "glm4moe", SMOLLM2]
WITHOUT_TOOLS = ["llama3", "phi3", "gemma3"]


def learned(tokenizer: Any, row: ChatRow) -> str:
    encoded = encode_row(tokenizer, row)
    return str(tokenizer.decode([label for label in encoded.labels if label != IGNORE]))


def sample(messages: list[dict[str, Any]], **fields: Any) -> TrainingSample:
    return TrainingSample(
        instruction="q", output=messages[-1]["content"], messages=messages, **fields
    )


def text_calls(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages as a record holds them: no content beside a call, arguments as
    text.
    """
    call = {**CALL, "function": {**CALL["function"], "arguments": '{"name": "Keeper"}'}}
    asking = {"role": "assistant", "tool_calls": [call]}
    return [*messages[:2], asking, *messages[3:]]


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_call_is_learnt_and_the_tools_are_read(tokenizer: Any, name: str) -> None:
    model = with_template(tokenizer, name)
    row = styled(Style())(sample(text_calls(TALK), tools=[TOOL]))
    text = learned(model, row)
    assert "find_label" in text
    assert "Keeper" in text
    assert '\\"name\\"' not in text, "arguments are JSON once, not twice"
    assert "It is at $048000." in text
    assert "where a label is" in render(model, row)
    assert "where a label is" not in text


def two_calls() -> list[dict[str, Any]]:
    other = {"name": "find_label", "arguments": {"name": "Gate"}}
    calls = [CALL, {**CALL, "id": "call_2", "function": other}]
    asking = {"role": "assistant", "tool_calls": calls}
    results = [TALK[3], {**TALK[3], "tool_call_id": "call_2"}]
    return [TALK[1], asking, *results, TALK[4]]


ROWS = {
    "plain": [TALK[1], TALK[4]],
    "system": [TALK[0], TALK[1], TALK[4]],
    "developer": [{"role": "developer", "content": "Be short."}, TALK[1], TALK[4]],
    "turns": [TALK[0], TALK[1], TALK[4], TALK[1], TALK[4]],
    "call": text_calls(TALK)[1:],
    "system and call": text_calls(TALK),
    "two calls": two_calls(),
}


def row_of(kind: str) -> ChatRow:
    """Calls as samples bring them, text as rows of messages, in which every answer is
    learnt.
    """
    if "call" in kind:
        return styled(Style())(sample(ROWS[kind], tools=[TOOL]))
    return ChatRow(ROWS[kind])


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", [*carried(), SMOLLM2])
def test_a_row_is_trained_whole_or_left_out_with_a_reason(
    tokenizer: Any, name: str, kind: str
) -> None:
    model, row = with_template(tokenizer, name), row_of(kind)
    kept, dropped = encode_rows(model, [row], 8192)
    if not kept:
        assert sum(dropped.values()) == 1
        return
    text, whole = learned(model, row), render(model, row)
    assert "It is at $048000." in text, "the last answer; some change earlier ones"
    assert ("Be short." in whole) == (ROWS[kind][0]["content"] == "Be short.")
    if "call" in kind:
        assert "where a label is" in whole
        assert "Keeper" in text
        assert '\\"name\\"' not in text
    assert ("Gate" in text) == (kind == "two calls")


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", [*WITH_TOOLS, "qwen3", "gemma"])
def test_what_the_named_models_can_render_is_trained(
    tokenizer: Any, name: str, kind: str
) -> None:
    """Llama 3.1 refuses a second call in one turn, Gemma before 4 all calls."""
    is_refused = (name, kind) == ("llama3_1", "two calls")
    is_refused |= name == "gemma" and "call" in kind
    model = with_template(tokenizer, name)
    kept, dropped = encode_rows(model, [row_of(kind)], 8192)
    assert len(kept) == (0 if is_refused else 1)
    assert dropped == ({"chat_template": 1} if is_refused else {})
    if kept:
        text = learned(model, row_of(kind))
        assert text.count("It is at $048000.") == ROWS[kind].count(TALK[4])


def test_a_call_that_qwen3_renders_without_its_empty_thinking_is_learnt(
    tokenizer: Any,
) -> None:
    text = learned(with_template(tokenizer, "qwen3"), row_of("call"))
    assert text.startswith("<tool_call>")
    assert "<think>\n\n</think>\n\nIt is at $048000." in text
    thought = {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nThere."}
    row = ChatRow([TALK[1], thought, TALK[1], TALK[4]])
    text = learned(with_template(tokenizer, "qwen3"), row)
    assert "There." not in text, "its words were dropped, so it is no answer any more"


def test_a_template_that_shows_one_of_two_calls_trains_neither(tokenizer: Any) -> None:
    gptoss = with_template(tokenizer, "gptoss")
    assert encode_rows(gptoss, [row_of("two calls")], 8192)[1] == {
        "call_not_rendered": 1
    }


@pytest.mark.parametrize("name", WITHOUT_TOOLS)
def test_a_template_without_tools_trains_no_empty_answer(
    tokenizer: Any, name: str
) -> None:
    model = with_template(tokenizer, name)
    row = styled(Style())(sample(text_calls(TALK), tools=[TOOL]))
    without_schemas = styled(Style())(sample(text_calls(TALK)))
    plain = ChatRow([TALK[1], TALK[4]])
    kept, dropped = encode_rows(model, [row, without_schemas, plain], 4096)
    assert len(kept) == 1
    assert set(dropped) <= {"tool_not_rendered", "call_not_rendered", "chat_template"}
    assert sum(dropped.values()) == 2


def test_the_template_in_smollm2s_file_reads_a_content_that_is_not_there(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", PLAIN_CHATML)
    row = styled(Style())(sample(text_calls(TALK), tools=[TOOL]))
    with pytest.raises(UnusableRow, match="does not show the tool 'find_label'"):
        encode_row(tokenizer, row)
    with pytest.raises(UnusableRow, match="does not show the call of 'find_label'"):
        encode_row(tokenizer, ChatRow(row.messages))


def test_a_tools_name_in_the_talk_is_no_tool_shown(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", PLAIN_CHATML)
    asked = {"role": "user", "content": "Call find_label."}
    row = ChatRow([asked, {"role": "assistant", "content": "find_label it is."}])
    assert encode_row(tokenizer, row).targets
    with pytest.raises(UnusableRow, match="tool_not_rendered"):
        encode_row(tokenizer, ChatRow(row.messages, [TOOL]))
    said = {"role": "assistant", "content": "I ask find_label.", "tool_calls": [CALL]}
    with pytest.raises(UnusableRow, match="call_not_rendered"):
        encode_row(tokenizer, ChatRow([asked, said]))


def test_an_answer_without_text_and_call_is_left_out(tokenizer: Any) -> None:
    for content in ("", " \n", None):
        empty = ChatRow([TALK[1], {"role": "assistant", "content": content}])
        assert encode_rows(tokenizer, [empty], 512) == ([], {"empty_answer": 1})


def test_a_system_prompt_goes_into_the_request_where_no_role_takes_it(
    tokenizer: Any,
) -> None:
    gemma = with_template(tokenizer, "gemma")
    row = ChatRow([TALK[0], TALK[1], TALK[4]])
    text = render(gemma, row)
    assert "<start_of_turn>user\nBe short.\n\nWhere is Keeper?<end_of_turn>" in text
    assert learned(gemma, row) == "It is at $048000.<end_of_turn>"
    assert text.startswith(render(gemma, row, 2, prompt=True))
    with pytest.raises(UnusableRow, match=r"chat_template: .*must alternate"):
        encode_row(gemma, ChatRow(TALK))


def test_fit_counts_the_encoded_row_and_hears_why_one_is_left_out(
    tokenizer: Any,
) -> None:
    for name in ("gemma", "llama3_1", "qwen2_5"):
        model = with_template(tokenizer, name)
        counter = RowTokens(model, Style(system_prompt="Be short."))
        plain = TrainingSample(instruction="Where?", output="There.")
        row = styled(Style(system_prompt="Be short."))(plain)
        counted = sum(counter.counts(counter.pieces(plain)))
        assert counted == len(encode_row(model, row).ids)
    counter = RowTokens(with_template(tokenizer, "gemma"), Style())
    with pytest.raises(UnusableRow) as refused:
        counter.pieces(sample(text_calls(TALK), tools=[TOOL]))
    assert refused.value.reason == "chat_template"


def test_a_template_that_tells_the_date_makes_the_same_row_every_day(
    tokenizer: Any,
) -> None:
    text = render(with_template(tokenizer, "llama3_2"), ChatRow([TALK[1], TALK[4]]))
    assert "Today Date: 26 Jul 2024" in text
