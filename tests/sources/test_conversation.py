"""One model of a conversation: generated sessions of every tool, and the rules."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_format import every_format, write
from support.source_files import (
    ANSWER,
    claude,
    claude_turns,
    codex,
    codex_meta,
    event,
    export,
    gemini,
    write_lines,
)

from afs_stages.sources.conversation import SessionGenerator
from afs_stages.sources.earlier_turns import EarlierTurns
from afs_stages.sources.events import (
    Called,
    Event,
    Faulted,
    Prompt,
    Returned,
    Said,
    Session,
    Stopped,
    Thought,
)
from afs_stages.sources.plugins import parse_options


class Act(NamedTuple):
    """One thing that happens in a generated session, in no tool's words."""

    kind: str
    text: str


KINDS = ("ask", "say", "call", "lost call", "think", "steer", "tool text", "cut")
acts = st.lists(st.sampled_from(KINDS), min_size=1, max_size=25).map(
    lambda kinds: [Act(kind, f"{ANSWER} {n}") for n, kind in enumerate(kinds)]
)


def turns_of(story: list[Act]) -> list[list[Act]]:
    """The turns of a story: opened by a prompt, or by one typed while none runs, and
    closed by the tool's words after an answer.
    """
    turns: list[list[Act]] = []
    runs = False
    for act in story:
        if act.kind == "ask" or (act.kind == "steer" and not runs):
            turns.append([act])
            runs = True
        elif act.kind == "tool text":
            runs = runs and not ends_in_answer(turns[-1])
        elif runs and act.kind != "think":
            turns[-1].append(act)
    return turns


def ends_in_answer(turn: list[Act]) -> bool:
    return turn[-1].kind == "say"


def in_claude(story: list[Act]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []

    def add(role: str, content: Any, **more: Any) -> None:
        parent = records[-1]["uuid"] if records else None
        records.append(claude(f"r{len(records)}", parent, role, content, **more))

    for n, act in enumerate(story):
        use = {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"n": n}}
        if act.kind == "ask":
            add("user", f"ask {act.text}")
        elif act.kind == "say":
            add("assistant", [{"type": "text", "text": act.text}])
        elif act.kind == "cut":
            stop = {"stop_reason": "max_tokens"}
            add("assistant", [{"type": "text", "text": act.text}], message=stop)
        elif act.kind == "think":
            add("assistant", [{"type": "thinking", "thinking": act.text}])
        elif act.kind in ("call", "lost call"):
            add("assistant", [use])
            if act.kind == "call":
                given = {"type": "tool_result", "tool_use_id": f"t{n}"}
                add("user", [{**given, "content": f"output {act.text}"}])
        elif act.kind == "steer":
            add("user", "")
            queued = {"type": "queued_command", "prompt": f"also {act.text}"}
            records[-1].update({"type": "attachment", "attachment": queued})
        else:
            text = f"<task-notification>{act.text}</task-notification>"
            add("user", text)
    return records


def in_codex(story: list[Act]) -> list[dict[str, Any]]:
    records = [codex_meta("s")]
    begins = {turn[0] for turn in turns_of(story)}

    def item(**payload: Any) -> None:
        records.append({"type": "response_item", "payload": payload})

    for n, act in enumerate(story):
        if act in begins:
            records += [event("task_complete"), event("task_started")]
        if act.kind == "ask":
            records.append(codex("user", f"ask {act.text}"))
        elif act.kind == "say":
            records.append(codex("assistant", act.text, phase="final_answer"))
        elif act.kind == "cut":
            records.append(codex("assistant", act.text, phase="commentary"))
        elif act.kind == "think":
            item(type="reasoning", content=[{"type": "reasoning_text", "text": "hm"}])
        elif act.kind in ("call", "lost call"):
            item(type="function_call", name="f", arguments="{}", call_id=f"c{n}")
            if act.kind == "call":
                output = f"output {act.text}"
                item(type="function_call_output", call_id=f"c{n}", output=output)
        elif act.kind == "steer":
            records.append(codex("user", f"also {act.text}"))
        else:
            tag = "subagent_notification"
            records.append(codex("user", f"<{tag}>{act.text}</{tag}>"))
    return records


