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


def test_a_compression_takes_nothing_back(tmp_path: Path) -> None:
    """The model sees a summary and the last turn; what was said before was said."""
    turns = [
        message
        for n in range(8)
        for message in (
            gemini(f"u{n}", "user", [{"text": f"question {n}"}]),
            gemini(f"g{n}", "gemini", [{"text": f"{ANSWER} {n}"}]),
        )
    ]
    kept = [{**message, "id": f"new-{message['id']}"} for message in turns[-2:]]
    summary = gemini("s", "user", "<state_snapshot>all of it</state_snapshot>")
    thanks = gemini("t", "gemini", "Got it. Thanks for the additional context!")
    after = [gemini("u9", "user", "question 9"), gemini("g9", "gemini", ANSWER)]
    compressed = {"$set": {"messages": [summary, thanks, *kept]}}
    write_lines(chat(tmp_path / "h"), [HEAD, *turns, compressed, *after])
    rows, report = export("gemini", tmp_path / "h")
    assert instructions(rows) == [*(f"question {n}" for n in range(8)), "question 9"]
    assert [row["output"] for row in rows][-2:] == [f"{ANSWER} 7", ANSWER]
    assert report["dropped"] == {"harness_text": 1}


def test_calls_and_results_in_the_parts_of_a_message(tmp_path: Path) -> None:
    call = {"functionCall": {"name": "read_file", "args": {"path": "a"}}}
    given = {"functionResponse": {"name": "read_file", "response": {"output": "LDA"}}}
    records = [
        HEAD,
        gemini("1", "user", "Explain a"),
        gemini("2", "gemini", [{"text": "I read it."}, call]),
        gemini("3", "user", [given]),
        gemini("4", "gemini", [{"text": ANSWER}]),
    ]
    write_lines(chat(tmp_path / "h"), records)
    (row,), report = export("gemini", tmp_path / "h")
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    assert row["messages"][2]["content"] == "LDA"
    assert report["rows_in"] == 1


def test_a_subagent_is_one_by_its_record(tmp_path: Path) -> None:
    talk = [gemini("1", "user", "ask"), gemini("2", "gemini", ANSWER)]
    write_lines(chat(tmp_path / "h"), [{**HEAD, "kind": "subagent"}, *talk])
    nested = chat(tmp_path / "h").parent / "s" / "two.jsonl"
    write_lines(nested, [{**HEAD, "sessionId": "b"}, *talk])
    rows, report = export("gemini", tmp_path / "h")
    assert len(rows) == 1
    assert report["dropped"] == {"subagent_file": 1}


def test_a_cancelled_request_has_no_answer(tmp_path: Path) -> None:
    records = [
        HEAD,
        *(gemini("1", "user", "first"), gemini("2", "gemini", "I begin with the oil.")),
        gemini("3", "info", "Request cancelled."),
        *(gemini("4", "user", "second"), gemini("5", "gemini", ANSWER)),
    ]
    write_lines(chat(tmp_path / "h"), records)
    rows, report = export("gemini", tmp_path / "h")
    assert instructions(rows) == ["second"]
    assert report["dropped"] == {"interrupted": 1}


def test_a_loop_warning_is_not_the_person_who_is_shown(tmp_path: Path) -> None:
    """The tool sends it with the words that the person typed before."""
    warning = "System: Potential loop detected. Details: x. Please take a step back."
    records = [
        HEAD,
        gemini("1", "user", "Mend it"),
        gemini("2", "gemini", ANSWER),
        gemini("3", "user", [{"text": warning}], displayContent="Mend it"),
        gemini("4", "gemini", "I take a step back: the oil is counted already."),
    ]
    write_lines(chat(tmp_path / "h"), records)
    (row,), report = export("gemini", tmp_path / "h")
    assert (row["instruction"], row["output"]) == ("Mend it", ANSWER)
    assert report["dropped"] == {"harness_text": 1}


def test_what_was_rewound_is_counted(tmp_path: Path) -> None:
    one = [gemini("1", "user", "first"), gemini("2", "gemini", ANSWER)]
    two = [gemini("3", "user", "second"), gemini("4", "gemini", ANSWER)]
    again = [gemini("5", "user", "third"), gemini("6", "gemini", ANSWER)]
    rewind = {"$rewindTo": "3"}
    path = chat(tmp_path / "h")
    write_lines(path, [HEAD, *one, *two, rewind, *again, {"$rewindTo": None}])
    rows, report = export("gemini", tmp_path / "h")
    assert instructions(rows) == ["first", "third"]
    assert (report["rows_in"], report["dropped"]) == (3, {"rolled_back": 1})
    write_lines(path, [HEAD, *one, *two, {"$rewindTo": "gone"}])
    rows, report = export("gemini", tmp_path / "h")
    assert (rows, report["dropped"]) == ([], {"rolled_back": 2})
