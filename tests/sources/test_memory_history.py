"""AFS memory and history stores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

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
