"""Codex rollouts of every era."""

from __future__ import annotations

import json
from pathlib import Path

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import (
    ANSWER,
    codex,
    codex_meta,
    event,
    export,
    instructions,
    write_lines,
)


def rollout(home: Path, time: str, id: str = "1") -> Path:
    return (
        home
        / "sessions"
        / "2026"
        / "05"
        / "09"
        / f"rollout-2026-05-09T{time}-{id}.jsonl"
    )


def test_envelope_era_with_tools_and_reasoning(tmp_path: Path) -> None:
    shell = {
        "type": "function_call",
        "name": "shell",
        "arguments": '{"command": ["ls"]}',
        "call_id": "c1",
    }
    lost = {
        "type": "function_call",
        "name": "shell",
        "arguments": "{}",
        "call_id": "c2",
    }
    patch = {
        "type": "custom_tool_call",
        "name": "apply_patch",
        "input": "*** Begin",
        "call_id": "c3",
    }
    records = [
        codex_meta("s"),
        codex("developer", "you are careful"),
        codex("user", "<environment_context>cwd</environment_context>"),
        event("user_message", message="List the files"),
        codex("user", "# Context\n## My request for Codex:\nList the files"),
        {
            "type": "response_item",
            "payload": {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "ls"}],
            },
        },
        *({"type": "response_item", "payload": item} for item in (shell, lost, patch)),
        *(
            {
                "type": "response_item",
                "payload": {"type": kind, "call_id": id, "output": out},
            }
            for kind, id, out in (
                (
                    "function_call_output",
                    "c1",
                    json.dumps({"output": "a.asm", "metadata": {}}),
                ),
                (
                    "custom_tool_call_output",
                    "c3",
                    [{"type": "input_text", "text": "done"}],
                ),
            )
        ),
        codex("assistant", ANSWER, phase="final_answer"),
        event("agent_message", message=ANSWER),
    ]
    write_lines(rollout(tmp_path / "h", "10-00-00"), records)
    (row,), report = export("codex", tmp_path / "h")
    assert (row["instruction"], row["output"], row["thinking"]) == (
        "List the files",
        ANSWER,
        "ls",
    )
    calls = row["messages"][1]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["shell", "apply_patch"]
    assert [m["content"] for m in row["messages"] if m["role"] == "tool"] == [
        "a.asm",
        "done",
    ]
    assert report["dropped"] == {"harness_text": 1}


def test_older_eras(tmp_path: Path) -> None:
    ask = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "old question"}],
    }
    say = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": ANSWER}],
    }
    folder = tmp_path / "h" / "sessions"
    folder.mkdir(parents=True)
    (folder / "rollout-2025-04-01-a.json").write_text(
        json.dumps({"session": {"id": "a"}, "items": [ask, say]})
    )
    ask2 = {**ask, "content": [{"type": "input_text", "text": "bare question"}]}
    header = {"id": "b", "timestamp": "2025-08-01", "instructions": None}
    write_lines(
        folder / "rollout-2025-08-01-b.jsonl",
        [header, {"record_type": "state"}, ask2, {"record_type": "state"}, say],
    )
    rows, _ = export("codex", tmp_path / "h")
    assert instructions(rows) == ["old question", "bare question"]
    assert [row["_metadata"]["group"] for row in rows] == [
        "codex:session:a",
        "codex:session:b",
    ]


def test_plain_wins_over_zst_and_sessions_over_archive(tmp_path: Path) -> None:
    path = rollout(tmp_path / "h", "10-00-00")
    records = [codex_meta("s"), codex("user", "one"), codex("assistant", ANSWER)]
    data = write_lines(path, records).read_bytes()
    path.with_name(path.name + ".zst").write_bytes(zstandard.compress(data))
    archived = tmp_path / "h" / "archived_sessions"
    write_lines(archived / path.name, records)
    packed = rollout(tmp_path / "h", "11-00-00", "2")
    packed.with_name(packed.name + ".zst").write_bytes(
        zstandard.compress(data.replace(b"one", b"two"))
    )
    assert instructions(export("codex", tmp_path / "h")[0]) == ["one", "two"]


def test_aborted_rolled_back_and_subagents(tmp_path: Path) -> None:
    records = [
        codex_meta("s"),
        *(codex("user", "keep"), codex("assistant", ANSWER)),
        *(codex("user", "retract"), codex("assistant", ANSWER + " 2")),
        event("thread_rolled_back", num_turns=1),
        *(codex("user", "again"), codex("assistant", ANSWER + " 3")),
        *(
            codex("user", "stopped"),
            codex("assistant", ANSWER + " 4"),
            event("turn_aborted", reason="interrupted"),
        ),
    ]
    write_lines(rollout(tmp_path / "h", "10-00-00"), records)
    spawned = codex_meta("t", source={"subagent": {"thread_spawn": {}}})
    write_lines(rollout(tmp_path / "h", "11-00-00", "2"), [spawned, *records[1:3]])
    rows, report = export("codex", tmp_path / "h")
    assert instructions(rows) == ["keep", "again"]
    assert [m["content"] for m in rows[1]["messages"]] == [
        "keep",
        ANSWER,
        "again",
        ANSWER + " 3",
    ]
    assert report["dropped"] == {"aborted": 1, "rolled_back": 1, "subagent_file": 1}


