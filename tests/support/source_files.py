"""Session files written for tests: the smallest records each tool's format allows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.sources.export import run
from afs_stages.sources.plugins import parse_options, source_class

ANSWER = "The lantern drains one unit of oil every sixteen frames."


def write_lines(path: Path, records: Iterable[Any]) -> Path:
    """A JSONL file; strings and bytes are written as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        r
        if isinstance(r, bytes)
        else (r if isinstance(r, str) else json.dumps(r)).encode()
        for r in records
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def export(
    kind: str, root: Path, **options: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows written, report) of a source below `root`."""
    cls = source_class(kind)
    output = root.parent / f"{root.name}-{kind}.jsonl"
    report = run(cls(kind, "", [root], parse_options(cls, options, kind)), output)
    return [
        json.loads(line) for line in output.read_bytes().splitlines()
    ], report.to_dict()


def rejects(kind: str, root: Path) -> list[dict[str, Any]]:
    """The rejects of the last export below `root`."""
    path = jsonl.rejects_path(root.parent / f"{root.name}-{kind}.jsonl")
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def claude(
    uuid: str,
    parent: str | None,
    role: str,
    content: Any,
    session: str = "s1",
    **more: Any,
) -> dict[str, Any]:
    """One record of Claude Code."""
    return {
        "type": role,
        "uuid": uuid,
        "parentUuid": parent,
        "sessionId": session,
        "isSidechain": False,
        "message": {"role": role, "content": content, **more.pop("message", {})},
        **more,
    }


def claude_turns(
    count: int, session: str = "s1", prefix: str = ""
) -> list[dict[str, Any]]:
    """A session of plain turns, each hanging on the one before."""
    records, parent = [], None
    for n in range(count):
        ask, say = f"{prefix}u{n}", f"{prefix}a{n}"
        records.append(claude(ask, parent, "user", f"{prefix}question {n}", session))
        records.append(
            claude(
                say,
                ask,
                "assistant",
                [{"type": "text", "text": f"{ANSWER} ({n})"}],
                session,
            )
        )
        parent = say
    return records


def codex(role: str, text: str, **more: Any) -> dict[str, Any]:
    """One message of a Codex rollout, in its envelope."""
    kind = "output_text" if role == "assistant" else "input_text"
    payload = {
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": text}],
        **more,
    }
    return {
        "timestamp": "2026-05-09T18:20:00Z",
        "type": "response_item",
        "payload": payload,
    }


def codex_meta(id: str, **more: Any) -> dict[str, Any]:
    """The first record of a rollout."""
    return {"type": "session_meta", "payload": {"id": id, "cwd": "/src", **more}}


def event(kind: str, **more: Any) -> dict[str, Any]:
    """An event of a rollout."""
    return {"type": "event_msg", "payload": {"type": kind, **more}}


def gemini(id: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    """One message of Gemini CLI."""
    return {
        "id": id,
        "timestamp": "2026-05-21T19:30:00Z",
        "type": kind,
        "content": content,
        **more,
    }


def instructions(rows: list[dict[str, Any]]) -> list[str]:
    """The requests, in order."""
    return [row["instruction"] for row in rows]
