"""Codex CLI's rollouts: `sessions/YYYY/MM/DD/rollout-*.jsonl[.zst]` and
`archived_sessions/`, all four eras.

Response items are the conversation; event messages only mirror them and tell of aborted
and rolled-back turns. Forks copy the history of their parent, compaction repeats
prompts: both count once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.codex.response_items import (
    output_text,
    reasoning,
    request_of,
    text_of,
)
from afs_stages.sources.conversation import ConversationOptions, Dialogue
from afs_stages.sources.files import read_document, read_records, walk
from afs_stages.sources.toolcalls import arguments_of

_OUTPUTS = (
    "function_call_output",
    "custom_tool_call_output",
    "local_shell_call_output",
)
Record = tuple[int, dict[str, Any]]


class CodexOptions(ConversationOptions):
    """Options of a `codex` source block."""

    include_subagents: bool = False


class CodexGenerator(BaseGenerator):
    """Samples from Codex sessions."""

    Options = CodexOptions
    default_domain = "codex"
    options: CodexOptions

    @classmethod
    def default_roots(cls) -> list[Path]:
        """CODEX_HOME, or `~/.codex`."""
        return [Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()]

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session."""
        repeats: set[bytes] = set()
        for name, path in _rollouts(self.roots):
            session = Session(self, name, path, repeats)
            for number, record in self._records(name, path):
                sample = session.take(number, record)
                if sample:
                    yield sample
                if session.skipped:
                    break
            sample = session.dialogue.close() if session.dialogue else None
            if sample:
                yield sample

    def _records(self, name: str, path: Path) -> Iterator[Record]:
        if path.suffix != ".json":
            yield from read_records(name, path, self.on_bad)
            return
        document = read_document(name, path, self.on_bad)
        if not isinstance(document, dict):
            return
        if isinstance(document.get("session"), dict):
            yield 1, {"type": "session_meta", "payload": document["session"]}
        items = document.get("items")
        yield from (
            (1, item)
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        )


def _rollouts(roots: list[Path]) -> Iterator[tuple[str, Path]]:
    """Rollout files by name, which is by time; plain wins over `.zst`, `sessions/` over
    `archived_sessions/`.
    """
    chosen: dict[str, tuple[tuple[bool, bool, str], Path]] = {}
    for name, path in walk(roots, (".jsonl", ".jsonl.zst", ".json")):
        if not path.name.startswith("rollout-"):
            continue
        key = path.name.removesuffix(".zst")
        rank = ("archived_sessions" in name, name.endswith(".zst"), name)
        if key not in chosen or rank < chosen[key][0]:
            chosen[key] = (rank, path)
    yield from ((chosen[key][0][2], chosen[key][1]) for key in sorted(chosen))


class Session:
    """One rollout, taken record by record."""

    def __init__(
        self, generator: CodexGenerator, name: str, path: Path, repeats: set[bytes]
    ) -> None:
        self.generator, self.name, self.path, self.repeats = (
            generator,
            name,
            path,
            repeats,
        )
        self.dialogue: Dialogue | None = None
        self.skipped = False
        self._metas = self._asked = 0
        self._retracted = _retracted(name, path)

    def take(self, number: int, record: dict[str, Any]) -> TrainingSample | None:
        """Take one record of any era: an envelope `{type, payload}` or a bare item."""
        payload, kind = record.get("payload"), record.get("type")
        if isinstance(payload, dict):
            if kind == "session_meta":
                self._meta(payload)
            elif kind == "response_item":
                return self._item(number, payload)
            elif (
                kind == "event_msg"
                and payload.get("type") == "turn_aborted"
                and self.dialogue
            ):
                self.dialogue.fail("aborted")
        elif kind is None and "id" in record:
            self._meta(record)
        elif record.get("record_type") is None:
            return self._item(number, record)
        return None

    def _meta(self, payload: dict[str, Any]) -> None:
        self._metas += 1
        if (
            _is_subagent(payload)
            and self._metas == 1
            and not self.generator.options.include_subagents
        ):
            self.generator.tally.drop("subagent_file")
            self.skipped = True
            return
        origin = payload.get("forked_from_id") or payload.get("parent_thread_id")
        if self._metas == 1:
            self._open(str(origin or payload.get("id") or ""))
        if self.dialogue and (origin or self._metas > 1):
            self.dialogue.forked = True

    def _open(self, session: str) -> Dialogue:
        stem = (
            self.path.name.removesuffix(".zst")
            .removesuffix(".jsonl")
            .removesuffix(".json")
        )
        self.dialogue = Dialogue(
            self.generator, session or stem, self.name, self.generator.options
        )
        self.dialogue.repeats = self.repeats
        return self.dialogue

    def _item(self, number: int, item: dict[str, Any]) -> TrainingSample | None:
        dialogue = self.dialogue or self._open("")
        kind = item.get("type")
        call = str(item.get("call_id") or item.get("id") or "")
        if kind == "message":
            return self._message(dialogue, number, item)
        if kind == "reasoning":
            for text in reasoning(item):
                dialogue.think(text)
        elif kind == "function_call":
            name = ".".join(
                str(part) for part in (item.get("namespace"), item.get("name")) if part
            )
            dialogue.call(call, name, arguments_of(str(item.get("arguments") or "{}")))
        elif kind == "custom_tool_call":
            dialogue.call(
                call, str(item.get("name") or ""), str(item.get("input") or "")
            )
        elif kind == "local_shell_call":
            dialogue.call(call, "local_shell", item.get("action") or {})
        elif kind in _OUTPUTS:
            dialogue.result(call, output_text(item.get("output")))
        return None

    def _message(
        self, dialogue: Dialogue, number: int, item: dict[str, Any]
    ) -> TrainingSample | None:
        text = text_of(item.get("content"))
        if item.get("role") == "assistant":
            dialogue.say(text)
        if item.get("role") != "user" or not text:
            return None
        request = request_of(text)
        if not request:
            self.generator.tally.drop("harness_text")
            return None
        self._asked += 1
        return dialogue.ask(
            request, number, "rolled_back" if self._asked in self._retracted else ""
        )


def _is_subagent(meta: dict[str, Any]) -> bool:
    source = meta.get("source")
    return isinstance(source, dict) and "subagent" in source


def _retracted(name: str, path: Path) -> set[int]:
    """Which turns of a session (from 1) were taken back by a later
    `thread_rolled_back`.
    """
    stack: list[int] = []
    taken: set[int] = set()
    asked = 0
    if path.suffix == ".json" or not _mentions(path, b"thread_rolled_back"):
        return taken
    for _, record in read_records(name, path, lambda bad: None):
        payload = record.get("payload")
        item = payload if isinstance(payload, dict) else record
        if (
            item.get("type") == "message"
            and item.get("role") == "user"
            and record.get("type") != "event_msg"
        ):
            if request_of(text_of(item.get("content"))):
                asked += 1
                stack.append(asked)
        elif item.get("type") == "thread_rolled_back":
            count = item.get("num_turns")
            count = (
                min(count, len(stack)) if isinstance(count, int) and count > 0 else 0
            )
            taken.update(stack[len(stack) - count :])
            del stack[len(stack) - count :]
    return taken


def _mentions(path: Path, word: bytes) -> bool:
    return any(word in line for _, line in jsonl.read_lines(path, lambda bad: None))
