"""Codex CLI's rollouts: `sessions/YYYY/MM/DD/rollout-*.jsonl[.zst]` and `archived_sessions/`, all four eras.

Response items are the conversation; event messages only mirror them and tell of aborted and rolled-back
turns. Forks copy the history of their parent, compaction repeats prompts: both count once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import Conversation, ConversationOptions, Turn, samples, tool_call
from afs_stages.sources.files import walk

_HARNESS = (
    "<environment_context>", "<user_instructions>", "# AGENTS.md instructions", "<skill>", "<user_shell_command>",
    "<turn_aborted>", "<subagent_notification>", "<recommended_plugins>", "<hook", "<permissions", "<INSTRUCTIONS>",
)  # fmt: skip
_IDE_REQUEST = "## My request for Codex:"


class CodexGenerator(BaseGenerator):
    """Samples from Codex sessions."""

    Options = ConversationOptions
    default_domain = "codex"
    options: ConversationOptions

    @classmethod
    def default_roots(cls) -> list[Path]:
        """CODEX_HOME, or `~/.codex`."""
        return [Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()]

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session."""
        seen: set[str] = set()
        for _name, path in _rollouts(self.roots):
            session = Session(path)
            for number, record in _records(path, self.on_bad):
                session.add(number, record)
            for turn in session.conversation.turns:
                key = f"{turn.request}\x1f{turn.answer}"
                if session.forked and key in seen:
                    turn.fault = "repeated"
                seen.add(key)
            self.tally.drop("rolled_back", session.rolled_back)
            self.tally.drop("harness_text", session.harness)
            yield from samples(self, session.conversation, self.options)


def _rollouts(roots: list[Path]) -> Iterator[tuple[str, Path]]:
    """Rollout files; the plain one wins over its `.zst`, `sessions/` over `archived_sessions/`."""
    chosen: dict[str, tuple[str, Path]] = {}
    for name, path in walk(roots, (".jsonl", ".jsonl.zst", ".json")):
        if not path.name.startswith("rollout-"):
            continue
        key = path.name.removesuffix(".zst")
        rank = ("archived_sessions" in name, name.endswith(".zst"))
        if key not in chosen or rank < ("archived_sessions" in chosen[key][0], chosen[key][0].endswith(".zst")):
            chosen[key] = (name, path)
    yield from (chosen[key] for key in sorted(chosen))


def _records(path: Path, on_bad: jsonl.OnBad) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix != ".json":
        yield from jsonl.read_objects(path, on_bad)
        return
    if path.stat().st_size > jsonl.MAX_LINE_BYTES:
        on_bad(jsonl.BadRow(path.name, 1, "line_too_long", f"{path.stat().st_size} bytes"))
        return
    value = jsonl.parse(path.name, 1, path.read_bytes())
    if isinstance(value, jsonl.BadRow):
        on_bad(value)
        return
    if isinstance(value.get("session"), dict):
        yield 1, {"type": "session_meta", "payload": value["session"]}
    for item in value.get("items") or []:
        if isinstance(item, dict):
            yield 1, item


class Session:
    """One rollout read record by record."""

    def __init__(self, path: Path) -> None:
        name = path.name.removesuffix(".zst").removesuffix(".jsonl").removesuffix(".json")
        self.conversation = Conversation(name, path.name)
        self.forked = False
        self.rolled_back = 0
        self.harness = 0
        self._metas = 0

    def add(self, number: int, record: dict[str, Any]) -> None:
        """Take one record of any era: an envelope `{type, payload}` or a bare item."""
        payload = record.get("payload")
        if isinstance(payload, dict):
            kind = record.get("type")
            if kind == "session_meta":
                self._meta(payload)
            elif kind == "response_item":
                self._item(number, payload)
            elif kind == "event_msg":
                self._event(payload)
        elif record.get("type") is None and "id" in record:
            self._meta(record)
        elif record.get("record_type") is None:
            self._item(number, record)

    def _meta(self, payload: dict[str, Any]) -> None:
        self._metas += 1
        origin = payload.get("forked_from_id") or payload.get("parent_thread_id")
        self.forked = self.forked or bool(origin) or self._metas > 1
        if self._metas == 1:
            self.conversation.session = str(origin or payload.get("id") or self.conversation.session)

    def _event(self, payload: dict[str, Any]) -> None:
        turns = self.conversation.turns
        if payload.get("type") == "turn_aborted" and turns:
            turns[-1].fault = turns[-1].fault or "aborted"
        elif payload.get("type") == "thread_rolled_back":
            count = payload.get("num_turns")
            count = min(count, len(turns)) if isinstance(count, int) and count > 0 else 0
            del turns[len(turns) - count :]
            self.rolled_back += count

    def _item(self, number: int, item: dict[str, Any]) -> None:
        kind = item.get("type")
        if kind == "message":
            self._message(number, item)
            return
        if not self.conversation.turns:
            return
        turn = self.conversation.turns[-1]
        call = str(item.get("call_id") or item.get("id") or "")
        if kind == "reasoning":
            turn.thinking += [s["text"] for s in item.get("summary") or [] if isinstance(s, dict) and s.get("text")]
        elif kind == "function_call":
            name = ".".join(str(part) for part in (item.get("namespace"), item.get("name")) if part)
            turn.steps.append(tool_call(call, name, str(item.get("arguments") or "{}")))
        elif kind == "custom_tool_call":
            arguments = msgspec.json.encode({"input": str(item.get("input") or "")}).decode()
            turn.steps.append(tool_call(call, str(item.get("name") or ""), arguments))
        elif kind == "local_shell_call":
            arguments = msgspec.json.encode(item.get("action") or {}).decode()
            turn.steps.append(tool_call(call, "local_shell", arguments))
        elif kind in ("function_call_output", "custom_tool_call_output", "local_shell_call_output"):
            turn.steps.append({"role": "tool", "tool_call_id": call, "content": _output(item.get("output"))})

    def _message(self, number: int, item: dict[str, Any]) -> None:
        text = _text(item.get("content"))
        turns = self.conversation.turns
        if item.get("role") == "assistant" and turns and text:
            turns[-1].steps.append({"role": "assistant", "content": text})
        elif item.get("role") == "user":
            request = _request(text)
            if request:
                turns.append(Turn(request, number))
            elif text:
                self.harness += 1


def _request(text: str) -> str:
    """What the person asked; empty for text the harness wrote."""
    if _IDE_REQUEST in text:
        text = text.split(_IDE_REQUEST, 1)[1]
    text = text.strip()
    return "" if text.startswith(_HARNESS) else text


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return ""
    kinds = ("input_text", "output_text", "text")
    parts = [
        c["text"] for c in content if isinstance(c, dict) and c.get("type") in kinds and isinstance(c.get("text"), str)
    ]
    harness = [p for p in parts if p.lstrip().startswith(_HARNESS)]
    return "\n\n".join(parts if len(harness) == len(parts) else [p for p in parts if p not in harness]).strip()


def _output(output: Any) -> str:
    if isinstance(output, str):
        try:
            inner = jsonl.decode(output)
        except (msgspec.DecodeError, RecursionError):
            return output
        return str(inner["output"]) if isinstance(inner, dict) and isinstance(inner.get("output"), str) else output
    if isinstance(output, list):
        return "\n".join(str(part.get("text", "")) for part in output if isinstance(part, dict))
    return _output(output.get("content")) if isinstance(output, dict) else ""
