"""AFS history: `events_YYYYMMDD.jsonl`, large payloads in files of their
own beside them.

A model event is a sample: prompt (or the last message of the user) and response; the
system text and the turns before, which are samples of earlier events, are its context.
A payload reference must stay inside the root and match its sha256, which is checked
before anything is read from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import Conversation, ConversationOptions
from afs_stages.sources.events import Session
from afs_stages.sources.files import exists, read_records, record, referenced, walk
from afs_stages.sources.history.payload import exchange
from afs_stages.sources.unexpected import guarded_events

MAX_PAYLOAD_BYTES = 16 * 2**20


class HistoryOptions(ConversationOptions):
    """Options of a `history` source block."""

    event_types: tuple[str, ...] = ("model",)


class HistoryGenerator(BaseGenerator):
    """Samples from the AFS history."""

    Options = HistoryOptions
    default_domain = "history"
    home = "~/.context/history"
    options: HistoryOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per usable model event, day by day."""
        for name, path in walk(self.roots, (".jsonl",)):
            if not path.name.startswith("events_"):
                continue
            for number, event in read_records(name, path, self.on_bad):
                kind = str(event.get("type"))
                if kind not in self.options.event_types:
                    known = kind in ("tool", "fs", "cli")
                    self.tally.met(f"event_type_{kind if known else 'other'}")
                    continue
                payload = self._payload(name, path, number, event)
                if payload is None:
                    self.tally.met("no_payload")
                    continue
                id = str(event.get("id") or f"{path.stem}:{number}")
                told = exchange(payload, number)
                events = guarded_events(told, self.on_bad, name, number)
                session = Session(id, name, events, "event")
                yield from Conversation(self, session).samples()

    def _payload(
        self, name: str, path: Path, number: int, event: dict[str, Any]
    ) -> dict[str, Any] | None:
        inline = event.get("payload")
        if isinstance(inline, dict):
            return inline
        reference = event.get("payload_ref")
        if not isinstance(reference, str) or not reference:
            return None
        problem, data = _referenced(path.parent, reference)
        if not problem and hashlib.sha256(data).hexdigest() != event.get(
            "payload_sha256"
        ):
            problem = "payload_sha256"
        if problem:
            self.on_bad(
                BadRow(name, number, problem, "the referenced payload is not used")
            )
            return None
        value = record(name, number, data)
        if isinstance(value, BadRow):
            self.on_bad(value)
            return None
        return value


def _referenced(root: Path, reference: str) -> tuple[str, bytes]:
    """(reason it may not be read, its bytes)."""
    target = referenced(root, reference)
    if target is None:
        return "payload_escapes", b""
    if not exists(target):
        return "payload_missing", b""
    if target.stat().st_size > MAX_PAYLOAD_BYTES:
        return "payload_too_long", b""
    return "", target.read_bytes()
