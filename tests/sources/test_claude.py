"""Claude Code sessions: what a careful person would have picked."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import (
    ANSWER,
    claude,
    claude_turns,
    export,
    instructions,
    rejects,
    write_lines,
)


def project(root: Path, *names: str) -> list[Path]:
    return [root / "projects" / "-src-game" / f"{name}.jsonl" for name in names]


def text(words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": words}]


def test_one_sample_a_turn_with_calls_paired(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    write_lines(
        path,
        [
            claude("u1", None, "user", "Why does the lantern go out?"),
            claude(
                "a1",
                "u1",
                "assistant",
                [{"type": "thinking", "thinking": "Look at the oil."}],
            ),
            claude("a2", "a1", "assistant", text("I will look.")),
            claude(
                "a3",
                "a2",
                "assistant",
                [{"type": "tool_use", "id": "t1", "name": "Read", "input": {"f": "a"}}],
            ),
            claude(
                "a4",
                "a3",
                "assistant",
                [{"type": "tool_use", "id": "t2", "name": "Read", "input": {"f": "b"}}],
            ),
            claude(
                "r1",
                "a3",
                "user",
                [{"type": "tool_result", "tool_use_id": "t1", "content": "one"}],
            ),
            claude(
                "r2",
                "a4",
                "user",
                [{"type": "tool_result", "tool_use_id": "t2", "content": text("two")}],
            ),
            claude("a5", "r2", "assistant", text(ANSWER)),
        ],
    )
    rows, report = export("claude", tmp_path / "home")
    (row,) = rows
    assert (row["instruction"], row["output"], row["thinking"]) == (
        "Why does the lantern go out?",
        ANSWER,
        "Look at the oil.",
    )
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "assistant"]
    calls = row["messages"][1]["tool_calls"]
    assert (
        [call["id"] for call in calls]
        == [m["tool_call_id"] for m in row["messages"][2:4]]
        == ["call_1", "call_2"]
    )
    assert [m["content"] for m in row["messages"][2:4]] == ["one", "two"]
    assert row["messages"][-1]["content"] == row["output"]
    assert report["rows_in"] == 1


def test_harness_text_is_no_request(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    harness = [
        "<command-name>/clear</command-name>",
        "<local-command-stdout>ok</local-command-stdout>",
        "Caveat: the messages below were generated",
        "<bash-input>ls</bash-input>",
        "This session is being continued from a previous one",
        "<task-notification>done</task-notification>",
    ]
    records = [claude("h0", None, "user", harness[0])]
    records += [
        claude(f"h{n}", f"h{n - 1}", "user", words)
        for n, words in enumerate(harness[1:], 1)
    ]
    records += [
        claude("m", "h5", "user", "meta words", isMeta=True),
        claude("c", "m", "user", "a summary", isCompactSummary=True),
        claude("o", "c", "user", "from a hook", origin={"kind": "hook"}),
        claude(
            "u",
            "o",
            "user",
            "<system-reminder>be brief</system-reminder>Where is the oil kept?",
        ),
        claude("a", "u", "assistant", text(ANSWER)),
    ]
    write_lines(path, records)
    rows, report = export("claude", tmp_path / "home")
    assert instructions(rows) == ["Where is the oil kept?"]
    assert report["dropped"] == {"harness_text": 9}


def test_rewound_branches_and_broken_parents(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    turns = claude_turns(3)
    rewound = [
        claude("x", "a0", "user", "rewound"),
        claude("y", "x", "assistant", text(ANSWER + " no")),
    ]
    write_lines(
        path,
        [*turns[:2], *rewound, *turns[2:4], b'{"type":"user","uuid":"b', *turns[4:]],
    )
    rows, report = export("claude", tmp_path / "home")
    assert instructions(rows) == ["question 0", "question 1", "question 2"]
    assert report["dropped"] == {"other_branch": 1}
    assert rejects("claude", tmp_path / "home")[0]["line"] == 7


def test_compaction_continues_by_the_logical_parent(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    boundary = {
        "type": "system",
        "subtype": "compact_boundary",
        "uuid": "b",
        "parentUuid": None,
    }
    after = [
        claude("u9", "b", "user", "and after?"),
        claude("a9", "u9", "assistant", text(ANSWER + " after")),
    ]
    write_lines(
        path, [*claude_turns(1), {**boundary, "logicalParentUuid": "a0"}, *after]
    )
    rows, _ = export("claude", tmp_path / "home")
    assert instructions(rows) == ["question 0", "and after?"]
    assert [m["content"] for m in rows[1]["messages"]][:2] == [
        "question 0",
        f"{ANSWER} (0)",
    ]


def test_compaction_of_older_versions_names_no_parent(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    summary = claude(
        "c",
        None,
        "user",
        "This session is being continued from before",
        isCompactSummary=True,
    )
    after = [
        claude("u9", "c", "user", "and after?"),
        claude("a9", "u9", "assistant", text(ANSWER + " after")),
    ]
    write_lines(path, [*claude_turns(1), summary, *after])
    rows, report = export("claude", tmp_path / "home")
    assert instructions(rows) == ["question 0", "and after?"]
    assert report["dropped"] == {"harness_text": 1}


def test_interrupts_errors_and_synthetic_answers(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    stop = "[Request interrupted by user for tool use]"
    records = [
        claude("u1", None, "user", "first"),
        claude("a1", "u1", "assistant", text(ANSWER)),
        claude("u2", "a1", "user", [*text(stop), *text("second, rather")]),
        claude(
            "a2",
            "u2",
            "assistant",
            text("API Error: 529 overloaded"),
            isApiErrorMessage=True,
        ),
        claude("u3", "a2", "user", "third"),
        claude(
            "a3",
            "u3",
            "assistant",
            text("No response requested."),
            message={"model": "<synthetic>"},
        ),
        claude("u4", "a3", "user", "fourth"),
        claude(
            "a4", "u4", "assistant", text("API Error: timeout"), isApiErrorMessage=True
        ),
        claude("a5", "a4", "assistant", text(ANSWER)),
    ]
    write_lines(path, records)
    rows, report = export("claude", tmp_path / "home")
    assert instructions(rows) == ["fourth"]
    assert report["dropped"] == {"interrupted": 1, "api_error": 2}


def test_subagents_only_by_switch(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (path,) = project(home, "s1")
    write_lines(path, claude_turns(1))
    agent = [
        {**record, "isSidechain": True} for record in claude_turns(1, prefix="agent ")
    ]
    write_lines(path.with_suffix("") / "subagents" / "agent-1.jsonl", agent)
    assert instructions(export("claude", home)[0]) == ["question 0"]
    assert len(export("claude", home, include_subagents=True)[0]) == 2


def queued(prompt: Any, **more: Any) -> dict[str, Any]:
    attachment = {"type": "queued_command", "prompt": prompt, "commandMode": "prompt"}
    return {"type": "attachment", "attachment": {**attachment, **more}}


@pytest.mark.parametrize("prompt", ["and the oil?", text("and the oil?")])
@pytest.mark.parametrize("place", [{}, {"uuid": "q", "parentUuid": "a2"}])
def test_a_prompt_typed_while_the_model_works_belongs_to_the_turn(
    place: dict[str, str], prompt: Any, tmp_path: Path
) -> None:
    (path,) = project(tmp_path / "home", "s1")
    use = [{"type": "tool_use", "id": "t1", "name": "Read", "input": {}}]
    given = [{"type": "tool_result", "tool_use_id": "t1", "content": "one"}]
    write_lines(
        path,
        [
            claude("u1", None, "user", "Why does it go out?"),
            claude("a1", "u1", "assistant", use),
            claude("a2", "a1", "user", given),
            {**queued(prompt), **place},
            queued("<task-notification>", commandMode="task-notification"),
            claude("a3", place.get("uuid", "a2"), "assistant", text(ANSWER)),
        ],
    )
    (row,), report = export("claude", tmp_path / "home")
    assert row["instruction"] == "Why does it go out?\n\nand the oil?"
    assert row["output"] == ANSWER
    assert [message["role"] for message in row["messages"]] == [
        "user",
        "assistant",
        "tool",
        "user",
        "assistant",
    ]
    assert row["messages"][3]["content"] == "and the oil?"
    assert report["dropped"] == {"harness_text": 1}


def test_a_turn_that_ends_in_a_tool_gives_no_sample(tmp_path: Path) -> None:
    """A killed session, a prompt typed while a tool ran, a call nobody answered: none
    of them has an answer.
    """
    (path,) = project(tmp_path / "home", "s1")
    call = [
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}}
    ]
    other = [
        {"type": "tool_use", "id": "t2", "name": "Read", "input": {"path": "foo.c"}}
    ]
    output = [
        {
            "type": "tool_result",
            "tool_use_id": "t1",
            "content": "foo.c:12: error: expected ';'",
        }
    ]
    write_lines(
        path,
        [
            claude("u1", None, "user", "Fix the crash in foo.c"),
            claude("a1", "u1", "assistant", text("I will build it and see.")),
            claude("a2", "a1", "assistant", call),
            claude("r2", "a2", "user", output),
            claude("u2", "r2", "user", "And look at the header, too"),
            claude(
                "a3",
                "u2",
                "assistant",
                text("I'll read the file first, then the header."),
            ),
            claude("a4", "a3", "assistant", other),
            claude("u3", "a4", "user", "What does it say?"),
            claude("a5", "u3", "assistant", text(ANSWER)),
        ],
    )
    rows, report = export("claude", tmp_path / "home")
    assert [(row["instruction"], row["output"]) for row in rows] == [
        ("What does it say?", ANSWER)
    ]
    assert report["dropped"] == {"no_final_answer": 2}


@settings(deadline=None, max_examples=25)
@given(
    copied=st.integers(1, 6),
    seed=st.integers(0, 99),
    names=st.permutations(["one", "two"]),
)
def test_a_resumed_session_counts_once(
    tmp_path_factory: object, copied: int, seed: int, names: list[str]
) -> None:
    home = tmp_path_factory.mktemp("c") / "home"  # type: ignore[attr-defined]
    first, second = project(home, *names)
    turns = claude_turns(6)
    files = [
        (first, turns),
        (
            second,
            [
                {**r, "sessionId": "s2", "forkedFrom": {"sessionId": "s1"}}
                for r in turns
            ],
        ),
    ]
    files[1] = (second, [*files[1][1][: 2 * copied], *claude_turns_after(copied)])
    random.Random(seed).shuffle(files)
    for path, records in files:
        write_lines(path, records)
    rows, _ = export("claude", home)
    assert sorted(instructions(rows)) == sorted(
        [*(f"question {n}" for n in range(6)), "new"]
    )
    assert {row["_metadata"]["group"] for row in rows} == {"claude:session:s1"}


def claude_turns_after(count: int) -> list[dict[str, object]]:
    fork = {"sessionId": "s1"}
    return [
        claude("n1", f"a{count - 1}", "user", "new", "s2", forkedFrom=fork),
        claude("n2", "n1", "assistant", text(ANSWER + " new"), "s2", forkedFrom=fork),
    ]


@settings(deadline=None, max_examples=25)
@given(cut=st.integers(0, 2000))
def test_a_truncated_file_gives_a_prefix_of_its_samples(
    tmp_path_factory: object, cut: int
) -> None:
    home = tmp_path_factory.mktemp("t") / "home"  # type: ignore[attr-defined]
    (path,) = project(home, "s1")
    write_lines(path, claude_turns(5))
    whole, _ = export("claude", home)
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    rows, report = export("claude", home)
    assert rows == whole[: len(rows)]
    assert sum(report["rejected"].values()) <= 1


def test_a_subagent_is_one_by_its_records(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (path,) = project(home, "s1")
    write_lines(path, [{**turn, "isSidechain": True} for turn in claude_turns(1)])
    own = claude_turns(1, "s2", "own ")
    write_lines(path.parent / "s2" / "subagents" / "s2.jsonl", own)
    rows, report = export("claude", home)
    assert instructions(rows) == ["own question 0"]
    assert report["dropped"] == {"subagent_file": 1}


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "tool_use"])
def test_a_message_that_stopped_for_another_reason_is_no_answer(
    reason: str, tmp_path: Path
) -> None:
    (path,) = project(tmp_path / "home", "s1")
    stop = {"stop_reason": reason}
    write_lines(
        path,
        [
            claude("u1", None, "user", "Why does it go out?"),
            claude("a1", "u1", "assistant", text(ANSWER), message=stop),
            claude("u2", "a1", "user", "And the oil?"),
            claude("a2", "u2", "assistant", text(ANSWER)),
        ],
    )
    rows, report = export("claude", tmp_path / "home")
    assert instructions(rows) == ["And the oil?"]
    assert report["dropped"] == {"no_final_answer": 1}


def test_attached_files_and_searches_of_the_service_are_shown(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    inner = {"filePath": "/a.asm", "content": "LDA #$04"}
    file = {"type": "file", "displayPath": "a.asm", "content": {"file": inner}}
    found = [{"type": "web_search_result", "title": "Oil", "url": "https://x.test/oil"}]
    write_lines(
        path,
        [
            claude("u1", None, "user", "What does @a.asm load?"),
            {"type": "attachment", "uuid": "f", "parentUuid": "u1", "attachment": file},
            claude(
                "a1",
                "f",
                "assistant",
                [
                    {
                        "type": "server_tool_use",
                        "id": "w",
                        "name": "web_search",
                        "input": {"query": "oil"},
                    },
                    {
                        "type": "web_search_tool_result",
                        "tool_use_id": "w",
                        "content": found,
                    },
                    *text(ANSWER),
                ],
            ),
        ],
    )
    (row,), _ = export("claude", tmp_path / "home")
    assert row["instruction"] == "What does @a.asm load?"
    assert row["input"] == "a.asm:\n\nLDA #$04"
    contents = [message.get("content") for message in row["messages"]]
    assert contents == [
        "What does @a.asm load?\n\na.asm:\n\nLDA #$04",
        None,
        "Oil https://x.test/oil",
        ANSWER,
    ]


def test_a_compaction_in_the_middle_of_a_turn_goes_on_with_it(tmp_path: Path) -> None:
    (path,) = project(tmp_path / "home", "s1")
    use = [{"type": "tool_use", "id": "t1", "name": "Read", "input": {}}]
    given = [{"type": "tool_result", "tool_use_id": "t1", "content": "one"}]
    summary = "This session is being continued from a previous conversation."
    write_lines(
        path,
        [
            claude("u1", None, "user", "Why does it go out?"),
            claude("a1", "u1", "assistant", use),
            claude("a2", "a1", "user", given),
            claude("c", "a2", "user", summary, isCompactSummary=True),
            claude("a3", "c", "assistant", text(ANSWER)),
        ],
    )
    (row,), report = export("claude", tmp_path / "home")
    assert (row["instruction"], row["output"]) == ("Why does it go out?", ANSWER)
    assert report["dropped"] == {"harness_text": 1}
