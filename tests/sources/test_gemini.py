"""Gemini CLI chats, both formats."""

from __future__ import annotations

import json
from pathlib import Path

from support.source_files import ANSWER, export, gemini, instructions, write_lines


def chat(home: Path, name: str = "session-2026-05-21T19-30-7d21c0f4.jsonl") -> Path:
    return home / "tmp" / "saltmere" / "chats" / name


HEAD = {"sessionId": "s", "projectHash": "p", "kind": "main"}


def test_last_version_of_an_id_and_parts(tmp_path: Path) -> None:
    thought = {"subject": "Oil", "description": "count frames"}
    call = {
        "id": "x",
        "name": "read_file",
        "args": {"path": "a.asm"},
        "status": "success",
    }
    result = [{"functionResponse": {"id": "x", "response": {"output": "LDA $7E0010"}}}]
    records = [
        HEAD,
        gemini(
            "1",
            "user",
            [{"text": "Explain @a.asm"}, {"text": "inlined file"}],
            displayContent="Explain @a.asm",
        ),
        gemini("2", "gemini", "", thoughts=[thought], toolCalls=[call]),
        gemini(
            "2",
            "gemini",
            "",
            thoughts=[thought],
            toolCalls=[{**call, "result": result}],
        ),
        gemini("3", "gemini", [{"text": "hidden", "thought": True}, {"text": ANSWER}]),
        {"$set": {"lastUpdated": "now"}},
    ]
    write_lines(chat(tmp_path / "h"), records)
    (row,), _ = export("gemini", tmp_path / "h")
    assert (row["instruction"], row["output"]) == ("Explain @a.asm", ANSWER)
    assert row["thinking"] == "Oil: count frames\n\nhidden"
    assert [m["role"] for m in row["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert row["messages"][2]["content"] == "LDA $7E0010"


def test_rewind_and_replaced_list(tmp_path: Path) -> None:
    pair = [gemini("1", "user", "first"), gemini("2", "gemini", ANSWER)]
    late = [gemini("3", "user", "second"), gemini("4", "gemini", ANSWER + " 2")]
    new = [gemini("5", "user", "third"), gemini("6", "gemini", ANSWER + " 3")]
    write_lines(chat(tmp_path / "h"), [HEAD, *pair, *late, {"$rewindTo": "3"}, *new])
    assert instructions(export("gemini", tmp_path / "h")[0]) == ["first", "third"]
    write_lines(chat(tmp_path / "h"), [HEAD, *pair, {"$set": {"messages": late}}, *new])
    everything = ["first", "second", "third"]
    assert instructions(export("gemini", tmp_path / "h")[0]) == everything
    write_lines(chat(tmp_path / "h"), [HEAD, *pair, {"$rewindTo": "nowhere"}, *new])
    assert instructions(export("gemini", tmp_path / "h")[0]) == ["third"]


def test_a_resumed_pair_counts_once(tmp_path: Path) -> None:
    old = [gemini("1", "user", "first"), gemini("2", "gemini", ANSWER)]
    new = [gemini("3", "user", "second"), gemini("4", "gemini", ANSWER + " 2")]
    path = chat(tmp_path / "h")
    write_lines(path, [HEAD, *old, *new])
    path.with_suffix(".json").write_text(
        json.dumps({"sessionId": "s", "messages": old})
    )
    rows, report = export("gemini", tmp_path / "h")
    assert instructions(rows) == ["first", "second"]
    assert report["dropped"] == {"repeated": 1}


def test_commands_and_errors(tmp_path: Path) -> None:
    records = [
        HEAD,
        *(gemini("1", "user", "/stats"), gemini("2", "info", "usage")),
        *(gemini("3", "user", "broken"), gemini("4", "error", "quota")),
        *(
            gemini("5", "user", "fine"),
            gemini("6", "error", "retry"),
            gemini("7", "gemini", ANSWER),
        ),
    ]
    write_lines(chat(tmp_path / "h"), records)
    rows, report = export("gemini", tmp_path / "h")
    assert instructions(rows) == ["fine"]
    assert report["dropped"] == {"harness_text": 1, "api_error": 1}


def test_a_turn_that_ends_in_a_tool_gives_no_sample(tmp_path: Path) -> None:
    call = {
        "id": "x",
        "name": "read_file",
        "args": {"path": "a.asm"},
        "status": "success",
        "result": "LDA $7E0010",
    }
    records = [
        HEAD,
        gemini("1", "user", "Explain a.asm"),
        gemini("2", "gemini", "I will read it.", toolCalls=[call]),
    ]
    write_lines(chat(tmp_path / "h"), records)
    rows, report = export("gemini", tmp_path / "h")
    assert rows == []
    assert report["dropped"] == {"no_final_answer": 1}
