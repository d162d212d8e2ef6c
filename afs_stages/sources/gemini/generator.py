"""Gemini CLI's chats: `tmp/<project>/chats/session-*.json` (to 0.38) and
`.jsonl` (from 0.39).

A resumed `.json` lies beside its `.jsonl`: what both hold counts once,
from the `.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import ConversationOptions, Dialogue
from afs_stages.sources.files import read_document, walk
from afs_stages.sources.gemini.replay import LocatedMessage, replay

_IGNORED = ("/", "?", "<session_context>", "<hook_context>")


class GeminiOptions(ConversationOptions):
    """Options of a `gemini` source block."""

    include_subagents: bool = False


class GeminiGenerator(BaseGenerator):
    """Samples from Gemini CLI sessions."""

    Options = GeminiOptions
    default_domain = "gemini"
    home = "~/.gemini"
    options: GeminiOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session; the newer format first."""
        seen: set[tuple[str, str]] = set()
        files = walk(self.roots, (".json", ".jsonl"))
        for name, path in sorted(
            files, key=lambda item: (item[0].endswith(".json"), item[0])
        ):
            if not self._is_session(path):
                continue
            session, messages = self._read(name, path)
            dialogue = Dialogue(self, session, name, self.options)
            asked: set[tuple[str, str]] = set()
            for number, message in messages:
                sample = self._take(dialogue, session, number, message, seen, asked)
                if sample:
                    yield sample
            seen |= asked
            sample = dialogue.close()
            if sample:
                yield sample

    def _is_session(self, path: Path) -> bool:
        if path.parent.name == "chats":
            return path.name.startswith("session-")
        if path.parent.parent.name != "chats":
            return False
        if not self.options.include_subagents:
            self.tally.drop("subagent_file")
        return self.options.include_subagents

    def _read(self, name: str, path: Path) -> tuple[str, Iterator[LocatedMessage]]:
        """(session id, messages in order with their line)."""
        if path.suffix == ".jsonl":
            return replay(name, path, self.on_bad)
        document = read_document(name, path, self.on_bad)
        document = document if isinstance(document, dict) else {}
        messages = document.get("messages")
        found = (
            (1, m)
            for m in (messages if isinstance(messages, list) else [])
            if isinstance(m, dict)
        )
        return str(document.get("sessionId") or path.stem), found

    def _take(
        self,
        dialogue: Dialogue,
        session: str,
        number: int,
        message: dict[str, Any],
        seen: set[tuple[str, str]],
        asked: set[tuple[str, str]],
    ) -> TrainingSample | None:
        kind = message.get("type")
        if kind == "gemini":
            _answer(dialogue, message)
        elif kind == "error":
            dialogue.fail("api_error")
        if kind != "user":
            return None
        text = _text(message.get("displayContent") or message.get("content"))
        if text.startswith(_IGNORED):
            self.tally.drop("harness_text")
            return None
        if not text:
            return None
        key = (session, text)
        asked.add(key)
        return dialogue.ask(text, number, "repeated" if key in seen else "")


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = content if isinstance(content, list) else [content]
    return [
        {"text": part} if isinstance(part, str) else part
        for part in parts
        if isinstance(part, str | dict)
    ]


def _text(content: Any) -> str:
    return "\n".join(
        str(p["text"])
        for p in _parts(content)
        if p.get("text") and not p.get("thought")
    ).strip()


def _answer(dialogue: Dialogue, message: dict[str, Any]) -> None:
    thoughts = message.get("thoughts")
    for thought in thoughts if isinstance(thoughts, list) else []:
        if isinstance(thought, dict):
            dialogue.think(
                ": ".join(
                    str(thought[key])
                    for key in ("subject", "description")
                    if thought.get(key)
                )
            )
    for part in _parts(message.get("content")):
        if part.get("thought") is True:
            dialogue.think(str(part.get("text") or ""))
    text = _text(message.get("content"))
    if text:
        dialogue.mend("api_error")
        dialogue.say(text)
    calls = message.get("toolCalls")
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            id = str(call.get("id") or "")
            dialogue.call(id, str(call.get("name") or ""), call.get("args") or {})
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            dialogue.result(str(call.get("id") or ""), _result(call))


def _result(call: dict[str, Any]) -> str:
    texts = []
    for part in _parts(call.get("result") or []):
        response = part.get("functionResponse")
        if isinstance(response, dict) and isinstance(response.get("response"), dict):
            inner = response["response"]
            texts.append(
                str(
                    inner.get("output")
                    or inner.get("error")
                    or msgspec.json.encode(inner).decode()
                )
            )
        elif part.get("text"):
            texts.append(str(part["text"]))
    return "\n".join(texts) or str(call.get("status") or "")