@settings(deadline=None, max_examples=20)
@given(turns=st.integers(1, 6), copied=st.integers(0, 6), own=st.integers(0, 3))
def test_a_fork_repeats_its_parent_once(
    tmp_path_factory: object, turns: int, copied: int, own: int
) -> None:
    home = tmp_path_factory.mktemp("f") / "h"  # type: ignore[attr-defined]
    talk = [
        r
        for n in range(turns)
        for r in (codex("user", f"q{n}"), codex("assistant", f"{ANSWER} {n}"))
    ]
    new = [
        r
        for n in range(own)
        for r in (codex("user", f"new {n}"), codex("assistant", f"{ANSWER} new {n}"))
    ]
    write_lines(rollout(home, "10-00-00"), [codex_meta("p"), *talk])
    compacted = {
        "type": "compacted",
        "payload": {"message": "", "replacement_history": [r["payload"] for r in talk]},
    }
    fork = [
        codex_meta("f", forked_from_id="p"),
        codex_meta("p"),
        *talk[: 2 * copied],
        compacted,
        *new,
    ]
    write_lines(rollout(home, "11-00-00", "2"), fork)
    rows, report = export("codex", home)
    assert instructions(rows) == [
        *(f"q{n}" for n in range(turns)),
        *(f"new {n}" for n in range(own)),
    ]
    assert {row["_metadata"]["group"] for row in rows} == {"codex:session:p"}
    assert report["dropped"].get("repeated", 0) == min(copied, turns)


def test_a_steer_belongs_to_the_running_turn(tmp_path: Path) -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
    given = {"type": "function_call_output", "call_id": "c", "output": "x"}
    work = [{"type": "response_item", "payload": item} for item in (call, given)]
    steered = [
        codex("user", "first"),
        *work,
        codex("user", "and the oil?"),
        codex("assistant", ANSWER),
    ]
    follow = [codex("user", "second"), codex("assistant", ANSWER + " 2")]
    told = [
        *(event("task_started"), *steered, event("task_complete")),
        *(event("task_started"), *follow, event("task_complete")),
    ]
    for time, records in (("10-00-00", told), ("11-00-00", [*steered, *follow])):
        home = tmp_path / time
        write_lines(rollout(home, time), [codex_meta("s"), *records])
        rows, report = export("codex", home)
        assert instructions(rows) == ["first\n\nand the oil?", "second"]
        assert report["rows_in"] == 2


def test_commentary_alone_and_reasoning_of_open_models(tmp_path: Path) -> None:
    content = [{"type": "reasoning_text", "text": "count the frames"}]
    reasoning = {"type": "reasoning", "summary": [], "content": content}
    search = {"type": "web_search_call", "status": "completed", "action": {"q": "oil"}}
    records = [
        codex_meta("s"),
        codex("user", "first"),
        codex("assistant", "I look at the oil first.", phase="commentary"),
        codex("user", "second"),
        *({"type": "response_item", "payload": item} for item in (reasoning, search)),
        codex("assistant", ANSWER, phase="final_answer"),
    ]
    write_lines(rollout(tmp_path / "h", "10-00-00"), records)
    (row,), report = export("codex", tmp_path / "h")
    assert (row["instruction"], row["thinking"]) == ("second", "count the frames")
    assert row["messages"][1]["tool_calls"][0]["function"]["name"] == "web_search"
    assert row["messages"][2]["content"] == "completed"
    assert report["dropped"] == {"no_final_answer": 1}


def test_a_spawned_thread_is_a_subagents(tmp_path: Path) -> None:
    talk = [codex("user", "one"), codex("assistant", ANSWER)]
    spawned = codex_meta("s", thread_source="subagent")
    write_lines(rollout(tmp_path / "h", "10-00-00"), [spawned, *talk])
    assert export("codex", tmp_path / "h")[1]["dropped"] == {"subagent_file": 1}
    assert len(export("codex", tmp_path / "h", include_subagents=True)[0]) == 1


def test_files_of_one_name_are_copies_of_one_session_only(tmp_path: Path) -> None:
    home = tmp_path / "h"
    for day, ask in (("1", "first"), ("2", "second"), ("3", "second")):
        records = [codex_meta(ask), codex("user", ask), codex("assistant", ANSWER)]
        write_lines(home / "sessions" / day / "rollout-1.jsonl", records)
    write_lines(home / "sessions" / "0" / "rollout-1.jsonl", [])
    rows, report = export("codex", home)
    assert instructions(rows) == ["first", "second"]
    assert report["rows_in"] == 2
