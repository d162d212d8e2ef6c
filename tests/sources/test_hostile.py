"""Broken and hostile files: counted with file and line,
and the rest of the export goes on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from support.secrets import planted
from support.source_files import (
    ANSWER,
    claude,
    claude_turns,
    codex,
    codex_meta,
    export,
    gemini,
    instructions,
    rejects,
    write_lines,
)

from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import SessionGenerator
from afs_stages.sources.events import Event, Prompt, Said, Session
from afs_stages.sources.export import run
from afs_stages.sources.unexpected import guarded_events

BAD = {
    b'{"type":"user","uuid":"t': "broken_json",
    b'{"a":"\xff\xfe"}': "encoding",
    b'{"a":"\x00"}': "nul_byte",
    b"[1, 2]": "not_an_object",
    b"null": "not_an_object",
    b"[" * 5000: "broken_json",
}


def files(kind: str, home: Path) -> Path:
    return {
        "claude": home / "projects" / "-src" / "s1.jsonl",
        "codex": home / "sessions" / "rollout-2026-05-09T10-00-00-1.jsonl",
        "gemini": home / "tmp" / "p" / "chats" / "session-1.jsonl",
        "memory": home / "entries.jsonl",
        "history": home / "events_20260501.jsonl",
    }[kind]


def records(kind: str, ask: str, say: str) -> list[dict[str, object]]:
    if kind == "claude":
        turn = claude_turns(1)
        turn[0]["message"]["content"], turn[1]["message"]["content"] = ask, say
        return turn
    if kind == "codex":
        return [codex_meta("s"), codex("user", ask), codex("assistant", say)]
    if kind == "gemini":
        return [
            {"sessionId": "s"},
            gemini("1", "user", ask),
            gemini("2", "gemini", say),
        ]
    entry = {"prompt": ask, "response": say}
    return [
        entry if kind == "memory" else {"id": "1", "type": "model", "payload": entry}
    ]


KINDS = ("claude", "codex", "gemini", "memory", "history")


@pytest.mark.parametrize("kind", KINDS)
def test_bad_lines_are_counted_and_the_rest_goes_on(kind: str, tmp_path: Path) -> None:
    good = [json.dumps(r).encode() for r in records(kind, "a question", ANSWER)]
    write_lines(files(kind, tmp_path / "h"), [*good[:-1], *BAD, good[-1]])
    rows, report = export(kind, tmp_path / "h")
    assert instructions(rows) == ["a question"]
    assert sum(report["rejected"].values()) == len(BAD)
    found = rejects(kind, tmp_path / "h")
    assert [row["line"] for row in found] == list(
        range(len(good), len(good) + len(BAD))
    )
    assert [row["reason"] for row in found] == list(BAD.values())


@pytest.mark.parametrize("kind", KINDS)
def test_odd_characters_survive_as_text(kind: str, tmp_path: Path) -> None:
    odd = "line\u2028paragraph \ud800 lone \x00 nul \U0001f9ed end of the question"
    raw = [
        json.dumps(r, ensure_ascii=True) for r in records(kind, odd, f"{ANSWER} {odd}")
    ]
    write_lines(files(kind, tmp_path / "h"), raw)
    (row,), _ = export(kind, tmp_path / "h")
    assert "line\u2028paragraph" in row["instruction"]
    assert "\U0001f9ed end" in row["instruction"]
    assert "\x00" not in row["instruction"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_files_on_disk_does_not_matter(kind: str, tmp_path: Path) -> None:
    outputs = []
    for attempt, order in enumerate(([1, 2, 3], [3, 1, 2])):
        home = tmp_path / str(attempt) / "h"
        for n in order:
            path = files(kind, home)
            path = path.with_name(
                path.name.replace("1.jsonl", f"{n}.jsonl").replace(
                    "entries", f"entries{n}"
                )
            )
            write_lines(path, records(kind, f"question {n}", f"{ANSWER} {n}"))
        export(kind, home)
        outputs.append((home.parent / f"h-{kind}.jsonl").read_bytes())
    assert outputs[0] == outputs[1]


SECRETS = [
    row
    for row in planted(7)
    if row[0] in ("github-token", "anthropic-key", "jwt", "aws-key-id")
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "secret", [secret for _, _, secret in SECRETS], ids=[kind for kind, _, _ in SECRETS]
)
def test_a_secret_in_any_field_is_nowhere(
    kind: str, secret: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = files(kind, tmp_path / "h")
    path = path.with_name(path.name.replace(".jsonl", f"-{secret}.jsonl"))
    lines = [
        json.dumps(_plant(r, secret))
        for r in records(kind, f"about {secret}?", f"{ANSWER} {secret}")
    ]
    write_lines(path, [*lines, '{"broken": "' + secret, json.dumps([secret])])
    _, report = export(kind, tmp_path / "h")
    assert report["rejected"]
    written = b"".join(p.read_bytes() for p in tmp_path.glob("*.jsonl"))
    out, err = capfd.readouterr()
    assert secret not in written.decode() + json.dumps(report) + out + err


def _plant(record: dict[str, object], secret: str) -> dict[str, object]:
    """The secret in every further field that could be read: ids aside, which the
    formats are built on.
    """
    return {
        **record,
        "cwd": f"/x/{secret}",
        "gitBranch": secret,
        "tags": [secret],
        "slug": secret,
        "sessionId": secret,
    }


def test_long_lines_links_and_bombs(tmp_path: Path) -> None:
    home = tmp_path / "h"
    path = files("claude", home)
    turns = [json.dumps(r).encode() for r in claude_turns(2)]
    write_lines(path, [*turns[:2], b'{"a":"' + b"x" * (65 * 2**20) + b'"}', *turns[2:]])
    (home / "projects" / "loop").symlink_to(home / "projects", target_is_directory=True)
    (home / "projects" / "me.jsonl").symlink_to(path)
    rows, report = export("claude", home)
    assert len(rows) == 2
    assert report["rejected"] == {"line_too_long": 1}


BOMB = """
from afs_stages.core.stage_report import peak_memory_mb
import sys
from pathlib import Path
from afs_stages.sources.plugins import parse_options, source_class
from afs_stages.sources.export import run
cls = source_class(sys.argv[1])
report = run(cls(sys.argv[1], "", [Path(sys.argv[2])]), Path(sys.argv[3]))
print(report.rows_out, int(peak_memory_mb()))
"""


def test_a_bomb_costs_little_memory(tmp_path: Path) -> None:
    path = files("codex", tmp_path / "h")
    path.parent.mkdir(parents=True)
    compressor = zstandard.ZstdCompressor(level=1)
    with (
        path.with_name(path.name + ".zst").open("wb") as file,
        compressor.stream_writer(file) as stream,
    ):
        for record in records("codex", "a question", ANSWER):
            stream.write(json.dumps(record).encode() + b"\n")
        for _ in range(300):
            stream.write(b" " * 2**20)
    command = [
        sys.executable,
        "-c",
        BOMB,
        "codex",
        str(tmp_path / "h"),
        str(tmp_path / "out.jsonl"),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 1
    assert megabytes < 400


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(KINDS),
    junk=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    field=st.sampled_from(
        [
            "message",
            "payload",
            "content",
            "uuid",
            "parentUuid",
            "type",
            "toolCalls",
            "attachment",
            "$set",
            "$rewindTo",
            "thoughts",
            "items",
            "id",
            "isSidechain",
            "tags",
            "prompt",
            "payload_ref",
            "displayContent",
            "forkedFrom",
        ]
    ),
)
def test_a_field_of_the_wrong_shape_stops_nothing(
    tmp_path_factory: pytest.TempPathFactory, kind: str, junk: object, field: str
) -> None:
    home = tmp_path_factory.mktemp("j") / "h"
    good = records(kind, "a question", ANSWER)
    write_lines(
        files(kind, home),
        [json.dumps(r) for r in [*good, *({**r, field: junk} for r in good)]],
    )
    export(kind, home)


def nested(depth: int) -> object:
    value: object = {"command": "ls"}
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("depth", [10, 200, 400])
def test_arguments_however_deep_stop_nothing(depth: int, tmp_path: Path) -> None:
    call = {"type": "tool_use", "id": "t", "name": "Run", "input": nested(depth)}
    turns = [
        claude("q", None, "user", "a question"),
        claude("c", "q", "assistant", [call, {"type": "text"}]),
        claude("r", "c", "user", [{"type": "tool_result", "tool_use_id": "t"}]),
        claude("a", "r", "assistant", ANSWER),
    ]
    write_lines(files("claude", tmp_path / "h"), turns)
    (row,), _ = export("claude", tmp_path / "h")
    (made,) = [m["tool_calls"][0] for m in row["messages"] if "tool_calls" in m]
    is_whole = '"command":"ls"' in made["function"]["arguments"]
    assert is_whole == (depth < 32)
    assert is_whole or "nested more than" in made["function"]["arguments"]


@pytest.mark.parametrize("id", [[1], {"a": 1}, None, 7])
def test_a_call_may_be_named_by_anything(id: object, tmp_path: Path) -> None:
    called = {"functionCall": {"id": id, "name": "f", "args": {}}}
    answer = gemini("2", "gemini", [called, {"text": ANSWER}])
    answer["toolCalls"] = [{"id": id, "name": "f", "result": []}]
    chat = [{"sessionId": "s"}, gemini("1", "user", "a question"), answer]
    write_lines(files("gemini", tmp_path / "h"), chat)
    _, report = export("gemini", tmp_path / "h")
    assert report["rows_in"] == 1


@pytest.mark.parametrize(
    "message",
    [
        "{'name': 'f', 'arguments': 1j, 'response': 'r'}",
        "{'name': 'f', 'arguments': ..., 'response': 'r'}",
        "{'name': 'f', 'arguments': {('a', 1): b'x'}, 'response': {1, 2}}",
        "{'name': 'f', 'arguments': {'a': '\\ud800'}, 'response': 'r'}",
        '{"name": "f", "arguments": {"a": "\\ud800"}, "response": "\n"}',
    ],
)
def test_a_python_literal_may_hold_anything(message: str, tmp_path: Path) -> None:
    row = toolbench_answer(message)
    write_lines(tmp_path / "h" / "answer" / "1_a.json", [row])
    (sample,), report = export("toolbench", tmp_path / "h")
    assert sample["output"] == ANSWER
    assert not report["rejected"]


def toolbench_answer(message: str) -> dict[str, object]:
    """An answer of ToolBench's with one call, printed as Python."""
    details = [{"role": "tool", "message": message, "next": []}]
    answer = {"final_answer": ANSWER, "answer_details": details}
    return {"q": {"query": "find the lantern", "answer": answer}}


