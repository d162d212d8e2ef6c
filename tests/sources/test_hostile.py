"""Broken and hostile files: counted with file and line,
and the rest of the export goes on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from support.secrets import planted
from support.source_files import (
    ANSWER,
    claude_turns,
    codex,
    codex_meta,
    export,
    gemini,
    instructions,
    rejects,
    write_lines,
)

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
