"""Claude Code's session logs: `projects/<folder>/<session>.jsonl`, one line per content block.

A session is a tree (`parentUuid`): the path to its last leaf is the conversation, the other branches
were rewound. Resumed and forked sessions repeat lines under the same `uuid`; they count once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator
from afs_stages.sources.conversation import Conversation, ConversationOptions, Turn, samples, tool_call
from afs_stages.sources.files import walk

_REMINDER = re.compile(r"<system-reminder>.{0,100000}?</system-reminder>", re.S)
_HARNESS = (
    "<command-name>", "<command-message>", "<command-args>", "<local-command-stdout>", "<local-command-caveat>",
    "<bash-input>", "<bash-stdout>", "<bash-stderr>", "<task-notification>", "<user-prompt-submit-hook>",
    "Caveat:", "Stop hook feedback:", "This session is being continued", "Warmup",
)  # fmt: skip
_INTERRUPT = "[Request interrupted by user"


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
            if path.name == "history.jsonl":
                continue
            subagent = "subagents/" in name or path.name.startswith("agent-")
            if subagent and not self.options.include_subagents:
                self.tally.drop("subagent_file")
                continue
            for conversation in self._read(path, subagent, seen):
                yield from samples(self, conversation, self.options)

    def _read(self, path: Path, subagent: bool, seen: set[str]) -> Iterator[Conversation]:
        records: dict[str, tuple[int, dict[str, Any]]] = {}
        last = ""
        for number, record in jsonl.read_objects(path, self.on_bad):
            uuid = record.get("uuid")
            if not isinstance(uuid, str) or record.get("type") not in ("user", "assistant", "system", "attachment"):
                continue
            records[uuid] = (number, record)
            if record["type"] in ("user", "assistant") and (subagent or not record.get("isSidechain")):
                last = uuid
        branch = _path(records, last)
        if branch:
            yield _conversation(path, branch, seen, self)
        self.tally.drop("other_branch", _prompts_outside(records, branch, subagent, seen))
        seen.update(records)


def _path(records: dict[str, tuple[int, dict[str, Any]]], leaf: str) -> list[tuple[int, dict[str, Any]]]:
    """The records from the root to a leaf; a circle of parents ends the walk."""
    path: list[tuple[int, dict[str, Any]]] = []
    visited: set[str] = set()
    while leaf in records and leaf not in visited:
        visited.add(leaf)
        number, record = records[leaf]
        path.append((number, record))
        leaf = record.get("parentUuid") or record.get("logicalParentUuid") or ""
    return path[::-1]


def _prompts_outside(
    records: dict[str, tuple[int, dict[str, Any]]],
    branch: list[tuple[int, dict[str, Any]]],
    subagent: bool,
    seen: set[str],
) -> int:
    inside = {record["uuid"] for _, record in branch} | seen
    outside = (r for uuid, (_, r) in records.items() if uuid not in inside and r["type"] == "user")
    return sum(1 for r in outside if (subagent or not r.get("isSidechain")) and _human_text(r))


def _conversation(
    path: Path, branch: list[tuple[int, dict[str, Any]]], seen: set[str], generator: BaseGenerator
) -> Conversation:
    first = branch[0][1]
    session = str((first.get("forkedFrom") or {}).get("sessionId") or first.get("sessionId") or path.stem)
    conversation = Conversation(session, path.name)
    turn: Turn | None = None
    for number, record in branch:
        if record["type"] == "assistant":
            if turn is not None:
                _add_assistant(turn, record)
            continue
        if record["type"] == "attachment":
            text = _queued_prompt(record)
        elif record["type"] == "user":
            if turn is not None:
                turn.steps += _tool_results(record)
            text = _human_text(record)
            if _was_interrupted(record) and turn is not None:
                turn.fault = turn.fault or "interrupted"
            if not text and _is_harness(record):
                generator.tally.drop("harness_text")
        else:
            text = ""
        if text:
            turn = Turn(text, number, fault="repeated" if record["uuid"] in seen else "")
            conversation.turns.append(turn)
    return conversation


def _blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [{"type": "text", "text": b} if isinstance(b, str) else b for b in content if isinstance(b, str | dict)]


def _texts(record: dict[str, Any]) -> list[str]:
    return [b["text"] for b in _blocks(record) if b.get("type") == "text" and isinstance(b.get("text"), str)]


def _not_human(record: dict[str, Any]) -> bool:
    origin = record.get("origin")
    foreign = isinstance(origin, dict) and origin.get("kind") not in (None, "human")
    return bool(record.get("isMeta") or record.get("isCompactSummary") or foreign)


def _human_text(record: dict[str, Any]) -> str:
    """What the person typed; empty for harness text, tool results and interrupts."""
    if _not_human(record):
        return ""
    kept = []
    for text in _texts(record):
        text = _REMINDER.sub("", text).strip()
        if text and not text.startswith((_INTERRUPT, *_HARNESS)):
            kept.append(text)
    return "\n\n".join(kept)


def _is_harness(record: dict[str, Any]) -> bool:
    return any(text.strip() and not text.lstrip().startswith(_INTERRUPT) for text in _texts(record))


def _was_interrupted(record: dict[str, Any]) -> bool:
    return any(text.lstrip().startswith(_INTERRUPT) for text in _texts(record))


def _queued_prompt(record: dict[str, Any]) -> str:
    attachment = record.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") != "queued_command":
        return ""
    if _not_human(attachment) or attachment.get("commandMode") not in (None, "prompt"):
        return ""
    prompt = attachment.get("prompt")
    return prompt.strip() if isinstance(prompt, str) else ""


def _add_assistant(turn: Turn, record: dict[str, Any]) -> None:
    message = record.get("message")
    model = message.get("model") if isinstance(message, dict) else ""
    if record.get("isApiErrorMessage") or model == "<synthetic>":
        turn.fault = turn.fault or "api_error"
        return
    if turn.fault == "api_error":
        turn.fault = ""
    for block in _blocks(record):
        kind = block.get("type")
        if kind == "text" and str(block.get("text", "")).strip():
            turn.steps.append({"role": "assistant", "content": block["text"].strip()})
        elif kind == "thinking" and str(block.get("thinking", "")).strip():
            turn.thinking.append(block["thinking"].strip())
        elif kind == "tool_use":
            arguments = msgspec.json.encode(block.get("input") or {}).decode()
            turn.steps.append(tool_call(str(block.get("id", "")), str(block.get("name", "")), arguments))


def _tool_results(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "role": "tool",
            "tool_call_id": str(block.get("tool_use_id", "")),
            "content": _result_text(block.get("content")),
        }
        for block in _blocks(record)
        if block.get("type") == "tool_result"
    ]


def _result_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(
        str(item.get("text", "")) if item.get("type") == "text" else f"[{item.get('type', 'content')}]"
        for item in content
        if isinstance(item, dict)
    )