def test_a_secret_in_a_tuple_of_a_literal_is_nowhere(tmp_path: Path) -> None:
    secret = SECRETS[0][2]
    message = f"{{'name': 'f', 'arguments': {{'a': ('{secret}', b'{secret}')}}}}"
    write_lines(tmp_path / "h" / "answer" / "1_a.json", [toolbench_answer(message)])
    (sample,), _ = export("toolbench", tmp_path / "h")
    assert secret not in json.dumps(sample)
    assert "<REDACTED:" in json.dumps(sample)


class Breaking(SessionGenerator):
    """A reader with a fault that nobody foresaw, at one record of three."""

    def sessions(self) -> Iterator[Session]:
        yield Session("s", "log.jsonl", self._events())
        yield Session("t", "other.jsonl", [Prompt(["later"], 9), Said(ANSWER)])

    def _events(self) -> Iterator[Event]:
        for number in range(3):
            told = self._told(number)
            yield from guarded_events(told, self.on_bad, "log.jsonl", number)

    def _told(self, number: int) -> Iterator[Event]:
        yield Prompt([f"question {number}"], number)
        yield Said({0: ANSWER, 2: f"{ANSWER} Again."}[number])


def test_an_unforeseen_error_costs_one_record(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    report = run(Breaking("broken"), output)
    rows = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert instructions(rows) == ["question 0", "question 2", "later"]
    assert report.rejected == {"unexpected_error": 1}
    (bad,) = map(json.loads, (tmp_path / "out.rejects.jsonl").read_bytes().splitlines())
    assert (bad["file"], bad["line"]) == ("log.jsonl", 1)
    assert "KeyError in test_hostile.py" in bad["detail"]
    with pytest.raises(UserError, match="unexpected_error"):
        run(Breaking("broken"), output, strict=True)


class Unwritable(BaseGenerator):
    """A plugin whose gate fails on one of its samples."""

    def generate(self) -> Iterator[TrainingSample]:
        for number in range(2):
            yield TrainingSample(
                instruction=f"question {number}", output=ANSWER, domain="x", source="x"
            )


def test_an_unforeseen_error_of_a_gate_costs_one_sample(tmp_path: Path) -> None:
    def gate(sample: TrainingSample) -> str:
        return {"question 1": ""}[sample.instruction]  # fails for the other

    report = run(Unwritable("x"), tmp_path / "out.jsonl", keep=gate)
    assert (report.rows_out, report.rejected) == (1, {"unexpected_error": 1})