def in_gemini(story: list[Act]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = [{"sessionId": "s"}]
    for n, act in enumerate(story):
        call = {"id": f"c{n}", "name": "f", "args": {}}
        if act.kind == "ask":
            records.append(gemini(f"m{n}", "user", f"ask {act.text}"))
        elif act.kind == "say":
            records.append(gemini(f"m{n}", "gemini", [{"text": act.text}]))
        elif act.kind == "cut":
            records.append(gemini(f"m{n}", "gemini", act.text))
            records.append(gemini(f"i{n}", "info", "Request cancelled."))
        elif act.kind == "think":
            thought = [{"subject": "hm", "description": act.text}]
            records.append(gemini(f"m{n}", "gemini", "", thoughts=thought))
        elif act.kind in ("call", "lost call"):
            records.append(gemini(f"m{n}", "gemini", [{"functionCall": call}]))
            if act.kind == "call":
                given = {"id": f"c{n}", "response": {"output": f"output {act.text}"}}
                parts = [{"functionResponse": given}]
                records.append(gemini(f"r{n}", "user", parts))
        elif act.kind == "steer":
            words = f"<user_input>\n- also {act.text}\n</user_input>"
            hint = f"User hints:\n{words}\n\nInternal instruction"
            given = {"id": "none", "response": {"output": "x"}}
            parts = [{"functionResponse": given}, {"text": hint}]
            records.append(gemini(f"m{n}", "user", parts))
        else:
            text = f"<state_snapshot>{act.text}</state_snapshot>"
            records.append(gemini(f"m{n}", "user", text))
    return records


WRITERS: dict[str, tuple[str, Callable[[list[Act]], list[dict[str, Any]]]]] = {
    "claude": ("projects/p/s.jsonl", in_claude),
    "codex": ("sessions/rollout-1.jsonl", in_codex),
    "gemini": ("tmp/p/chats/session-1.jsonl", in_gemini),
}


def counted(report: dict[str, Any]) -> int:
    return report["rows_out"] + sum(report["dropped"].values())


@settings(deadline=None, max_examples=60)
@given(story=acts, tool=st.sampled_from(sorted(WRITERS)))
def test_every_answer_is_the_assistants_last_text_and_every_turn_is_counted(
    tmp_path_factory: pytest.TempPathFactory, story: list[Act], tool: str
) -> None:
    home = tmp_path_factory.mktemp("s") / "h"
    place, writer = WRITERS[tool]
    write_lines(home / place, writer(story))
    rows, report = export(tool, home, context_tokens=10_000)
    assert report["rows_in"] == counted(report)
    said = {act.text for act in story if act.kind in ("say", "cut")}
    asked = {act.text for act in story if act.kind in ("ask", "steer")}
    for row in rows:
        assert set(row["output"].split("\n\n")) <= said
        for request in row["instruction"].split("\n\n"):
            assert request.split(" ", 1)[1] in asked
        if "messages" in row:
            last = row["messages"][-1]
            assert (last["role"], last["content"]) == ("assistant", row["output"])
            assert "tool_calls" not in last
            assert_well_formed(row["messages"])
    # A request is in one sample at most, as what is asked.
    requests = [part for row in rows for part in row["instruction"].split("\n\n")]
    assert len(requests) == len(set(requests))


def worked_out(story: list[Act], glued: bool) -> list[tuple[list[str], str]]:
    """(what was typed, the answer) of each turn that has an answer: the rules once
    more, from the story alone. `glued` says whether a text that was cut off is part of
    the text after it.
    """
    return [
        ([a.text for a in turn if a.kind in ("ask", "steer")], last_text(turn, glued))
        for turn in turns_of(story)
        if ends_in_answer(turn)
    ]


def last_text(turn: list[Act], glued: bool) -> str:
    texts: list[str] = []
    for act in reversed(turn):
        if act.kind == "say" or (act.kind == "cut" and glued):
            texts.insert(0, act.text)
        else:
            break
    return "\n\n".join(texts)


@settings(deadline=None, max_examples=60)
@given(story=acts, tool=st.sampled_from(["claude", "codex"]))
def test_generated_sessions_give_what_the_rules_give(
    tmp_path_factory: pytest.TempPathFactory, story: list[Act], tool: str
) -> None:
    home = tmp_path_factory.mktemp("w") / "h"
    place, writer = WRITERS[tool]
    write_lines(home / place, writer(story))
    rows, _ = export(tool, home)
    given_ = [
        ([part.split(" ", 1)[1] for part in row["instruction"].split("\n\n")], output)
        for row in rows
        for output in [row["output"]]
    ]
    assert given_ == worked_out(story, glued=tool == "claude")


def assert_well_formed(messages: list[dict[str, Any]]) -> None:
    """Every call has its result right behind it, and no speaker follows itself."""
    open_calls: list[str] = []
    before = ""
    for message in messages:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
        else:
            assert not open_calls
            assert message["role"] != "user" or before != "user"
        open_calls += [call["id"] for call in message.get("tool_calls", ())]
        before = message["role"]
    assert not open_calls


@pytest.mark.parametrize("name", every_format())
def test_on_every_format_turns_met_are_samples_and_reasons(
    name: str, tmp_path: Path
) -> None:
    kind, folder = every_format()[name]
    write(folder, tmp_path / "h")
    _, report = export(kind, tmp_path / "h")
    assert report["rows_in"] == counted(report)


SAMPLES = Path(__file__).parents[2] / "data" / "sample"


@pytest.mark.parametrize(
    "kind", ["claude", "codex", "gemini", "memory", "history", "toolbench"]
)
def test_on_the_embedded_sample_turns_met_are_samples_and_reasons(
    kind: str, tmp_path: Path
) -> None:
    (tmp_path / "h").symlink_to(SAMPLES / kind)
    _, report = export(kind, tmp_path / "h")
    assert report["rows_in"] == counted(report)


class Told(SessionGenerator):
    """A source whose session is told event by event."""

    harness = "claude/harness.json"
    told: list[Event]

    def sessions(self) -> Any:
        yield Session("s", "f.jsonl", self.told)


def samples(*events: Event, **options: Any) -> tuple[list[Any], dict[str, int]]:
    generator = Told("told", options=parse_options(Told, options, "told"))
    generator.told = list(events)
    rows = list(generator.generate())
    assert generator.tally.seen == len(rows) + sum(generator.tally.dropped.values())
    return rows, generator.tally.dropped


ASK, SAY = Prompt(["Why does it go out?"]), Said(ANSWER)
CALL, OUTPUT = Called("1", "Read", {"path": "a"}), Returned("1", "a.c:12: error")


@pytest.mark.parametrize(
    "ending",
    [
        (CALL, OUTPUT),
        (Said("I'll read the file first, then mend it."), CALL),
        (SAY, Stopped()),
        (SAY, Stopped(aside=True)),
        (CALL, OUTPUT, Thought("so it is")),
    ],
)
def test_what_is_no_answer_is_counted_so(ending: tuple[Event, ...]) -> None:
    assert samples(ASK, *ending) == ([], {"no_final_answer": 1})


def test_a_text_cut_off_and_gone_on_with_is_one_answer() -> None:
    (row,), _ = samples(ASK, Said("It drains one unit"), Stopped(), Said("of oil."))
    assert row.output == "It drains one unit\n\nof oil."


def test_what_was_only_announced_is_no_part_of_the_answer() -> None:
    aside = Said("I look at it now."), Stopped(aside=True)
    (row,), _ = samples(ASK, *aside, SAY)
    assert (row.output, row.messages) == (ANSWER, None)
    (row,), _ = samples(ASK, *aside, CALL, OUTPUT, SAY)
    assert row.messages[1]["content"] == "I look at it now."


NOTE = Prompt(["<task-notification>done</task-notification>"])
COMMAND = Prompt(["<command-name>/init</command-name>"])


@pytest.mark.parametrize("closing", [NOTE, COMMAND, Prompt(["x"], from_tool=True)])
def test_the_reply_to_the_tools_words_is_nobodys_answer(closing: Prompt) -> None:
    (row,), dropped = samples(ASK, SAY, closing, Said("Noted, the job has ended."))
    assert (row.output, dropped) == (ANSWER, {"harness_text": 1})


def test_a_command_before_the_answer_leaves_the_prompt_without_one() -> None:
    rows, dropped = samples(ASK, COMMAND, Said("The project is set up as you asked."))
    assert (rows, dropped) == ([], {"harness_text": 1, "no_answer": 1})


def test_a_notification_while_the_model_works_changes_nothing() -> None:
    (row,), dropped = samples(ASK, CALL, OUTPUT, NOTE, SAY)
    assert (row.output, dropped) == (ANSWER, {"harness_text": 1})


STOP = Prompt(["[Request interrupted by user]"])


def test_go_on_is_kept_with_what_it_goes_on_from() -> None:
    (row,), dropped = samples(ASK, CALL, OUTPUT, STOP, Prompt(["go on"]), SAY)
    assert row.instruction == "Why does it go out?\n\ngo on"
    roles = [message["role"] for message in row.messages]
    assert roles == ["user", "assistant", "tool", "user", "assistant"]
    assert dropped == {}


def test_go_on_with_nothing_before_it_is_kept_out() -> None:
    assert samples(Prompt(["Continue, please."]), SAY) == (
        [],
        {"nothing_to_go_on_from": 1},
    )
    rows, _ = samples(ASK, SAY, Prompt(["continue"]), Said(f"{ANSWER} And more."))
    assert [len(row.messages or ()) for row in rows] == [0, 4]


def test_an_error_is_over_when_the_model_goes_on() -> None:
    (row,), _ = samples(ASK, Faulted("api_error"), SAY)
    assert row.output == ANSWER


@pytest.mark.parametrize("picture", [Prompt([]), Prompt(["[Image #1]"])])
def test_a_picture_alone_asks_nothing_and_ends_the_turn_before(picture: Prompt) -> None:
    rows, dropped = samples(ASK, SAY, picture, Said("A fine picture of a lantern."))
    assert ([row.output for row in rows], dropped) == ([ANSWER], {"empty_request": 1})


def test_a_follow_up_shows_what_was_done_before() -> None:
    edit = Called("1", "Edit", {"old": "oil = 41", "new": "oil = 42"})
    story = (
        *(Prompt(["Set the oil to 42"]), edit, Returned("1", "edited")),
        *(Said("The oil is 42 now, as you asked."), Prompt(["Change it to 43"]), SAY),
    )
    _, second = samples(*story)[0]
    shown = json.dumps(second.messages)
    assert "oil = 41" in shown
    ids = [m["tool_call_id"] for m in second.messages if m["role"] == "tool"]
    assert ids == ["call_1"]
    (_, bare), _ = samples(*story, context_tokens=20)
    assert [m["role"] for m in bare.messages] == ["user", "assistant"] * 2


@given(
    sizes=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 300)), max_size=8),
    tokens=st.integers(0, 100),
)
def test_earlier_turns_stay_within_the_budget(
    sizes: list[tuple[int, int]], tokens: int
) -> None:
    earlier = EarlierTurns(tokens)
    for asked, given_ in sizes:
        call = {"id": "0", "function": {"name": "f", "arguments": "{}"}}
        earlier.add(
            [
                {"role": "user", "content": "a" * asked},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "0", "content": "b" * given_},
                {"role": "assistant", "content": "c" * asked},
            ]
        )
    rows = earlier.rows()
    assert sum(len(row.get("content") or "") for row in rows) <= tokens * 4
    assert len(rows) >= 2 or not rows
    assert rows == [] or rows[-1]["content"][0] == "c"


