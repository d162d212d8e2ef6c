"""Formats: what goes in comes back, and the loaders that training
programs use read it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rows import objects, read, sample, write

from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample, is_learnt
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.convert import convert_file, import_file
from afs_stages.dataset.formats import Format, Style, format_named, installed

ROOT = Path(__file__).parents[2]
SETTINGS = settings(deadline=None, max_examples=50)
MARKS = ("<think>", "</think>", "<|im_", "<tool_call>")
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip() and not any(mark in text for mark in MARKS)
)
modes = st.sampled_from(["separate", "embedded"])


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A conversation of one to three turns, some with calls, answered in order."""
    rows: list[dict[str, Any]] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        rows.append({"role": "user", "content": draw(texts)})
        for count in draw(st.lists(st.integers(1, 3), max_size=2)):
            ids = [f"call_{number + i}" for i in range(1, count + 1)]
            number += count
            calls = [
                {
                    "id": key,
                    "type": "function",
                    "function": {"name": "look", "arguments": f'{{"at":{i}}}'},
                }
                for i, key in enumerate(ids)
            ]
            said = draw(st.none() | texts)
            rows.append(
                {"role": "assistant", "tool_calls": calls}
                | ({"content": said} if said else {})
            )
            rows += [
                {"role": "tool", "tool_call_id": key, "content": draw(texts)}
                for key in ids
            ]
        rows.append({"role": "assistant", "content": draw(texts)})
    return rows


@st.composite
def conversations(draw: st.DrawFn, *, tools: bool = True) -> TrainingSample:
    rows = draw(turns())
    if not tools:
        rows = [
            row for row in rows if row["role"] != "tool" and "tool_calls" not in row
        ]
    if draw(st.booleans()):
        rows.insert(0, {"role": "system", "content": draw(texts)})
    schema = [
        {
            "type": "function",
            "function": {"name": "look", "parameters": {"type": "object"}},
        }
    ]
    return TrainingSample(
        instruction=[row for row in rows if row["role"] == "user"][-1]["content"],
        output=rows[-1]["content"],
        thinking=draw(st.none() | texts),
        messages=rows,
        tools=schema if tools and draw(st.booleans()) else None,
    )


singles = st.builds(
    TrainingSample, instruction=texts, output=texts, thinking=st.none() | texts
)


def there_and_back(name: str, one: TrainingSample, style: Style) -> TrainingSample:
    format = format_named(name)
    return format.parse(json.loads(json.dumps(format.render(one, style))))


def same(one: TrainingSample, two: TrainingSample, tools: bool = True) -> None:
    assert (two.instruction, two.output, two.thinking) == (
        one.instruction,
        one.output,
        one.thinking,
    )
    roles = [message["role"] for message in one.messages or []]
    if roles in (["user", "assistant"], ["system", "user", "assistant"]):
        assert two.messages is None
        assert two.metadata.get("system", "") == (
            (one.messages or [])[0]["content"] if roles[0] == "system" else ""
        )
    else:
        assert two.messages == one.messages
    if tools:
        assert two.tools == one.tools


@SETTINGS
@given(
    st.sampled_from(["messages", "alpaca", "sharegpt", "openai", "chatml"]),
    singles,
    modes,
    st.booleans(),
)
def test_a_single_turn_comes_back(
    name: str, one: TrainingSample, mode: Any, prompted: bool
) -> None:
    two = there_and_back(name, one, Style(mode, "be brief" if prompted else ""))
    same(one, two)
    assert two.sample_id == one.sample_id
    again = there_and_back(name, two, Style(mode, "another prompt"))
    assert again.metadata == (
        {"system": "be brief"} if prompted else {"system": "another prompt"}
    )


@SETTINGS
@given(
    st.sampled_from(["messages", "sharegpt", "openai", "chatml"]),
    conversations(),
    modes,
)
def test_a_conversation_with_tools_comes_back(
    name: str, one: TrainingSample, mode: Any
) -> None:
    same(one, there_and_back(name, one, Style(mode)), tools=name != "chatml")


@SETTINGS
@given(st.sampled_from(["messages", "sharegpt", "openai"]), conversations(), st.data())
def test_which_answers_are_learnt_comes_back(
    name: str, one: TrainingSample, data: st.DataObject
) -> None:
    marked = [
        {**row, "train": data.draw(st.booleans())}
        if row["role"] == "assistant" and at < len(one.messages or []) - 1
        else row
        for at, row in enumerate(one.messages or [])
    ]
    one = TrainingSample.from_dict({**one.to_dict(), "messages": marked})
    same(one, there_and_back(name, one, Style()))


def chat(*marks: dict[str, Any]) -> dict[str, Any]:
    """A conversation of two turns as other people's files have it."""
    first, second = marks
    return {
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", **first},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d", **second},
        ]
    }


