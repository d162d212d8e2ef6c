"""Memory stays bounded whatever the size of a session,
and a file may grow while it is read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.source_files import (
    ANSWER,
    claude_turns,
    codex,
    codex_meta,
    gemini,
    write_lines,
)

from afs_stages.core.jsonl import BadRow
from afs_stages.sources.plugins import source_class

ROOT = Path(__file__).parents[2]
MEASURE = """
import sys
from pathlib import Path
from afs_stages.core.stage_report import peak_memory_mb
from afs_stages.sources.plugins import source_class
from afs_stages.sources.export import run
report = run(source_class(sys.argv[1])(sys.argv[1], "", [Path(sys.argv[2])]), \
Path(sys.argv[3]))
print(report.rows_out, sum(report.rejected.values()), int(peak_memory_mb()))
"""
WRITE = """
import sys
from pathlib import Path
import logs
logs.write(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
"""


def child(code: str, *args: str) -> list[int]:
    """The numbers that a program prints, run in a process of its own."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks" / "sources")))
    command = [sys.executable, "-c", code, *args]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    return (
        [int(number) for number in done.stdout.splitlines()[-1].split()]
        if done.stdout
        else []
    )


@pytest.mark.parametrize("kind", ["claude", "codex", "gemini", "toolbench"])
def test_a_large_session_takes_little_memory(kind: str, tmp_path: Path) -> None:
    child(WRITE, kind, str(tmp_path / "h"), "60")
    rows, _, megabytes = child(
        MEASURE, kind, str(tmp_path / "h"), str(tmp_path / "out.jsonl")
    )
    assert rows > 1000
    assert megabytes < 200


@pytest.mark.parametrize(("megabytes", "rejected"), [(50, 0), (70, 1)])
def test_a_line_of_fifty_megabytes(
    megabytes: int, rejected: int, tmp_path: Path
) -> None:
    turns = claude_turns(2)
    turns[0]["toolUseResult"] = "x" * (megabytes * 2**20)
    extra = claude_turns(1, prefix="later ")
    extra[0]["parentUuid"] = "a1"
    write_lines(tmp_path / "h" / "projects" / "p" / "s.jsonl", [*turns, *extra])
    rows, bad, peak = child(
        MEASURE, "claude", str(tmp_path / "h"), str(tmp_path / "out.jsonl")
    )
    assert (rows, bad) == (3 - rejected, rejected)
    assert peak < 400


def lines(kind: str, number: int) -> list[dict[str, object]]:
    ask, say = f"question {number}", f"{ANSWER} {number}"
    if kind == "claude":
        return claude_turns(number + 1)[2 * number :]
    if kind == "codex":
        return [
            *([codex_meta("s")] if number == 0 else []),
            codex("user", ask),
            codex("assistant", say),
        ]
    if kind == "gemini":
        return [gemini(f"{number}u", "user", ask), gemini(f"{number}g", "gemini", say)]
    entry = {"prompt": ask, "response": say}
    return [
        entry
        if kind == "memory"
        else {"id": str(number), "type": "model", "payload": entry}
    ]


PLACES = {
    "claude": "projects/p/s.jsonl",
    "codex": "sessions/rollout-1.jsonl",
    "gemini": "tmp/p/chats/session-1.jsonl",
    "memory": "entries.jsonl",
    "history": "events_1.jsonl",
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_file_that_grows_while_it_is_read(kind: str, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / PLACES[kind], [line for n in range(3) for line in lines(kind, n)]
    )
    bad: list[BadRow] = []
    generator = source_class(kind)(kind, "", [tmp_path])
    generator.on_bad = bad.append
    found = []
    for sample in generator.generate():
        found.append(sample.instruction)
        if len(found) == 1:
            more = b"".join(
                json.dumps(line).encode() + b"\n" for line in lines(kind, 3)
            )
            with path.open("ab") as file:
                file.write(more + b'{"half a line": "')
    assert found[:3] == ["question 0", "question 1", "question 2"]
    assert set(found[3:]) <= {"question 3"}
    assert {row.reason for row in bad} <= {"broken_json"}


@pytest.mark.parametrize("kind", PLACES)
def test_a_file_that_is_written_anew_while_it_is_read(
    kind: str, tmp_path: Path
) -> None:
    path = write_lines(
        tmp_path / PLACES[kind], [line for n in range(3) for line in lines(kind, n)]
    )
    generator = source_class(kind)(kind, "", [tmp_path])
    samples = generator.generate()
    assert next(samples).instruction == "question 0"
    path.write_bytes(path.read_bytes()[7:50])
    assert {sample.instruction for sample in samples} <= {"question 1", "question 2"}