def test_a_prompt_typed_after_the_person_stopped_the_turn_is_a_turn() -> None:
    again = Prompt(["Look at the oil, rather"], joins=True)
    (row,), dropped = samples(ASK, CALL, OUTPUT, STOP, again, SAY)
    assert (row.instruction, dropped) == ("Look at the oil, rather", {"interrupted": 1})


def test_an_answer_whose_prompt_is_torn_takes_no_answers_place(tmp_path: Path) -> None:
    lines: list[Any] = claude_turns(3)
    lines[2] = json.dumps(lines[2])[:40]
    write_lines(tmp_path / "home/projects/x/s1.jsonl", lines)
    rows, report = export("claude", tmp_path / "home")
    asked = [row["instruction"] for row in rows]
    assert asked == ["question 0", "question 2"]
    assert rows[0]["output"].endswith("(0)")
    assert report["rejected"] == {"broken_json": 1}


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "home/projects/x/s1.jsonl", claude_turns(2))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    rows, report = export("claude", tmp_path / "home")
    assert (len(rows), report["rejected"]) == (2, {})


@pytest.mark.parametrize("size", [3_000, 30_000, 60_000, 200_000])
def test_a_result_that_redaction_shortens_is_not_lost(
    size: int, tmp_path: Path
) -> None:
    rng = Random(3)
    letters = string.ascii_letters + string.digits + "+/"
    blob = "".join(rng.choice(letters) for _ in range(size))
    content = f"File written OK\n{blob}\n{'end ' * 20}"
    call = {"type": "tool_use", "id": "t", "name": "Write", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": content}
    turns = [
        claude("q", None, "user", "write it"),
        claude("c", "q", "assistant", [call]),
        claude("r", "c", "user", [result]),
        claude("a", "r", "assistant", ANSWER),
    ]
    write_lines(tmp_path / "h" / "projects" / "p" / "s.jsonl", turns)
    (row,), _ = export("claude", tmp_path / "h")
    (told,) = [m["content"] for m in row["messages"] if m["role"] == "tool"]
    assert told.startswith("File written OK\n<REDACTED:")
    assert blob[-60:-20] not in told
    assert told.endswith("end") or "more characters]" in told


def test_to_go_on_twenty_thousand_times_takes_little_time(tmp_path: Path) -> None:
    asked = [claude("u0", None, "user", "do the big thing")]
    for number in range(1, 20_000):
        asked.append(claude(f"u{number}", f"u{number - 1}", "user", "continue"))
    answer = claude("a", asked[-1]["uuid"], "assistant", ANSWER)
    write_lines(tmp_path / "h" / "projects" / "p" / "s.jsonl", [*asked, answer])
    started = time.process_time()
    (row,), _ = export("claude", tmp_path / "h")
    assert row["output"] == ANSWER
    assert time.process_time() - started < 10
