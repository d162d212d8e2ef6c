"""Codex CLI's rollouts: `sessions/YYYY/MM/DD/rollout-*.jsonl[.zst]` and
`archived_sessions/`, all four eras.

Response items are the conversation; event messages only mirror them and tell of turns
begun, aborted and rolled back. Forks copy the history of their parent, compaction
repeats prompts: both count once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.jsonl import OnBad
from afs_stages.sources.codex.response_items import told
from afs_stages.sources.conversation import SessionGenerator, retracted_lines
from afs_stages.sources.events import (
    Began,
    Called,
    Ended,
    Event,
    Faulted,
    Prompt,
    Returned,
    RolledBack,
    Session,
    dicts,
)
from afs_stages.sources.files import read_document, read_records, walk
from afs_stages.sources.unexpected import guarded_events

_BEGINS, _ENDS = ("task_started", "turn_started"), ("task_complete", "turn_complete")
Record = tuple[int, dict[str, Any]]


class CodexGenerator(SessionGenerator):
    """Samples from Codex sessions."""

    default_domain = "codex"
    harness = "codex/harness.json"

    @classmethod
    def default_roots(cls) -> list[Path]:
        """CODEX_HOME, or `~/.codex`."""
        return [Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()]

    def sessions(self) -> Iterator[Session]:
        """Yield the sessions by time."""
        for name, path in _rollouts(self.roots):
            session = _session(name, path, self.on_bad)
            if path.suffix != ".json" and _mentions(path, b"thread_rolled_back"):
                again = _session(name, path, lambda bad: None)
                session.retracted = retracted_lines(again, self.harness)
            yield session


def _rollouts(roots: list[Path]) -> Iterator[tuple[str, Path]]:
    """Rollout files by name, which is by time. Of the copies of a session, plain wins
    over `.zst`, `sessions/` over `archived_sessions/`.
    """
    alike: dict[str, list[tuple[bool, bool, str, Path]]] = {}
    for name, path in walk(roots, (".jsonl", ".jsonl.zst", ".json")):
        if path.name.startswith("rollout-"):
            archived, packed = "archived_sessions" in name, name.endswith(".zst")
            key = path.name.removesuffix(".zst")
            alike.setdefault(key, []).append((archived, packed, name, path))
    for key in sorted(alike):
        taken: set[str] = set()
        for _, _, name, path in sorted(alike[key]):
            # Files of one name are copies only where they hold one session.
            told = _own_id(path) if len(alike[key]) > 1 else ""
            session = told or name.removesuffix(".zst")
            if session not in taken:
                taken.add(session)
                yield name, path


def _own_id(path: Path) -> str:
    """The id in the header of a rollout; empty where it has none."""
    _, record = next(_records(path.name, path, lambda bad: None), (0, {}))
    return str((_meta(record) or {}).get("id") or "")


def _session(name: str, path: Path, on_bad: OnBad) -> Session:
    """A rollout. A fork's begins with its own header and its parent's."""
    records = _records(name, path, on_bad)
    metas: list[dict[str, Any]] = []
    ahead: list[Record] = []
    for number, record in records:
        meta = _meta(record)
        if meta is None:
            ahead.append((number, record))
            break
        metas.append(meta)
    first = metas[0] if metas else {}
    origin = first.get("forked_from_id") or first.get("parent_thread_id")
    id = str(origin or first.get("id") or path.name.partition(".")[0])
    session = Session(id, name, _events(chain(ahead, records), name, on_bad))
    session.forked = bool(origin) or len(metas) > 1
    session.subagent = _is_subagent(first)
    return session


def _records(name: str, path: Path, on_bad: OnBad) -> Iterator[Record]:
    if path.suffix != ".json":
        yield from read_records(name, path, on_bad)
        return
    document = read_document(name, path, on_bad)
    if not isinstance(document, dict):
        return
    yield 1, {"type": "session_meta", "payload": document.get("session")}
    for item in dicts(document.get("items")):
        yield 1, item


def _meta(record: dict[str, Any]) -> dict[str, Any] | None:
    """The header of a session that a record is, of the envelope's era or before."""
    payload = record.get("payload")
    if record.get("type") == "session_meta":
        return payload if isinstance(payload, dict) else {}
    bare = record.get("type") is None and payload is None and "id" in record
    return record if bare else None


def _is_subagent(meta: dict[str, Any]) -> bool:
    source = meta.get("source")
    spawned = isinstance(source, dict) and "subagent" in source
    return spawned or meta.get("thread_source") == "subagent"


def _events(records: Iterator[Record], name: str, on_bad: OnBad) -> Iterator[Event]:
    """Events of records of any era: an envelope `{type, payload}` or a bare item."""
    waiting: set[str] = set()
    working = turns_told = False
    for number, record in records:
        payload = record.get("payload")
        if isinstance(payload, dict) and record.get("type") == "event_msg":
            for event in _event(payload):
                turns_told = turns_told or isinstance(event, Began)
                yield event
            continue
        item = payload if record.get("type") == "response_item" else record
        if not isinstance(item, dict) or (item is record and payload is not None):
            continue
        for event in guarded_events(told(number, item), on_bad, name, number):
            if isinstance(event, Called):
                waiting.add(event.id)
            elif isinstance(event, Returned):
                waiting.discard(event.id)
            elif isinstance(event, Prompt):
                # Older rollouts tell no turns: all calls answered and nothing said
                # since means that the model was at work.
                event = event._replace(joins=working and not turns_told)
            working = isinstance(event, Returned) and not waiting
            yield event


def _event(payload: dict[str, Any]) -> Iterator[Event]:
    kind = payload.get("type")
    if kind in _BEGINS:
        yield Began()
    elif kind in _ENDS:
        yield Ended()
    elif kind == "turn_aborted":
        yield Faulted("aborted")
        yield Ended()
    elif kind == "error":
        yield Faulted("api_error")
    elif kind == "thread_rolled_back":
        turns = payload.get("num_turns")
        yield RolledBack(turns if isinstance(turns, int) else 0)


def _mentions(path: Path, word: bytes) -> bool:
    return any(word in line for _, line in jsonl.read_lines(path, lambda bad: None))
