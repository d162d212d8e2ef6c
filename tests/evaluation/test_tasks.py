"""Task metrics: which rows are asked, what counts as right, and that greedy batches
answer as one by one.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core import jsonl
from afs_stages.core.params.model import Evaluate
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.answer_facts import address, recalls, sought
from afs_stages.evaluation import call_checks as calls
from afs_stages.evaluation.tasks import (
    Answerable,
    Exercise,
    answerable,
    assembly_state,
    choose,
    scores,
    tasks,
)
from afs_stages.training.chat_rows import ChatRow

ROUTINE = "```asm\nLamp_Trim:\n    LDA.b #$01\n    STA.w LampOil\n    RTS\n```"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "tide",
            "parameters": {
                "type": "object",
                "properties": {
                    "port": {"type": "string"},
                    "hours": {"type": "array", "items": {"type": "integer"}},
                },
                "required": ["port"],
            },
        },
    }
]
TIDE = [
    {"type": "function", "function": {"name": "tide", "arguments": {"port": "Skerry"}}}
]


def row(
    question: str,
    answer: str,
    domain: str = "oracle_memory",
    kind: str = "",
    name: str = "",
) -> ChatRow:
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return ChatRow(messages, domain=domain, kind=kind, name=name or question)


def tool_row(name: str = "t") -> ChatRow:
    asked = [{"role": "user", "content": "When is high water at Skerry?"}]
    called = [
        {"role": "assistant", "content": "", "tool_calls": TIDE},
        {"role": "tool", "content": "04:10"},
    ]
    return ChatRow(
        [*asked, *called, {"role": "assistant", "content": "At 04:10."}],
        TOOLS,
        "toolbench_api",
        name=name,
    )


def memory_rows(count: int) -> list[ChatRow]:
    there = [
        row(f"Where is `Var{n}`?", f"`Var{n}` is at $7E0F{n:02X} (WRAM).", name=f"a{n}")
        for n in range(count)
    ]
    back = [
        row(
            f"What lives at $7E0F{n:02X}?",
            f"$7E0F{n:02X} is `Var{n}` (`Core/ram.asm`): bits.",
            kind="b",
            name=f"b{n}",
        )
        for n in range(count)
    ]
    return there + back


@pytest.mark.parametrize(
    ("question", "answer", "wanted"),
    [
        (
            "Where is `CameraY`?",
            "`CameraY` is at $32 (direct page), in `Core/ram.asm`. 16-bit, see $40.",
            "$32",
        ),
        (
            "What is at $7E0032?",
            "$7E0032 (direct page) is `CameraY` (`Core/ram.asm`): edge of `Screen`.",
            "CameraY",
        ),
        (
            "What does `!HDMA_BEAM` mean?",
            "`!HDMA_BEAM` is $80 (“effects”, `hdma.asm`). Channel 7.",
            "$80",
        ),
        (
            "Which constants are there?",
            "`a.asm` defines 2:\n- `!A` = $40\n- `!B` = $80",
            "",
        ),
        ("Where do they lie?", "`A` is at $10 and `B` at $12.", ""),
        ("What is at $20?", "Nothing is known of it.", ""),
    ],
)
def test_what_a_memory_question_asks_for(
    question: str, answer: str, wanted: str
) -> None:
    assert sought(question, answer) == wanted
    if wanted:
        assert recalls(question, (wanted,), answer)


def test_an_address_is_the_same_however_it_is_written() -> None:
    assert (
        address("7E:0032")
        == address("7E0032")
        == address("0032")
        == address("32")
        == "$32"
    )
    assert address("7E2000") == "$7E2000"
    assert recalls("", ("$570",), "It is 0x7e0570, I think.")
    assert not recalls("", ("$570",), "It is at $571; $570 is next to it.")
    assert not recalls("", ("$570",), "I do not know.")


def test_a_name_is_the_first_in_backticks_or_a_word_of_plain_text() -> None:
    assert recalls("", ("RoomId",), "That is RoomId.")
    assert recalls("", ("RoomId",), "`RoomId` (`Core/ram.asm`)")
    assert not recalls("", ("RoomId",), "That is RoomIdNext.")
    assert not recalls("", ("RoomId",), "`Other`, not `RoomId`")


def test_code_is_counted_by_the_table_and_none_is_not_assembled() -> None:
    assert assembly_state(ROUTINE) == "stubs"
    assert assembly_state("```asm\nLDA.b #$01\nRTS\n```") == "ok"
    assert assembly_state("```asm\nLDA.b #$01\nSTA.w ((\nRTS\n```") == "error"
    assert (
        assembly_state("```asm\nLDA.b #$01\nRTS")
        == assembly_state(f"{ROUTINE}\n```\nNOP\nRTS")
        == "cut"
    )
    assert assembly_state("No code today.") == "none"
    exercise = Exercise("assembles", row("Write it.", ROUTINE, "oracle_asm"), 1)
    found = scores(
        [exercise] * 4,
        [ROUTINE, "```asm\nLDA.b #$01\nRTS\n```", "```asm\nSTA #$01\nRTS\n```", "no"],
    )
    assert found == {
        "assembles": {
            "rows": 4,
            "rate": 0.5,
            "ok": 1,
            "stubs": 1,
            "error": 1,
            "cut": 0,
            "none": 1,
        }
    }


@pytest.mark.parametrize(
    ("text", "parses", "known", "valid"),
    [
        (
            (
                '<tool_call>{"name": "tide", "arguments": {"port": "Skerry", "hours": '
                "[4, 10]}}</tool_call>"
            ),
            1,
            1,
            1,
        ),
        (
            (
                'Let me look.\n<tool_call>\n{"name": "tide", "arguments": '
                '"{\\"port\\": \\"Skerry\\"}"}'
            ),
            1,
            1,
            1,
        ),
        ('{"name": "tide", "parameters": {"port": "Skerry"}}', 1, 1, 1),
        ('<tool_call>{"name": "tide", "arguments": {}}</tool_call>', 1, 1, 0),
        ('<tool_call>{"name": "tide", "arguments": {"port": 3}}</tool_call>', 1, 1, 0),
        (
            (
                '<tool_call>{"name": "tide", "arguments": {"port": "S", "hours": '
                "[true]}}</tool_call>"
            ),
            1,
            1,
            0,
        ),
        (
            (
                '<tool_call>{"name": "tide", "arguments": {"port": "S", "moon": '
                "1}}</tool_call>"
            ),
            1,
            1,
            0,
        ),
        ('<tool_call>{"name": "weather", "arguments": {}}</tool_call>', 1, 0, 0),
        ('<tool_call>{"name": "tide", "arguments": [1]}</tool_call>', 0, 0, 0),
        ("<tool_call>{'name': 'tide'}</tool_call>", 0, 0, 0),
        ("High water is at 04:10.", 0, 0, 0),
    ],
)
def test_a_tool_call_is_judged_step_by_step(
    text: str, parses: int, known: int, valid: int
) -> None:
    assert calls.judge(text, TOOLS) == parses + known + valid


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=6,
)


@settings(deadline=None, max_examples=50)
@given(st.text() | values.map(json.dumps))
def test_any_text_gets_a_verdict(text: str) -> None:
    for answer in (text, f"<tool_call>{text}</tool_call>"):
        assert calls.judge(answer, TOOLS) in range(4)


def test_rows_are_drawn_by_seed_from_every_kind_whatever_their_order() -> None:
    rows = [
        *memory_rows(20),
        row("Write it.", ROUTINE, "oracle_asm"),
        tool_row(),
        row("Why?", "So.", "oracle_docs"),
    ]
    chosen = choose(rows, 6, 1)
    shuffled = random.Random(0).sample(rows, len(rows))
    assert chosen == choose(shuffled, 6, 1)
    assert chosen != choose(rows, 6, 2)
    looked_up = [e for e in chosen if e.task == "lookup"]
    assert [e.row.kind for e in looked_up] == ["", "b"] * 3
    assert [(e.task, e.at) for e in chosen[6:]] == [("assembles", 1), ("tool_calls", 1)]
    assert choose(rows, 0, 1) == []


def test_a_task_without_rows_is_left_out_and_the_base_stands_beside() -> None:
    exercises = choose(memory_rows(2), 4, 1)
    found = scores(
        exercises, [f"It is `{e.wanted}`, at {e.wanted}." for e in exercises]
    )
    assert found == {"lookup": {"rows": 4, "exact": 1.0}}
    asked = Answerable(exercises, {}, Counter())
    said = [f"It is `{e.wanted}`, at {e.wanted}." for e in exercises]
    assert tasks(asked, said, [""] * 4) == {
        "lookup": {"rows": 4, "exact": 1.0, "base": 0.0}
    }
    assert scores([], []) == {}


def test_an_answer_may_be_as_long_as_the_longest_reference_of_its_task(
    base: Any, tokenizer: Any
) -> None:
    from afs_stages.evaluation.tasks import answer
    from afs_stages.training import attention
    from afs_stages.training.base_model import load_model

    model = load_model(base).eval()
    attention.install(model)
    long = row("Show the lamp.", ROUTINE, "oracle_asm")
    exercises = choose([*memory_rows(2), long], 6, 1)
    room = {e.task: e.reference_tokens(tokenizer) for e in exercises}
    assert room["assembles"] > 40 > room["lookup"]
    found = {}
    for most in (None, 40):
        asked = answerable(exercises, tokenizer, most)
        params = Evaluate(max_new_tokens=most)
        said = answer(model, tokenizer, asked, params.batch_tokens)
        found[most] = tasks(asked, said, said)
    assert "too_long" not in found[None]["assembles"]
    assert found[40]["assembles"] == {"rows": 0, "too_long": 1}
    assert found[40]["lookup"] == found[None]["lookup"]


def test_a_padded_batch_answers_as_one_by_one(base: Any, tokenizer: Any) -> None:
    from afs_stages.evaluation.generation import answers
    from afs_stages.training import attention
    from afs_stages.training.base_model import load_model

    model = load_model(base).eval()
    attention.install(model)
    prompts = [e.prompt(tokenizer) for e in choose([*memory_rows(3), tool_row()], 6, 1)]
    together = answers(model, tokenizer, prompts, [12] * len(prompts), 4096)
    assert together == [
        answers(model, tokenizer, [prompt], [12], 4096)[0] for prompt in prompts
    ]
    assert together == answers(model, tokenizer, prompts, [12] * len(prompts), 100)
    assert model.config._attn_implementation == attention.NAME
    assert any(together)


def test_greedy_goes_on_as_the_full_forward_pass_says(
    base: Any, tokenizer: Any
) -> None:
    import torch

    from afs_stages.evaluation.generation import greedy
    from afs_stages.training.base_model import load_model

    model = load_model(base).eval()
    prompts = [
        tokenizer(text)["input_ids"]
        for text in ("Which address opens the cellar", "The flag")
    ]
    with torch.inference_mode():
        found = greedy(model, prompts, 6, [])
        for prompt, new in zip(prompts, found, strict=True):
            logits = model(input_ids=torch.tensor([prompt + new])).logits[0]
            assert logits[len(prompt) - 1 : -1].argmax(-1).tolist() == new
        assert (
            greedy(model, prompts, 6, [found[0][2]])[0]
            == found[0][: found[0].index(found[0][2])]
        )


def test_an_adapter_that_learnt_the_answers_looks_them_up(
    job: Any, base_folder: Path, tmp_path: Path
) -> None:
    from afs_stages.evaluation.evaluate import Evaluation, run
    from afs_stages.reporting.evaluation_text import lines
    from afs_stages.training.train import train

    answers = {"Lamp": "$7E0F10", "Oil": "$7E0F2A", "Room": "$7E0FC4"}
    with jsonl.open_write(tmp_path / "rows.jsonl") as writer:
        for name, at in answers.items():
            found = row(f"Where is `{name}`?", f"`{name}` is at {at}.")
            writer.write({"messages": found.messages, "domain": found.domain})
    train(
        job(
            epochs=200,
            train_file=tmp_path / "rows.jsonl",
            r=16,
            learning_rate=5e-3,
            save_steps=1000,
        ),
        jsonl.refuse,
    )
    reports = []
    for _ in range(2):
        report = StageReport("evaluate", "")
        block = Evaluate(bootstrap=20, max_new_tokens=24)
        what = Evaluation(
            "",
            "v1",
            str(base_folder),
            tmp_path / "adapter",
            tmp_path / "rows.jsonl",
            block,
            1,
            256,
            recall=tmp_path / "rows.jsonl",
        )
        assert run(what, jsonl.refuse, report) == []
        reports.append(report.values)
    assert reports[0] == reports[1]
    assert list(reports[0]["tasks"]) == ["recall", "lookup"]
    for task in ("recall", "lookup"):
        found = reports[0]["tasks"][task]
        assert found["rows"] == 3
        assert found["exact"] > found["base"] == 0
    told = "lookup (held-out facts, never trained): rows 3, exact "
    assert any(line.startswith(told) for line in lines(reports[0]))


@pytest.mark.parametrize("mode", ["separate", "embedded", "drop"])
def test_samples_are_measured_as_convert_rendered_them_for_training(
    tmp_path: Path, mode: Any
) -> None:
    from afs_stages.core.sample import TrainingSample
    from afs_stages.dataset.convert import convert_file
    from afs_stages.dataset.formats import Style, format_named
    from afs_stages.training.chat_rows import read_chat_rows
    from afs_stages.training.style import styled

    sample = TrainingSample(
        instruction="Why?", output="So.", thinking="It follows.", domain="oracle_docs"
    )
    called = TrainingSample(
        instruction="When?",
        output="At 04:10.",
        messages=tool_row().messages,
        tools=TOOLS,
    )
    dumb = TrainingSample(
        instruction="Who?", output="", messages=[{"role": "user", "content": "Who?"}]
    )
    with jsonl.open_write(tmp_path / "test.jsonl") as writer:
        for one in (sample, called, dumb):
            writer.write(one)
    style = Style(mode, "You know the tides.", {"oracle_docs": "You know the docs."})
    report = StageReport("convert", "")
    convert_file(
        tmp_path / "test.jsonl",
        tmp_path / "messages.jsonl",
        format_named("messages"),
        style,
        report,
    )
    bad: list[jsonl.BadRow] = []
    measured = list(read_chat_rows(tmp_path / "test.jsonl", bad.append, styled(style)))
    trained = list(read_chat_rows(tmp_path / "messages.jsonl", jsonl.refuse))
    assert [(one.messages, one.tools) for one in measured] == [
        (one.messages, one.tools) for one in trained
    ]
    assert measured[0].messages[0] == {
        "role": "system",
        "content": "You know the docs.",
    }
    assert [one.reason for one in bad] == ["messages"]