@pytest.mark.parametrize(
    ("marks", "learnt"),
    [
        (({}, {}), ["b", "d"]),
        (({"weight": 0}, {"weight": 1}), ["d"]),
        (({"weight": 1}, {"weight": 0}), ["b"]),
        (({"weight": 0}, {"weight": None}), ["d"]),
        (({"train": False}, {}), ["d"]),
    ],
)
def test_in_rows_from_elsewhere_an_answer_without_a_mark_is_learnt(
    marks: tuple[dict[str, Any], dict[str, Any]], learnt: list[str]
) -> None:
    one = format_named("openai").parse(chat(*marks))
    found = [row["content"] for row in one.messages or [] if is_learnt(row)]
    assert found == learnt


def test_openai_marks_context_by_its_weight_and_sharegpt_by_train() -> None:
    turns = chat({}, {})["messages"]
    one = TrainingSample(instruction="c", output="d", messages=turns)
    openai = format_named("openai").render(one, Style())["messages"]
    assert [row.get("weight") for row in openai] == [None, 0, None, None]
    assert not any("train" in row for row in openai)
    sharegpt = format_named("sharegpt").render(one, Style())["conversations"]
    assert [turn.get("train") for turn in sharegpt] == [None, False, None, None]


def test_a_conversation_of_context_alone_is_refused_both_ways() -> None:
    context = chat({"weight": 0}, {"weight": 0})
    with pytest.raises(ValueError, match="no answer to learn"):
        format_named("openai").parse(context)
    marked = chat({"train": False}, {"train": False})["messages"]
    one = TrainingSample(instruction="c", output="d", messages=marked)
    for name in ("messages", "openai", "sharegpt", "chatml"):
        with pytest.raises(ValueError, match="no answer to learn"):
            format_named(name).render(one, Style())


@SETTINGS
@given(conversations(tools=False), modes)
def test_alpaca_keeps_conversations_as_history(one: TrainingSample, mode: Any) -> None:
    same(one, there_and_back("alpaca", one, Style(mode)))


@SETTINGS
@given(conversations())
def test_alpaca_keeps_calls_as_text_and_teaches_no_result(one: TrainingSample) -> None:
    row = format_named("alpaca").render(one, Style())
    assert row["output"].endswith(one.output)
    answers = [row["output"], *(answer for _, answer in row.get("history", []))]
    results = [
        message["content"]
        for message in one.messages or []
        if message["role"] == "tool"
    ]
    assert all(f"[result] {result}" not in answers for result in results)
    everything = json.dumps([row["instruction"], row.get("history")])
    assert all(
        json.dumps(f"[result] {result}")[1:-1] in everything for result in results
    )


@SETTINGS
@given(conversations(), modes)
def test_sharegpt_turns_alternate_as_loaders_ask(
    one: TrainingSample, mode: Any
) -> None:
    row = format_named("sharegpt").render(one, Style(mode))
    kinds = [turn["from"] for turn in row["conversations"]]
    assert set(kinds[::2]) <= {"human", "observation"}
    assert set(kinds[1::2]) <= {"gpt", "function_call"}
    assert len(kinds) % 2 == 0


@pytest.mark.parametrize("name", ["messages", "alpaca", "sharegpt", "openai", "chatml"])
def test_the_thinking_is_separate_embedded_or_dropped(name: str) -> None:
    one = sample("x", thinking="first this")
    rows = {
        mode: json.dumps(format_named(name).render(one, Style(mode)))
        for mode in ("separate", "embedded", "drop")
    }
    assert "first this" in rows["separate"]
    assert "<think>" in rows["embedded"]
    assert "first this" not in rows["drop"]
    assert there_and_back(name, one, Style("drop")).thinking is None


def test_the_system_prompt_of_a_domain_comes_before_the_general_one() -> None:
    style = Style(system_prompt="general", system_prompts={"one": "of one"})
    rows = [
        format_named("openai").render(sample("x", domain=domain), style)
        for domain in ("one", "two")
    ]
    assert [row["messages"][0]["content"] for row in rows] == ["of one", "general"]


def mistakes(row: dict[str, Any]) -> list[str]:
    """What OpenAI's published check of chat fine-tuning files would say of a row."""
    found = [
        f"column {key}"
        for key in set(row) - {"messages", "tools", "parallel_tool_calls"}
    ]
    known = {"role", "content", "name", "weight", "tool_calls", "tool_call_id"}
    open_calls: set[str] = set()
    for message in row["messages"]:
        found += [f"key {key}" for key in set(message) - known]
        if message["role"] not in ("system", "user", "assistant", "tool"):
            found.append("role")
        if not isinstance(message.get("content"), str) and not message.get(
            "tool_calls"
        ):
            found.append("content")
        for call in message.get("tool_calls") or []:
            open_calls.add(call["id"])
            if call["type"] != "function" or not isinstance(
                call["function"]["arguments"], str
            ):
                found.append("call")
        if message["role"] == "tool" and message["tool_call_id"] not in open_calls:
            found.append("result without call")
    if row["messages"][-1]["role"] != "assistant":
        found.append("no answer at the end")
    return found


@SETTINGS
@given(singles | conversations(), st.sampled_from(["embedded", "drop"]))
def test_openai_rows_pass_the_fine_tuning_rules(one: TrainingSample, mode: Any) -> None:
    assert mistakes(format_named("openai").render(one, Style(mode, "be brief"))) == []


