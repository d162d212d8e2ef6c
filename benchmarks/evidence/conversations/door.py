"""Texts through the real door: sessions exported by the command line, redaction on.

Each text is a session of its own: a person sends it, the assistant repeats it, and the
last line, a prompt with the text in it, is torn, so that it must be rejected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.evidence.conversations.situations import strings

ROOT = Path(__file__).parents[3]
ASK = """Question {} of the list: what does this part of the output mean?

{}

I see it twice."""
ANSWER = """This is the part that matters here:

{}

Nothing else in the output stands out."""


@dataclass
class Export:
    """What one export left: rows and rejects by session, and all it printed."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""

    def printed(self) -> str:
        """Everything the command printed."""
        return f"{self.stdout}\n{self.stderr}"


def export(texts: list[str]) -> Export:
    """Export one session a text; session `case-0007` holds `texts[7]`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "home" / "projects" / "-srv-app"
        project.mkdir(parents=True)
        for number, text in enumerate(texts):
            path = project / f"{case(number)}.jsonl"
            path.write_text("\n".join(_session(number, text)), "utf-8")
        output = folder / "out.jsonl"
        command = [sys.executable, "-m", "afs_stages.cli", "training", "claude-export"]
        options = ["--root", str(folder / "home"), "--output", str(output), "--redact"]
        done = subprocess.run(
            [*command, *options],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        )
        if done.returncode:
            raise SystemExit(f"error: the export failed: {done.stderr[-2000:]}")
        result = Export(stdout=done.stdout, stderr=done.stderr)
        for row in _lines(output):
            file = Path(row["_metadata"]["provenance"]["file"]).stem
            result.rows.setdefault(file, []).append(row)
        for row in _lines(folder / "out.rejects.jsonl"):
            file = Path(str(row.get("file"))).stem
            result.rejects.setdefault(file, []).append(row)
        return result


def case(number: int) -> str:
    """A session's name."""
    return f"case-{number:04d}"


def seen(rows: list[dict[str, Any]]) -> str:
    """All text of rows, decoded; ids made from content are left out."""
    kept = [{k: v for k, v in row.items() if k != "sample_id"} for row in rows]
    return "\n".join(strings(kept))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text("utf-8").split("\n"):
            if line:
                yield json.loads(line)


def _session(number: int, text: str) -> Iterator[str]:
    request = _record(number, 1, "user", ASK.format(number, text))
    blocks = [{"type": "text", "text": ANSWER.format(text)}]
    answer = _record(number, 2, "assistant", blocks)
    yield json.dumps(request)
    yield json.dumps(answer)
    yield json.dumps(_record(number, 3, "user", ASK.format(number, text)))[:-40]


def _record(number: int, line: int, role: str, content: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": role, "content": content}
    if role == "assistant":
        message |= {"id": "msg_a", "type": "message", "model": "claude"}
        message |= {"stop_reason": "end_turn"}
    return {
        "type": role,
        "message": message,
        "uuid": f"{case(number)}-{line}",
        "parentUuid": f"{case(number)}-{line - 1}" if line > 1 else None,
        "sessionId": case(number),
        "isSidechain": False,
        "userType": "external",
        "cwd": "/srv/app",
        "version": "2.1.263",
        "timestamp": f"2026-09-14T10:00:0{line}.000Z",
    }
