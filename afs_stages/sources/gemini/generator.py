"""Gemini CLI's chats: `tmp/<project>/chats/session-*.json` (to 0.38) and
`.jsonl` (from 0.39).

A resumed `.json` lies beside its `.jsonl`: what both hold counts once,
from the `.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from afs_stages.sources.conversation import SessionGenerator
from afs_stages.sources.events import Event, LeftOut, Prompt, Session, dicts
from afs_stages.sources.files import read_document, walk
from afs_stages.sources.gemini.message_parts import told
from afs_stages.sources.gemini.replay import Chat, LocatedMessage, replay, rewound
from afs_stages.sources.unexpected import guarded_events


class GeminiGenerator(SessionGenerator):
    """Samples from Gemini CLI sessions."""

    default_domain = "gemini"
    harness = "gemini/harness.json"
    home = "~/.gemini"

    def sessions(self) -> Iterator[Session]:
        """Yield the sessions; the newer format first."""
        files = walk(self.roots, (".json", ".jsonl"))
        for name, path in sorted(
            files, key=lambda item: (item[0].endswith(".json"), item[0])
        ):
            in_chats = path.parent.name == "chats"
            nested = path.parent.parent.name == "chats"
            if nested or (in_chats and path.name.startswith("session-")):
                chat, messages = self._read(name, path)
                # Only a record that says nothing is judged by its folder.
                kind = chat.kind or ("subagent" if nested else "main")
                events = chain(
                    self._events(name, chat.session, messages),
                    self._taken_back(name, path, chat),
                )
                subagent = kind == "subagent"
                yield Session(chat.session, name, events, subagent=subagent)

    def _read(self, name: str, path: Path) -> tuple[Chat, Iterator[LocatedMessage]]:
        """(session, messages in order with their line)."""
        if path.suffix == ".jsonl":
            return replay(name, path, self.on_bad)
        document = read_document(name, path, self.on_bad)
        chat = Chat(path.stem)
        if not isinstance(document, dict):
            return chat, iter(())
        chat.session = str(document.get("sessionId") or path.stem)
        chat.kind = str(document.get("kind") or "")
        return chat, ((1, item) for item in dicts(document.get("messages")))

    def _taken_back(self, name: str, path: Path, chat: Chat) -> Iterator[Event]:
        """The prompts that the person took back, to be counted."""
        for number, message in rewound(name, path, chat, self.on_bad):
            told_then = told(chat.session, number, message)
            for event in guarded_events(told_then, self.on_bad, name, number):
                if isinstance(event, Prompt):
                    yield LeftOut("rolled_back", event.parts, event.key)

    def _events(
        self, name: str, session: str, messages: Iterator[LocatedMessage]
    ) -> Iterator[Event]:
        for number, message in messages:
            events = told(session, number, message)
            yield from guarded_events(events, self.on_bad, name, number)
