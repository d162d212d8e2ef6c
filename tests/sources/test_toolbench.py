"""ToolBench: every edition, one sample a query."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from support.source_files import ANSWER, export, instructions, write_lines

SYSTEM = (
    "You are AutoGPT.\nSpecifically, you have access to the following APIs: "
    "[{'name': 'tide_for_port', 'description': 'tides', 'parameters': {}}, {'name': "
    "'Finish', 'parameters': {}}]"
)
FINAL = {
    "return_type": "give_answer",
    "final_answer": 'He said "low", and 20 C.\nBring boots.',
}


def conversation(
    query: str, calls: int, end: dict[str, Any] | None = FINAL
) -> list[dict[str, str]]:
    turns = [
        {"from": "system", "value": SYSTEM},
        {"from": "user", "value": f"\n{query}\nBegin!\n"},
    ]
    for n in range(calls):
        arguments = {"q": {"port": f"P{n}", "deep": [1, {"a": 2}]}}
        action = (
            f"\nThought: try {n}\nAction: tide_for_port\n"
            f"Action Input: {json.dumps(arguments)}"
        )
        turns += [
            {"from": "assistant", "value": action},
            {"from": "function", "value": f'{{"low": {n}}}'},
        ]
    if end:
        turns.append(
            {
                "from": "assistant",
                "value": "\nThought: done\nAction: Finish\nAction Input: "
                f"{json.dumps(end)}",
            }
        )
    return turns


def released(home: Path, rows: list[dict[str, Any]], part: str = "train") -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / f"toolllama_G123_dfs_{part}.json").write_text(json.dumps(rows))


def prefixes(query: str, calls: int) -> list[dict[str, Any]]:
    whole = conversation(query, calls)
    steps = [
        whole[:n]
        for n in range(3, len(whole) + 1)
        if whole[n - 1]["from"] == "assistant"
    ]
    return [
        {"id": f"Step {n}: {query}", "conversations": turns}
        for n, turns in enumerate(steps)
    ]


def test_answer_schemas_and_nested_arguments(tmp_path: Path) -> None:
    released(tmp_path / "h", prefixes("When is low water?", 2))
    (row,), _ = export("toolbench", tmp_path / "h")
    assert row["output"] == FINAL["final_answer"]
    assert row["domain"] == "toolbench_api"
    assert [tool["function"]["name"] for tool in row["tools"]] == ["tide_for_port"]
    arguments = json.loads(row["messages"][1]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"q": {"port": "P0", "deep": [1, {"a": 2}]}}
    assert [m["role"] for m in row["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert row["thinking"] == "try 0\ntry 1\ndone"


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_one_sample_a_query_in_any_order(
    tmp_path_factory: object, calls: list[int], rng: Any
) -> None:
    home = tmp_path_factory.mktemp("q") / "h"  # type: ignore[attr-defined]
    rows = [
        row
        for n, count in enumerate(calls)
        for row in prefixes(f"query number {n}?", count)
    ]
    rng.shuffle(rows)
    released(home, rows)
    found, _ = export("toolbench", home)
    assert sorted(instructions(found)) == [
        f"query number {n}?" for n in range(len(calls))
    ]
    by_query = {row["instruction"]: row for row in found}
    for n, count in enumerate(calls):
        tools = [
            m for m in by_query[f"query number {n}?"]["messages"] if m["role"] == "tool"
        ]
        assert len(tools) == count


def test_give_ups_queries_and_splits(tmp_path: Path) -> None:
    give_up = {
        "id": "Step 1: hard",
        "conversations": conversation(
            "hard", 1, {"return_type": "give_up_and_restart"}
        ),
    }
    open_end = {"id": "Step 1: open", "conversations": conversation("open", 1, None)}
    released(tmp_path / "h", [*prefixes("easy?", 1), give_up, open_end])
    released(tmp_path / "h", prefixes("held out?", 1), "eval")
    queries = tmp_path / "h" / "instruction" / "G1_query.json"
    queries.parent.mkdir()
    queries.write_text(
        json.dumps(
            [{"query": "only asked", "query_id": 1, "api_list": []}, {"query": "easy?"}]
        )
    )
    rows, report = export("toolbench", tmp_path / "h")
    assert sorted(instructions(rows)) == ["easy?", "held out?"]
    assert report["dropped"] == {
        "gave_up": 1,
        "no_final_answer": 1,
        "query_without_answer": 1,
    }
    assert instructions(export("toolbench", tmp_path / "h", split="validation")[0]) == [
        "held out?"
    ]


def test_answer_trees(tmp_path: Path) -> None:
    call = {"name": "tide_for_port", "arguments": '{"port": "Ellery"}'}
    messages = [
        {"role": "system", "content": "x"},
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": "look", "function_call": call},
        {"role": "function", "name": "tide_for_port", "content": '{"low": 16}'},
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "Finish", "arguments": json.dumps(FINAL)},
        },
    ]
    generated = {
        "query": "When?",
        "final_answer": json.dumps(FINAL),
        "function": [{"name": "tide_for_port"}, {"name": "Finish"}],
        "train_messages": [messages[:3], messages],
    }
    path = tmp_path / "h" / "answer" / "G1_answer" / "1_ChatGPT_DFS_woFilter_w2.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps({"win": True, "tree": {}, "answer_generation": generated})
    )
    (row,), _ = export("toolbench", tmp_path / "h")
    assert (row["instruction"], row["output"], row["thinking"]) == (
        "When?",
        FINAL["final_answer"],
        "look",
    )
    assert [m["role"] for m in row["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_parquet(tmp_path: Path) -> None:
    turns = conversation("In parquet?", 1)
    lists = {"from": [t["from"] for t in turns], "value": [t["value"] for t in turns]}
    (tmp_path / "h" / "data").mkdir(parents=True)
    table = pyarrow.table({"id": ["Step 1: In parquet?"], "conversations": [lists]})
    parquet.write_table(table, tmp_path / "h" / "data" / "train-0.parquet")
    (tmp_path / "h" / "data" / "train-1.parquet").write_bytes(b"PAR1 broken")
    rows, report = export("toolbench", tmp_path / "h")
    assert instructions(rows) == ["In parquet?"]
    assert report["rejected"] == {"unreadable": 1}


def answer_file(home: Path, generated: dict[str, Any]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    path = home / "1_ChatGPT_DFS_woFilter_w2.json"
    path.write_text(json.dumps({"win": True, "answer_generation": generated}))


def test_a_folder_of_answers_can_be_the_root(tmp_path: Path) -> None:
    called = {"name": "tide_for_port", "arguments": '{"port": "Ellery"}'}
    messages = [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": called}]},
        {"role": "tool", "tool_call_id": "c", "content": '{"low": 16}'},
    ]
    generated = {
        "query": "When?",
        "final_answer": json.dumps(FINAL),
        "train_messages": [messages],
    }
    home = tmp_path / "answer" / "G1_answer"
    answer_file(home, generated)
    (row,), _ = export("toolbench", home)
    assert row["output"] == FINAL["final_answer"]
    assert [m["role"] for m in row["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def finished(final: str, before: str = "Thought: done\n") -> list[dict[str, str]]:
    value = f"\n{before}Action: Finish\nAction Input: {final}"
    return [
        {"from": "human", "value": "When is low water?\nBegin!"},
        {"from": "gpt", "value": value},
    ]


@pytest.mark.parametrize("before", ["Thought: done\n", ""])
@pytest.mark.parametrize(
    "final",
    [
        (
            "{'return_type': 'give_answer', "
            "'final_answer': 'Low water is at 16:10.\\nGo.'}"
        ),
        '{"return_type": "give_answer", "final_answer": "Low water is at 16:10.\nGo."}',
        '{"return_type": "give_answer", "final_answer": "Low water is at 16:10.\nGo.',
    ],
)
def test_final_answers_as_models_write_them(
    final: str, before: str, tmp_path: Path
) -> None:
    if final.endswith("Go."):
        final += '"\n'
    released(tmp_path / "h", [{"conversations": finished(final, before)}])
    (row,), _ = export("toolbench", tmp_path / "h")
    assert row["instruction"] == "When is low water?"
    assert row["output"] == "Low water is at 16:10.\nGo."


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("I'm sorry, but I was unable to find the tides you asked for.", False),
        ("I apologize, but the function is not available now. Try later.", False),
        ("Sorry, but no tides could be found: the API returned an error.", False),
        ("I apologize that one port failed. However, low water is at 16:10.", True),
        ("Low water is at 16:10 in the harbour of Ellery.", True),
    ],
)
def test_an_apology_is_no_answer(answer: str, kept: bool, tmp_path: Path) -> None:
    final = json.dumps({"return_type": "give_answer", "final_answer": answer})
    released(tmp_path / "h", [{"conversations": finished(final)}])
    rows, report = export("toolbench", tmp_path / "h")
    assert (len(rows), report["dropped"]) == ((1, {}) if kept else (0, {"gave_up": 1}))


def test_evaluated_answers_are_trees_of_calls(tmp_path: Path) -> None:
    made = {"name": "tide_for_port", "arguments": {"port": "Ellery"}, "response": "16"}
    finish = {"name": "Finish", "arguments": FINAL, "response": ""}
    tree: dict[str, Any] = {"role": "tool", "message": str(finish), "next": []}
    for role, message in (
        ("assistant", "done"),
        ("tool", str(made)),
        ("assistant", "look"),
        ("user", "When?"),
    ):
        tree = {"role": role, "message": message, "next": [tree]}
    answer = {"final_answer": json.dumps(FINAL), "answer_details": [tree]}
    home = tmp_path / "h" / "model_predictions_answer"
    home.mkdir(parents=True)
    rows = {"7": {"query": "When?", "available_tools": [], "answer": answer}}
    (home / "G1.json").write_text(json.dumps(rows))
    (row,), _ = export("toolbench", tmp_path / "h")
    assert (row["instruction"], row["output"]) == ("When?", FINAL["final_answer"])
    assert row["thinking"] == "look\ndone"
    assert row["messages"][2]["content"] == "16"


def test_a_list_of_rows_in_a_folder_of_answers(tmp_path: Path) -> None:
    home = tmp_path / "h" / "processed_answer"
    home.mkdir(parents=True)
    (home / "G1_demo.json").write_text(json.dumps(prefixes("listed?", 1)))
    assert instructions(export("toolbench", tmp_path / "h")[0]) == ["listed?"]


def test_every_row_without_a_query_counts(tmp_path: Path) -> None:
    bare = [{"id": "", "conversations": [{"from": "assistant", "value": "x"}]}] * 5
    path = tmp_path / "h" / "toolllama_G123_dfs_train.json"
    write_lines(path, [json.dumps(bare)])
    _, report = export("toolbench", tmp_path / "h")
    assert (report["rows_in"], report["dropped"]) == (5, {"empty_request": 5})


def test_a_row_that_gives_no_sample_replaces_none_that_does(tmp_path: Path) -> None:
    ask = {"from": "user", "value": "find the weather"}
    given = json.dumps({"return_type": "give_answer", "final_answer": ANSWER})
    step = f"Thought: x\nAction: Finish\nAction Input: {given}"
    rows = [
        [ask, {"from": "assistant", "value": step}],
        [ask, *[{"from": "assistant", "value": "so I give_answer"}] * 4],
    ]
    for number, order in enumerate((rows, rows[::-1])):
        listed = [{"id": "1", "conversations": turns} for turns in order]
        home = tmp_path / f"h{number}"
        write_lines(home / "toolllama_G123_dfs_train.json", [json.dumps(listed)])
        (row,), _ = export("toolbench", home)
        assert row["output"] == ANSWER


@pytest.mark.parametrize(
    "value",
    [
        "Thought: " + "\n \n" * 20_000,
        "Action: x\n" * 20_000,
        "Action: Finish\nAction Input: " + "'final_answer': '" * 20_000 + "x",
        'Action: Finish\nAction Input: {"return_type": "give_answer", "final_answer": '
        '"sorry unable' + "\\n" * 50_000 + 'x"}',
    ],
    ids=["blank lines", "actions", "answers", "apology"],
)
def test_no_step_takes_long(value: str, tmp_path: Path) -> None:
    turns = [{"from": "user", "value": "q"}, {"from": "assistant", "value": value}]
    path = tmp_path / "h" / "toolllama_G123_dfs_train.json"
    write_lines(path, [json.dumps([{"id": "1", "conversations": turns}])])
    started = time.process_time()
    _, report = export("toolbench", tmp_path / "h")
    assert report["rows_in"] == 1
    assert time.process_time() - started < 2
