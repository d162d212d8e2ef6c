"""What a record of Claude Code says, and who said it: a person, the model, a tool,
or the harness.
"""

from __future__ import annotations

import re
from typing import Any

_REMINDER = re.compile(
    r"<system-reminder>(?:(?!<system-reminder>).){0,100000}?</system-reminder>", re.S
)
_INTERRUPT = re.compile(r"\A\s*\[Request interrupted by user[^\]\n]{0,40}\]\s*")
_HARNESS = (
    "<command-name>",
    "<command-message>",
    "<command-args>",
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<task-notification>",
    "<user-prompt-submit-hook>",
    "<user-memory-input>",
    "Caveat:",
    "Stop hook feedback:",
    "This session is being continued",
    "Warmup",
)


def blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The content blocks of a record; a plain string is one text block."""
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [
        {"type": "text", "text": b} if isinstance(b, str) else b
        for b in content
        if isinstance(b, str | dict)
    ]


def human_text(record: dict[str, Any]) -> str:
    """What the person typed; empty for harness text, tool results and interrupts."""
    if _not_human(record):
        return ""
    kept = []
    for text in _texts(record):
        text = _INTERRUPT.sub(
            "", _REMINDER.sub("", text) if "<system-reminder>" in text else text
        ).strip()
        if text and not text.startswith(_HARNESS):
            kept.append(text)
    return "\n\n".join(kept)


def is_harness(record: dict[str, Any]) -> bool:
    """True when a record holds text that is more than the note of an interrupt."""
    return any(_INTERRUPT.sub("", text).strip() for text in _texts(record))


def was_interrupted(record: dict[str, Any]) -> bool:
    """True when the record says that the person stopped the turn before it."""
    return any(_INTERRUPT.match(text) for text in _texts(record))


def queued_prompt(record: dict[str, Any]) -> str:
    """The prompt a person typed while the model was at work;
    empty for other attachments.
    """
    attachment = record.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") != "queued_command":
        return ""
    if _not_human(attachment) or attachment.get("commandMode") not in (None, "prompt"):
        return ""
    prompt = attachment.get("prompt")
    text = prompt.strip() if isinstance(prompt, str) else ""
    return "" if text.startswith(_HARNESS) else text


def tool_results(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(id of the call, text) of every tool result in a record."""
    return [
        (str(block.get("tool_use_id") or ""), _result_text(block.get("content")))
        for block in blocks(record)
        if block.get("type") == "tool_result"
    ]


def _texts(record: dict[str, Any]) -> list[str]:
    return [
        b["text"]
        for b in blocks(record)
        if b.get("type") == "text" and isinstance(b.get("text"), str)
    ]


def _not_human(record: dict[str, Any]) -> bool:
    origin = record.get("origin")
    foreign = isinstance(origin, dict) and origin.get("kind") not in (None, "human")
    return bool(record.get("isMeta") or record.get("isCompactSummary") or foreign)


def _result_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(_item_text(item) for item in content if isinstance(item, dict))


def _item_text(item: dict[str, Any]) -> str:
    """The text of a result, or what else it is, in brackets."""
    kind = item.get("type", "content")
    return str(item.get("text") or "") if kind == "text" else f"[{kind}]"
