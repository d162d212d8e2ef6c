"""AFS history: `events_YYYYMMDD.jsonl`, large payloads in files of their
own beside them.

A model event is a sample: prompt (or the last user message) and response. A payload
reference must stay inside the root and match its sha256, which is checked before
anything is read from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import ConversationOptions, Dialogue
from afs_stages.sources.files import exists, read_records, record, referenced, walk

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
                    self.tally.seen += 1
                    self.tally.drop(
                        f"event_type_{kind}"
                        if kind in ("tool", "fs", "cli")
                        else "event_type_other"
                    )
                    continue
                payload = self._payload(name, path, number, event)
                if payload is None:
                    self.tally.seen += 1
                    self.tally.drop("no_payload")
                    continue
                session = str(event.get("id") or f"{path.stem}:{number}")
                sample = _exchange(
                    Dialogue(self, session, name, self.options, "event"),
                    payload,
                    number,
                )
                if sample:
                    yield sample

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


def _exchange(
    dialogue: Dialogue, payload: dict[str, Any], number: int
) -> TrainingSample | None:
    """The sample of one model event: the prompt, or the last message of the user,
    and the response.
    """
    listed = payload.get("messages")
    messages = [
        m for m in (listed if isinstance(listed, list) else []) if isinstance(m, dict)
    ]
    asked = [
        text
        for m in messages
        if m.get("role") == "user" and (text := _text(m.get("content")))
    ]
    dialogue.ask(_text(payload.get("prompt")) or (asked[-1] if asked else ""), number)
    answer = _text(payload.get("response"))
    if not answer and messages and messages[-1].get("role") == "assistant":
        answer = _text(messages[-1].get("content"))
    dialogue.say(answer)
    if payload.get("error"):
        dialogue.fail("api_error")
    return dialogue.close()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "\n".join(part for item in value if (part := _text(item))).strip()
    if isinstance(value, dict):
        for key in ("content", "text", "output"):
            if key in value:
                return _text(value[key])
        return msgspec.json.encode(value).decode() if value else ""
    return ""
