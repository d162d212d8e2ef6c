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

from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.claude.message_tree import kept_lines
from afs_stages.sources.claude.record_text import (
    blocks,
    human_text,
    is_harness,
    queued_prompt,
    tool_results,
    was_interrupted,
)
from afs_stages.sources.conversation import ConversationOptions, Dialogue
from afs_stages.sources.files import read_records, walk

_NOT_SESSIONS = ("history.jsonl",)


class ClaudeOptions(ConversationOptions):
    """Options of a `claude` source block."""

    include_subagents: bool = False


class ClaudeGenerator(BaseGenerator):
    """Samples from Claude Code sessions."""

    Options = ClaudeOptions
    default_domain = "claude"
    options: ClaudeOptions

    @classmethod
    def default_roots(cls) -> list[Path]:
        """CLAUDE_CONFIG_DIR (a comma list) replaces the two usual places."""
        given = os.environ.get("CLAUDE_CONFIG_DIR", "")
        places = given.split(",") if given else ["~/.claude", "~/.config/claude"]
        return [Path(place.strip()).expanduser() for place in places if place.strip()]

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session."""
        seen: set[str] = set()
        for name, path in walk(self.roots, (".jsonl",)):
            if path.name in _NOT_SESSIONS:
                continue
            subagent = "subagents/" in name or path.name.startswith("agent-")
            if subagent and not self.options.include_subagents:
                self.tally.drop("subagent_file")
                continue
            yield from self._session(name, path, subagent, seen)

    def _session(
        self, name: str, path: Path, subagent: bool, seen: set[str]
    ) -> Iterator[TrainingSample]:
        kept = kept_lines(path, subagent)
        dialogue: Dialogue | None = None
        for number, record in read_records(name, path, self.on_bad):
            if number >= len(kept):
                break
            if not kept[number]:
                if subagent or not record.get("isSidechain"):
                    self._count_branch(record, seen)
                continue
            dialogue = dialogue or Dialogue(
                self, _session_id(record, path), name, self.options
            )
            sample = self._take(dialogue, number, record, seen)
            if sample:
                yield sample
        sample = dialogue.close() if dialogue else None
        if sample:
            yield sample

    def _count_branch(self, record: dict[str, Any], seen: set[str]) -> None:
        if (
            record.get("type") == "user"
            and str(record.get("uuid")) not in seen
            and human_text(record)
        ):
            self.tally.drop("other_branch")

    def _take(
        self, dialogue: Dialogue, number: int, record: dict[str, Any], seen: set[str]
    ) -> TrainingSample | None:
        kind, text = record.get("type"), ""
        if kind == "assistant":
            _answer(dialogue, record)
        elif kind == "attachment":
            text = queued_prompt(record)
        elif kind == "user":
            for id, content in tool_results(record):
                dialogue.result(id, content)
            if was_interrupted(record):
                dialogue.fail("interrupted")
            text = human_text(record)
            if not text and is_harness(record):
                self.tally.drop("harness_text")
        if not text:
            return None
        uuid = str(record.get("uuid"))
        fault = "repeated" if uuid in seen else ""
        seen.add(uuid)
        return dialogue.ask(text, number, fault)


def _session_id(record: dict[str, Any], path: Path) -> str:
    """The session a fork came from, else the record's own; the file's name where
    neither is said.
    """
    origin = record.get("forkedFrom")
    forked = origin.get("sessionId") if isinstance(origin, dict) else None
    return str(forked or record.get("sessionId") or path.stem)


def _answer(dialogue: Dialogue, record: dict[str, Any]) -> None:
    message = record.get("message")
    model = message.get("model") if isinstance(message, dict) else ""
    if record.get("isApiErrorMessage") or model == "<synthetic>":
        dialogue.fail("api_error")
        return
    dialogue.mend("api_error")
    for block in blocks(record):
        kind = block.get("type")
        if kind == "text":
            dialogue.say(str(block.get("text") or ""))
        elif kind == "thinking":
            dialogue.think(str(block.get("thinking") or ""))
        elif kind == "tool_use":
            dialogue.call(
                str(block.get("id") or ""),
                str(block.get("name") or ""),
                block.get("input") or {},
            )
