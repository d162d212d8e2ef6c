"""AFS memory and history stores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from support.source_files import ANSWER, export, instructions, rejects, write_lines


def test_every_spelling_of_the_keys(tmp_path: Path) -> None:
    entries = [
        {
            "instruction": "one",
            "output": ANSWER,
            "thinking": "hm",
            "input": "given",
            "tags": ["b", "a"],
        },
        {
            "prompt": "two",
            "response": ANSWER,
            "_metadata": "no mapping",
            "labels": "x, y",
        },
        {"user": "three", "assistant": ANSWER, "tag": "z"},
        {"prompt": "four"},
        {"output": ANSWER},
        {"prompt": "five", "response": "ok"},
        {"content": "a note that nobody allowed to be used"},
    ]
    write_lines(tmp_path / "h" / "entries.jsonl", entries)
    rows, report = export("memory", tmp_path / "h")
    assert instructions(rows) == ["one", "two", "three"]
    assert (rows[0]["input"], rows[0]["thinking"], rows[0]["_metadata"]["tags"]) == (
        "given",
        "hm",
        ["a", "b"],
    )
    assert report["dropped"] == {
        "empty_request": 1,
        "no_answer": 1,
        "note_without_leave": 1,
        "short_answer": 1,
    }


def test_notes_by_rule(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    (home / "a.md").write_text(
        f"---\ntags: [allow_raw]\n---\n# The lantern\n\n{ANSWER}\n"
    )
    (home / "b.txt").write_text(f"{ANSWER} In text.")
    (home / "knowledge_graph.json").write_text('{"content": "not a sample at all"}')
    (home / "c.json").write_text(json.dumps([{"prompt": "p", "response": ANSWER}, 3]))
    rows, report = export("memory", home)
    assert instructions(rows) == ["What do the notes say about The lantern?", "p"]
    assert report["rejected"] == {"not_an_object": 1}
    assert len(export("memory", home, allow_raw=True)[0]) == 3


def event(id: str, **more: object) -> dict[str, object]:
    return {"id": id, "type": "model", "source": "cli", **more}


def test_events_and_payloads(tmp_path: Path) -> None:
    home = tmp_path / "h"
    payload = json.dumps({"prompt": "from a file?", "response": ANSWER}).encode()
    (home / "payloads").mkdir(parents=True)
    (home / "payloads" / "p.json").write_bytes(payload)
    (tmp_path / "outside.json").write_bytes(payload)
    (home / "payloads" / "link.json").symlink_to(tmp_path / "outside.json")
    digest = hashlib.sha256(payload).hexdigest()
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"text": "listed?"}]},
    ]
    events = [
        event("1", payload={"prompt": "inline?", "response": ANSWER}),
        event(
            "2", payload={"messages": messages, "response": {"content": ANSWER + " 2"}}
        ),
        event("3", payload_ref="payloads/p.json", payload_sha256=digest),
        event("4", payload_ref="../outside.json", payload_sha256=digest),
        event("5", payload_ref="payloads/link.json", payload_sha256=digest),
        event("6", payload_ref="payloads/p.json", payload_sha256="0" * 64),
        event("7", payload_ref="payloads/gone.json", payload_sha256=digest),
        event(
            "8", payload={"prompt": "failed?", "response": ANSWER, "error": "timeout"}
        ),
        {**event("9"), "type": "tool", "payload": {}},
    ]
    write_lines(home / "events_20260502.jsonl", events)
    rows, report = export("history", home)
    assert instructions(rows) == ["inline?", "listed?", "from a file?"]
    assert report["rejected"] == {
        "payload_escapes": 2,
        "payload_sha256": 1,
        "payload_missing": 1,
    }
    assert report["dropped"] == {"api_error": 1, "event_type_tool": 1, "no_payload": 4}
    assert [row["line"] for row in rejects("history", home)] == [4, 5, 6, 7]


def test_the_same_entry_with_and_without_thinking_is_one_sample(tmp_path: Path) -> None:
    entry = {"prompt": "Why?", "response": ANSWER}
    for n, entries in enumerate(
        ([entry, {**entry, "thinking": "hm"}], [{**entry, "thinking": "hm"}, entry])
    ):
        home = tmp_path / str(n) / "h"
        write_lines(home / "entries.jsonl", entries)
        rows, report = export("memory", home)
        assert len(rows) == 1
        assert report["dropped"] == {"exact_duplicate": 1}


def test_a_list_of_messages_keeps_what_was_said_before(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": "Why does it go out?"},
        {"role": "assistant", "content": f"{ANSWER} (1)"},
        {"role": "user", "content": [{"type": "text", "text": "And when?"}]},
    ]
    payload = {"messages": messages, "response": f"{ANSWER} (2)"}
    write_lines(tmp_path / "h" / "events_1.jsonl", [event("1", payload=payload)])
    (row,), report = export("history", tmp_path / "h")
    assert (row["instruction"], row["output"]) == ("And when?", f"{ANSWER} (2)")
    assert [m["role"] for m in row["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert report["rows_in"] == 1
    ended = {"messages": [*messages, {"role": "assistant", "content": ANSWER}]}
    write_lines(tmp_path / "h" / "events_1.jsonl", [event("1", payload=ended)])
    assert export("history", tmp_path / "h")[0][0]["output"] == ANSWER


def test_every_form_of_a_response(tmp_path: Path) -> None:
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": ANSWER}]
    message = {"role": "assistant", "content": ANSWER, "reasoning_content": "hm"}
    responses = [
        blocks,
        {"type": "message", "content": blocks, "stop_reason": "end_turn"},
        {"choices": [{"message": message, "finish_reason": "stop"}]},
        {"content": ANSWER, "thinking": "hm"},
    ]
    events = [
        event(str(n), payload={"prompt": f"ask {n}?", "response": response})
        for n, response in enumerate(responses)
    ]
    cut = {"choices": [{"message": message, "finish_reason": "length"}]}
    odd = {"verdict": {"score": 5}}
    for n, response in enumerate((cut, odd), len(events)):
        events.append(event(str(n), payload={"prompt": "ask?", "response": response}))
    write_lines(tmp_path / "h" / "events_1.jsonl", events)
    rows, report = export("history", tmp_path / "h")
    said = [(row["output"], row["thinking"]) for row in rows]
    assert said == [(ANSWER, "hm")] * len(responses)
    assert report["dropped"] == {"no_answer": 1, "no_final_answer": 1}


def test_what_a_person_noted_is_no_tools_text(tmp_path: Path) -> None:
    entry = {"prompt": "<oil>\nWhat is this element?", "response": ANSWER}
    write_lines(tmp_path / "h" / "entries.jsonl", [entry])
    assert len(export("memory", tmp_path / "h")[0]) == 1


def test_a_response_nested_without_end_stops_nothing(tmp_path: Path) -> None:
    response = '{"content": ' * 400 + '"x"' + "}" * 400
    raw = json.dumps(event("1", payload={"prompt": "Why?", "response": 0}))
    write_lines(
        tmp_path / "h" / "events_1.jsonl", [raw.replace(": 0}", f": {response}}}")]
    )
    rows, report = export("history", tmp_path / "h")
    assert (rows, report["rows_in"]) == ([], 1)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ('"oil": 16, "unit": "frames"}', '{"oil": 16, "unit": "frames"}'),
        ('{"oil": 16, "unit": "frames"}', '{"oil": 16, "unit": "frames"}'),
    ],
)
def test_an_answer_goes_on_from_what_was_put_in_its_mouth(
    response: str, answer: str, tmp_path: Path
) -> None:
    messages = [
        {"role": "user", "content": "how much oil, as JSON?"},
        {"role": "assistant", "content": "{"},
    ]
    payload = {"messages": messages, "response": response}
    event = {"id": "1", "type": "model", "payload": payload}
    write_lines(tmp_path / "h" / "events_20260501.jsonl", [event])
    (row,), _ = export("history", tmp_path / "h")
    assert row["output"] == answer
