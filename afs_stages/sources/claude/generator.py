"""Claude Code's session logs: `projects/<folder>/<session>.jsonl`,
one line per content block.

A session is a tree (`parentUuid`): the path to its last leaf is the conversation, the
other branches were rewound. Resumed and forked sessions repeat lines under the same
`uuid`; they count once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.sources.claude.message_tree import MessageTree, message_tree
from afs_stages.sources.claude.record_text import prompts, told
from afs_stages.sources.conversation import SessionGenerator
from afs_stages.sources.events import Event, LeftOut, Lost, Session
from afs_stages.sources.files import read_records, walk
from afs_stages.sources.unexpected import guarded_events

_NOT_SESSIONS = ("history.jsonl",)
Record = dict[str, Any]


class ClaudeGenerator(SessionGenerator):
    """Samples from Claude Code sessions."""

    default_domain = "claude"
    harness = "claude/harness.json"

    @classmethod
    def default_roots(cls) -> list[Path]:
        """CLAUDE_CONFIG_DIR (a comma list) replaces the two usual places."""
        given = os.environ.get("CLAUDE_CONFIG_DIR", "")
        places = given.split(",") if given else ["~/.claude", "~/.config/claude"]
        return [Path(place.strip()).expanduser() for place in places if place.strip()]

    def sessions(self) -> Iterator[Session]:
        """Yield the sessions by the names of their files."""
        for name, path in walk(self.roots, (".jsonl",)):
            if path.name in _NOT_SESSIONS:
                continue
            tree = message_tree(path)
            events = self._events(name, path, tree)
            id = _session_id(path, tree)
            yield Session(id, name, events, subagent=tree.subagent)

    def _events(self, name: str, path: Path, tree: MessageTree) -> Iterator[Event]:
        for number, record in read_records(name, path, self.on_bad):
            if number >= len(tree.kept):
                break  # written since the tree was read
            events = _told(number, record, tree)
            yield from guarded_events(events, self.on_bad, name, number)


def _session_id(path: Path, tree: MessageTree) -> str:
    """The session a fork came from, else the first record's own; the file's name where
    neither is said.
    """
    records = read_records(path.name, path, lambda bad: None)
    record = next((record for number, record in records if tree.holds(number)), {})
    origin = record.get("forkedFrom")
    forked = origin.get("sessionId") if isinstance(origin, dict) else None
    return str(forked or record.get("sessionId") or path.stem)


def _told(number: int, record: Record, tree: MessageTree) -> Iterator[Event]:
    """The events of a record, on the conversation's path or beside it."""
    if tree.holds(number):
        if number in tree.orphans and record.get("type") == "assistant":
            yield Lost()
        yield from told(number, record)
        return
    reason = "subagent_turn" if record.get("isSidechain") else "other_branch"
    for prompt in prompts(number, record):
        if not prompt.from_tool:
            yield LeftOut(reason, prompt.parts, prompt.key)
