"""Codex's response items as events, and the texts in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from afs_stages.sources.events import (
    Called,
    Event,
    Prompt,
    Returned,
    Said,
    Stopped,
    Thought,
    parts_of,
    texts_of,
)
from afs_stages.sources.toolcalls import arguments_of

_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
_BY_SERVER = ("web_search_call", "image_generation_call")
"""Calls that have no output item: the service made them, the item says how it went."""


def told(number: int, item: dict[str, Any]) -> Iterator[Event]:
    """The events of an item."""
    kind = str(item.get("type"))
    id = str(item.get("call_id") or item.get("id") or "")
    if kind == "message":
        yield from _message(number, item)
    elif kind == "reasoning":
        for text in _texts(item.get("content")) or _texts(item.get("summary")):
            yield Thought(text)
    elif kind.endswith("_call"):
        yield Called(id, _name(kind, item), _arguments(item))
        if kind in _BY_SERVER:
            yield Returned(id, str(item.get("status") or "completed"))
    elif kind.endswith("_output"):
        yield Returned(id, output_text(item.get("output")))


def _message(number: int, item: dict[str, Any]) -> Iterator[Event]:
    content, role = item.get("content"), item.get("role")
    texts = _texts(content)
    if role == "assistant":
        for text in texts:
            yield Said(text)
        if item.get("phase") == "commentary":
            yield Stopped(aside=True)
    elif role == "user":
        shows = any(part.get("type") not in _TEXTS for part in parts_of(content))
        if texts or shows:
            yield Prompt(texts, number)


def _name(kind: str, item: dict[str, Any]) -> str:
    named = [item.get("namespace"), item.get("name")]
    return ".".join(str(part) for part in named if part) or kind.removesuffix("_call")


def _arguments(item: dict[str, Any]) -> Any:
    """A function's JSON text decoded, a custom tool's text, or a call's action."""
    if "input" in item:
        return str(item["input"] or "")
    given = item.get("arguments") or item.get("action")
    if given is None and item.get("revised_prompt"):
        return {"prompt": item["revised_prompt"]}
    return arguments_of(given) if isinstance(given, str) else given or {}


def output_text(output: Any) -> str:
    """What a tool gave back: text, a JSON text `{output, metadata}`,
    or a list of parts.
    """
    if isinstance(output, str):
        inner = arguments_of(output) if output.startswith("{") else output
        return (
            str(inner["output"])
            if isinstance(inner, dict) and isinstance(inner.get("output"), str)
            else output
        )
    while isinstance(output, dict) and "content" in output:
        output = output["content"]
    return "\n".join(_texts(output))


def _texts(content: Any) -> list[str]:
    return texts_of(content, _TEXTS)
