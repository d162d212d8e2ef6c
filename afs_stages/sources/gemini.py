"""Gemini CLI's chats: `tmp/<project>/chats/session-*.json` (to 0.38) and `.jsonl` (from 0.39).

In the JSONL form a repeated id replaces the earlier message, `$set` updates the session and
`$rewindTo` takes a message and all after it back. A resumed `.json` lies beside its `.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import Conversation, ConversationOptions, Turn, samples, tool_call
from afs_stages.sources.files import walk

_IGNORED = ("/", "?", "<session_context>", "<hook_context>")


class GeminiGenerator(BaseGenerator):
    """Samples from Gemini CLI sessions."""

    Options = ConversationOptions
    default_domain = "gemini"
    home = "~/.gemini"
    options: ConversationOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session; the newer of a resumed pair first."""
        seen: set[tuple[str, str]] = set()
        for _name, path in sorted(
            walk(self.roots, (".json", ".jsonl")), key=lambda item: (item[0].endswith(".json"), item[0])
        ):
            if not path.name.startswith("session-") or path.parent.name != "chats":
                continue
            session, messages = self._read(path)
            conversation = Conversation(session, path.name)
            for number, message in messages:
                self._add(conversation, number, message)
            for turn in conversation.turns:
                key = (session, turn.request)
                turn.fault = turn.fault or ("repeated" if key in seen and path.suffix == ".json" else "")
                seen.add(key)
            yield from samples(self, conversation, self.options)

    def _read(self, path: Path) -> tuple[str, list[tuple[int, dict[str, Any]]]]:
        """(session id, messages in order with their line)."""
        if path.suffix == ".jsonl":
            return _replay(path, self.on_bad)
        if path.stat().st_size > jsonl.MAX_LINE_BYTES:
            self.on_bad(jsonl.BadRow(path.name, 1, "line_too_long", f"{path.stat().st_size} bytes"))
            return path.stem, []
        value = jsonl.parse(path.name, 1, path.read_bytes())
        if isinstance(value, jsonl.BadRow):
            self.on_bad(value)
            return path.stem, []
        messages = [(1, m) for m in value.get("messages") or [] if isinstance(m, dict)]
        return str(value.get("sessionId") or path.stem), messages

    def _add(self, conversation: Conversation, number: int, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "user":
            text = _text(message.get("displayContent") or message.get("content"))
            if text and not text.startswith(_IGNORED):
                conversation.turns.append(Turn(text, number))
            elif text:
                self.tally.drop("harness_text")
        elif kind == "gemini" and conversation.turns:
            _add_answer(conversation.turns[-1], message)
        elif kind == "error" and conversation.turns and not conversation.turns[-1].answer:
            conversation.turns[-1].fault = conversation.turns[-1].fault or "api_error"


def _replay(path: Path, on_bad: jsonl.OnBad) -> tuple[str, list[tuple[int, dict[str, Any]]]]:
    session, messages = path.stem, dict[str, tuple[int, dict[str, Any]]]()
    for number, record in jsonl.read_objects(path, on_bad):
        if "$rewindTo" in record:
            ids = list(messages)
            target = record["$rewindTo"]
            for key in ids[ids.index(target) if target in messages else 0 :]:
                del messages[key]
        elif isinstance(record.get("$set"), dict):
            changed = record["$set"].get("messages")
            if isinstance(changed, list):
                messages = {str(m.get("id", i)): (number, m) for i, m in enumerate(changed) if isinstance(m, dict)}
        elif "type" in record:
            key = str(record.get("id", number))
            messages[key] = (messages[key][0] if key in messages else number, record)
        elif "sessionId" in record:
            session = str(record["sessionId"])
    return session, list(messages.values())


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = content if isinstance(content, list) else [content]
    return [{"text": part} if isinstance(part, str) else part for part in parts if isinstance(part, str | dict)]


def _text(content: Any) -> str:
    return "\n".join(str(p["text"]) for p in _parts(content) if p.get("text") and not p.get("thought")).strip()


def _add_answer(turn: Turn, message: dict[str, Any]) -> None:
    for thought in message.get("thoughts") or []:
        if isinstance(thought, dict):
            words = [str(thought[key]) for key in ("subject", "description") if thought.get(key)]
            turn.thinking.append(": ".join(words))
    turn.thinking += [
        str(p["text"]) for p in _parts(message.get("content")) if p.get("thought") is True and p.get("text")
    ]
    text = _text(message.get("content"))
    if text:
        turn.steps.append({"role": "assistant", "content": text})
    for call in message.get("toolCalls") or []:
        if not isinstance(call, dict):
            continue
        id = str(call.get("id") or "")
        turn.steps.append(
            tool_call(id, str(call.get("name") or ""), msgspec.json.encode(call.get("args") or {}).decode())
        )
        turn.steps.append({"role": "tool", "tool_call_id": id, "content": _result(call)})


def _result(call: dict[str, Any]) -> str:
    texts = []
    for part in _parts(call.get("result") or []):
        response = part.get("functionResponse")
        if isinstance(response, dict) and isinstance(response.get("response"), dict):
            inner = response["response"]
            texts.append(str(inner.get("output") or inner.get("error") or msgspec.json.encode(inner).decode()))
        elif part.get("text"):
            texts.append(str(part["text"]))
    return "\n".join(texts) or str(call.get("status") or "")