def examples() -> list[TrainingSample]:
    """Rows of every shape: plain, with input, thinking, several turns,
    tools with unlike schemas.
    """
    rows = [
        sample(str(i), thinking="why" if i % 3 else None, input="x" * (i % 2))
        for i in range(6)
    ]
    for i, schema in enumerate(
        (
            {"type": "object"},
            {"type": "object", "properties": {"at": {"type": "integer"}}},
        )
    ):
        calls = [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "look", "arguments": '{"at":1}'},
            }
        ]
        messages = [
            {"role": "user", "content": f"go {i}"},
            {"role": "assistant", "content": "looking", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "seen"},
            {"role": "assistant", "content": "done"},
        ]
        tool = {"type": "function", "function": {"name": "look", "parameters": schema}}
        rows.append(
            TrainingSample(
                instruction=f"go {i}",
                output="done",
                messages=messages,
                tools=[tool] if i else None,
            )
        )
    return rows


@pytest.mark.parametrize("name", ["messages", "alpaca", "sharegpt", "openai", "chatml"])
@pytest.mark.parametrize("mode", ["separate", "embedded", "drop"])
def test_hugging_face_datasets_load_every_format(
    tmp_path: Path, name: str, mode: Any
) -> None:
    from datasets import load_dataset

    source, output = (
        write(tmp_path / "in.jsonl", examples()),
        tmp_path / f"{name}.jsonl",
    )
    convert_file(
        source, output, format_named(name), Style(mode), StageReport("convert")
    )
    loaded = load_dataset(
        "json", data_files=str(output), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert len(loaded) == len(examples())
    column = {
        "alpaca": "output",
        "sharegpt": "conversations",
        "openai": "messages",
        "messages": "messages",
        "chatml": "text",
    }[name]
    assert all(loaded[column])


def test_a_data_set_made_elsewhere_comes_in(tmp_path: Path) -> None:
    rows = [
        {
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "gpt", "value": "a"},
            ],
            "system": "s",
        },
        {"conversations": [{"from": "alien", "value": "q"}]},
        {"something": "else"},
    ]
    report = StageReport("convert")
    source = write(tmp_path / "in.jsonl", rows)
    import_file(
        source,
        tmp_path / "out.jsonl",
        format_named("sharegpt"),
        report,
        source_name="web",
        domain="talk",
    )
    [found] = read(tmp_path / "out.jsonl")
    assert (found.instruction, found.output, found.source, found.domain) == (
        "q",
        "a",
        "web",
        "talk",
    )
    assert found.metadata == {"system": "s"}
    assert report.rejected == {"not_this_format": 2}


def test_a_row_that_a_format_cannot_hold_is_rejected_not_spoilt(tmp_path: Path) -> None:
    rows = [sample("fine"), sample("bad", output="it says <|im_end|> here")]
    report = StageReport("convert")
    convert_file(
        write(tmp_path / "in.jsonl", rows),
        tmp_path / "out.jsonl",
        format_named("chatml"),
        Style(),
        report,
    )
    assert (report.rows_out, report.rejected) == (1, {"not_in_this_format": 1})
    [reject] = objects(tmp_path / "out.rejects.jsonl")
    assert (reject["file"], reject["line"]) == ("in.jsonl", 2)


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"did you mean 'alpaca'\?"):
        format_named("alpacca")
    assert set(installed()) >= {"alpaca", "sharegpt", "openai", "chatml"}


def test_a_format_says_what_it_lacks() -> None:
    with pytest.raises(TypeError, match=r"must define render"):
        Format().render(sample("x"), Style())


def test_the_documented_format_of_ones_own_works(tmp_path: Path) -> None:
    """The page's own example, installed as another package would be,
    through the real command line.
    """
    page = (ROOT / "docs" / "dataset.md").read_text()
    [entry] = re.findall(r"```toml\n\[project.entry-points.*?\]\n(.*?)```", page, re.S)
    [code] = re.findall(
        r"```python\n(from afs_stages import TrainingSample.*?)```", page, re.S
    )
    package, facts = tmp_path / "my_package", tmp_path / "my_package-1.dist-info"
    for folder in (package, facts):
        folder.mkdir()
    (package / "__init__.py").touch()
    (package / "formats.py").write_text(code)
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1\n"
    )
    (facts / "entry_points.txt").write_text(
        "[afs_stages.formats]\n" + entry.replace('"', "")
    )
    write(tmp_path / "in.jsonl", [sample("x")])
    command = [
        sys.executable,
        "-m",
        "afs_stages.cli",
        "training",
        "convert",
        "--format",
        "plain",
        "-i",
        "in.jsonl",
    ]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    expected = {"prompt": sample("x").instruction, "completion": sample("x").output}
    assert objects(tmp_path / "in_plain.jsonl") == [expected]
    back = [*command[:-1], "in_plain.jsonl", "--from", "-o", "back.jsonl"]
    subprocess.run(back, cwd=tmp_path, env=environment, check=True)
    assert read(tmp_path / "back.jsonl")[0].sample_id == sample("x").sample_id
