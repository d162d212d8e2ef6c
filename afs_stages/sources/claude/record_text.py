"""What a record of Claude Code says, as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from afs_stages.sources.events import (
    Attached,
    Called,
    Event,
    Faulted,
    Prompt,
    Returned,
    Said,
    Stopped,
    Thought,
    parts_of,
    texts_of,
)

_NO_ANSWER = (
    "max_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "refusal",
    "tool_use",
)
"""`stop_reason`s of a message after which the model has not answered."""
_FLAGS = ("isMeta", "isCompactSummary", "isVisibleInTranscriptOnly")
_NO_TEXT = ("image", "document")
_FILES = ("file", "selected_lines_in_ide")


def told(number: int, record: dict[str, Any]) -> Iterator[Event]:
    """The events of a record on the conversation's path."""
    kind = record.get("type")
    if kind == "assistant":
        yield from _answer(record)
    elif kind == "user":
        for part in parts_of(_content(record)):
            if part.get("type") == "tool_result":
                text = _result_text(part.get("content"))
                yield Returned(str(part.get("tool_use_id") or ""), text)
    yield from prompts(number, record)
    if kind == "attachment":
        yield from _attachment(record)


def prompts(number: int, record: dict[str, Any]) -> Iterator[Prompt]:
    """The prompt that a record holds, if any; an image alone is one without text."""
    if record.get("type") == "attachment":
        yield from _queued(number, record)
    if record.get("type") != "user":
        return
    content = _content(record)
    texts = texts_of(content)
    shown = any(part.get("type") in _NO_TEXT for part in parts_of(content))
    if texts or shown:
        uuid = str(record.get("uuid") or "")
        yield Prompt(texts, number, uuid, from_tool=_is_from_tool(record))


def _queued(number: int, record: dict[str, Any]) -> Iterator[Prompt]:
    """The prompt a person typed while the model was at work."""
    attachment = record.get("attachment")
    if isinstance(attachment, dict) and attachment.get("type") == "queued_command":
        texts = texts_of(attachment.get("prompt"))
        mode = attachment.get("commandMode")
        from_tool = _is_from_tool(attachment) or mode not in (None, "prompt")
        uuid = str(record.get("uuid") or "")
        yield Prompt(texts, number, uuid, joins=True, from_tool=from_tool)


def _attachment(record: dict[str, Any]) -> Iterator[Event]:
    """The text of a file that the person named."""
    attachment = record.get("attachment")
    kind = attachment.get("type") if isinstance(attachment, dict) else ""
    if not isinstance(attachment, dict) or kind not in _FILES:
        return
    content = attachment.get("content")
    inner = content.get("file") if isinstance(content, dict) else content
    text = inner.get("content") if isinstance(inner, dict) else inner
    if isinstance(text, str):
        name = attachment.get("displayPath") or attachment.get("filename")
        yield Attached(str(name or ""), text)


def _answer(record: dict[str, Any]) -> Iterator[Event]:
    message = record.get("message")
    message = message if isinstance(message, dict) else {}
    if record.get("isApiErrorMessage") or message.get("model") == "<synthetic>":
        yield Faulted("api_error")
        return
    for part in parts_of(message.get("content")):
        kind = str(part.get("type"))
        if kind == "text":
            yield Said(str(part.get("text") or ""))
        elif kind == "thinking":
            yield Thought(str(part.get("thinking") or ""))
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            id, name = str(part.get("id") or ""), str(part.get("name") or "")
            yield Called(id, name, part.get("input") or {})
        elif kind.endswith("_tool_result"):
            text = _result_text(part.get("content"))
            yield Returned(str(part.get("tool_use_id") or ""), text)
    if message.get("stop_reason") in _NO_ANSWER:
        yield Stopped()


def _is_from_tool(record: dict[str, Any]) -> bool:
    origin = record.get("origin")
    foreign = isinstance(origin, dict) and origin.get("kind") not in (None, "human")
    return foreign or any(record.get(flag) for flag in _FLAGS)


def _content(record: dict[str, Any]) -> Any:
    message = record.get("message")
    return message.get("content") if isinstance(message, dict) else None


def _result_text(content: Any) -> str:
    return "\n".join(map(_item_text, parts_of(content)))


def _item_text(item: dict[str, Any]) -> str:
    """The text of a result, the place a search found, or what else it is."""
    kind = str(item.get("type") or "content")
    if "text" in item:
        return str(item["text"])
    found = [str(item[key]) for key in ("title", "url", "error_code") if item.get(key)]
    return " ".join(found) or f"[{kind}]"
