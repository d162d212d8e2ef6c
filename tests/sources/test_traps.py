"""The traps of each format that are not a matter of course: what must be read, passed
over or refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.source_files import (
    ANSWER,
    claude,
    claude_turns,
    codex,
    codex_meta,
    event,
    export,
    gemini,
    instructions,
    write_lines,
)

PAIR = [codex("user", "ask"), codex("assistant", ANSWER)]
ROLLOUT = "sessions/2026/05/09/rollout-2026-05-09T10-00-00-1.jsonl"


@pytest.mark.parametrize(
    "text",
    [
        "<command-message>x</command-message>",
        "<local-command-caveat>x</local-command-caveat>",
        "<bash-stdout>x</bash-stdout>",
        "<bash-stderr>x</bash-stderr>",
        "Stop hook feedback: x",
        "Warmup",
        "<system-reminder>x</system-reminder>",
    ],
)
def test_claude_harness_words_are_no_request(text: str, tmp_path: Path) -> None:
    records = [claude("h", None, "user", text), claude("b", "h", "assistant", ANSWER)]
    records += [{**claude_turns(1)[0], "parentUuid": "b"}, claude_turns(1)[1]]
    write_lines(tmp_path / "h" / "projects" / "p" / "s.jsonl", records)
    rows, report = export("claude", tmp_path / "h")
    assert instructions(rows) == ["question 0"]
    assert report["dropped"] == {"harness_text": 1}


def test_claude_inline_sidechains_side_records_and_duplicated_results(
    tmp_path: Path,
) -> None:
    use = [{"type": "tool_use", "id": "t", "name": "Read", "input": {}}]
    given = [
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "tool_reference"}],
            "is_error": True,
        }
    ]
    records = [
        claude(
            "u", None, "user", ["a string part", {"type": "document", "source": {}}]
        ),
        claude("x", "u", "user", "for the subagent", isSidechain=True),
        claude("y", "x", "assistant", f"{ANSWER} aside", isSidechain=True),
        {"type": "progress", "uuid": "p", "parentUuid": "u"},
        claude("a", "p", "assistant", use),
        claude("r", "a", "user", given, toolUseResult={"stdout": "again"}),
        {
            "type": "attachment",
            "uuid": "f",
            "parentUuid": "r",
            "attachment": {"type": "file", "content": "x"},
        },
        claude("z", "f", "assistant", ANSWER),
        *(
            {"type": kind}
            for kind in (
                "last-prompt",
                "ai-title",
                "mode",
                "pr-link",
                "queue-operation",
            )
        ),
    ]
    write_lines(tmp_path / "h" / "projects" / "p" / "s.jsonl", records)
    write_lines(tmp_path / "h" / "history.jsonl", [{"display": "a prompt alone"}])
    (row,), report = export("claude", tmp_path / "h")
    assert (row["instruction"], row["output"]) == ("a string part", ANSWER)
    assert [m.get("content") for m in row["messages"]] == [
        "a string part",
        None,
        "[tool_reference]",
        ANSWER,
    ]
    assert report["dropped"] == {"subagent_turn": 1}


def test_codex_world_state_and_paginated_logs(tmp_path: Path) -> None:
    said = [
        {"type": "UserMessage", "content": "ask"},
        {"type": "AgentMessage", "content": ANSWER},
    ]
    records = [
        codex_meta(
            "s", history_mode="paginated", base_instructions={"text": "be brief"}
        ),
        {
            "ordinal": 1,
            "type": "world_state",
            "payload": {"type": "message", "role": "user", "content": "state"},
        },
        {
            "type": "inter_agent_communication",
            "payload": {"type": "message", "role": "user", "content": "agent"},
        },
        PAIR[0],
        event("item_completed", item=said[0]),
        {"type": "token_usage_record", "payload": {"total": 1}, "metadata": {}},
        {"type": "response_item", "payload": {"type": "ghost_snapshot", "id": "g"}},
        {
            "type": "response_item",
            "payload": {"type": "agent_message", "content": "from another agent"},
        },
        codex("assistant", "I look at it first.", phase="commentary"),
        {"type": "retained_context", "payload": {"items": [PAIR[0]["payload"]]}},
        codex("assistant", ANSWER, phase="final_answer"),
        event("item_completed", item=said[1]),
        {
            "type": "realtime_item",
            "payload": {"type": "message", "role": "user", "content": "spoken"},
        },
    ]
    write_lines(tmp_path / "h" / ROLLOUT, records)
    (row,), report = export("codex", tmp_path / "h")
    assert (row["instruction"], row["output"]) == (
        "ask",
        ANSWER,
    )
    assert report["rows_in"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "<user_instructions>x</user_instructions>",
        "# AGENTS.md instructions for /src",
        "<skill>x</skill>",
        "<user_shell_command>ls</user_shell_command>",
        "<turn_aborted>x</turn_aborted>",
        "<subagent_notification>x</subagent_notification>",
        "<recommended_plugins>x</recommended_plugins>",
        '<hook_prompt hook_run_id="1">x</hook_prompt>',
    ],
)
def test_codex_harness_words_are_no_request(text: str, tmp_path: Path) -> None:
    write_lines(tmp_path / "h" / ROLLOUT, [codex_meta("s"), codex("user", text), *PAIR])
    rows, report = export("codex", tmp_path / "h")
    assert instructions(rows) == ["ask"]
    assert report["dropped"] == {"harness_text": 1}


def test_files_that_are_no_conversation_are_not_opened(tmp_path: Path) -> None:
    home = tmp_path / "h"
    write_lines(home / ROLLOUT, [codex_meta("s"), *PAIR])
    for name in ("auth.json", "history.jsonl", "session_index.jsonl"):
        write_lines(home / name, [b"\xff not to be read"])
    assert export("codex", home)[1]["rejected"] == {}
    chats = tmp_path / "g" / "tmp" / "p" / "chats"
    talk = [
        {"sessionId": "s"},
        gemini("1", "user", "ask"),
        gemini("2", "gemini", ANSWER),
    ]
    write_lines(chats / "session-1.jsonl", talk)
    for name in (
        "session-1.json.tmp-77",
        "session-2.jsonl.unreadable-5",
        "checkpoint-a.json",
    ):
        write_lines(chats / name, [b"\xff not to be read"])
    for name in ("logs.json", "checkpoint-b.json", "checkpoints/c.json"):
        write_lines(chats.parent / name, [b"\xff not to be read"])
    write_lines(chats / "s" / "agent.jsonl", talk)
    rows, report = export("gemini", tmp_path / "g")
    assert (instructions(rows), report["rejected"], report["dropped"]) == (
        ["ask"],
        {},
        {"subagent_file": 1},
    )


@pytest.mark.parametrize(
    "text",
    [
        "/stats",
        "?",
        "<session_context>x</session_context>",
        "<hook_context>x</hook_context>",
    ],
)
def test_gemini_passes_over_what_its_tool_does(text: str, tmp_path: Path) -> None:
    talk = [
        gemini("0", "user", text),
        gemini("e", "user", ""),
        gemini("1", "user", "ask"),
        gemini("2", "gemini", ANSWER),
    ]
    write_lines(tmp_path / "h" / "tmp" / "p" / "chats" / "session-1.jsonl", talk)
    rows, report = export("gemini", tmp_path / "h")
    assert (instructions(rows), report["dropped"]) == (["ask"], {"harness_text": 1})


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("../outside.json", "payload_escapes"),
        ("payloads/../../outside.json", "payload_escapes"),
        ("/etc/hostname", "payload_escapes"),
        ("payloads/a\0b.json", "payload_escapes"),
        ("payloads/" + "x" * 5000, "payload_missing"),
        ("payloads", "payload_missing"),
        ("payloads/loop", "payload_missing|payload_escapes"),
        ("payloads/broken.json", "payload_sha256"),
    ],
)
def test_history_references_stay_inside_and_match(
    reference: str, reason: str, tmp_path: Path
) -> None:
    home = tmp_path / "h"
    write_lines(home / "payloads" / "broken.json", ["{"])
    write_lines(tmp_path / "outside.json", [{"prompt": "p", "response": ANSWER}])
    (home / "payloads" / "loop").symlink_to("loop")
    bad = {
        "id": "1",
        "type": "model",
        "payload_ref": reference,
        "payload_sha256": "0" * 64,
        "payload_preview": ANSWER,
    }
    good = {
        "id": "2",
        "type": "model",
        "payload": {"prompt": "ask", "response": ANSWER},
    }
    write_lines(
        home / "events_20260502.jsonl",
        [bad, good, *({**good, "type": kind} for kind in ("fs", "cli"))],
    )
    rows, report = export("history", home)
    assert instructions(rows) == ["ask"]
    ((found, count),) = report["rejected"].items()
    assert (found in reason.split("|"), count) == (True, 1)
    assert report["dropped"] == {
        "no_payload": 1,
        "event_type_fs": 1,
        "event_type_cli": 1,
    }


def test_toolbench_rows_that_are_no_trajectory(tmp_path: Path) -> None:
    def turn(sender: str, value: str) -> dict[str, str]:
        return {"from": sender, "value": value}

    final = json.dumps(
        {
            "return_type": "give_answer",
            "final_answer": '{"deep": "text, kept whole"} as said',
        }
    )
    end = turn("assistant", f"\nThought: \nAction: Finish\nAction Input: {final}")
    nothing = json.dumps({"return_type": "give_answer", "final_answer": ""})
    empty = turn("assistant", f"\nThought: \nAction: Finish\nAction Input: {nothing}")
    rows = [
        {
            "id": "Step 1: words alone",
            "conversations": [
                turn("user", "words alone"),
                turn("assistant", "no action"),
            ],
        },
        {"id": "Step 1: from the id", "conversations": [turn("system", "x"), end]},
        {
            "id": "Step 1: no answer",
            "conversations": [turn("user", "no answer"), empty],
        },
        {"conversations": "no list"},
    ]
    write_lines(tmp_path / "h" / "toolllama_G123_dfs_train.json", [json.dumps(rows)])
    found, report = export("toolbench", tmp_path / "h")
    assert [(r["instruction"], r["output"]) for r in found] == [
        ("from the id", '{"deep": "text, kept whole"} as said')
    ]
    assert report["dropped"] == {
        "malformed_step": 1,
        "no_final_answer": 1,
        "empty_request": 1,
    }
