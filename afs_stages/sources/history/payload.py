"""What the payload of a model event says, as events: requests and answers as the
services' interfaces give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from afs_stages.sources.events import (
    Called,
    Event,
    Faulted,
    Instructed,
    Prompt,
    Returned,
    Said,
    Stopped,
    Thought,
    parts_of,
    texts_of,
)
from afs_stages.sources.toolcalls import arguments_of

_TEXTS = ("text", "input_text", "output_text")
_REASONING = ("thinking", "reasoning", "reasoning_content")
_CUT_OFF = ("length", "max_tokens", "refusal", "content_filter", "tool_calls")
_MODEL = ("assistant", "model")
_ANSWERS = ("response", "output", "completion")


def exchange(payload: dict[str, Any], number: int) -> Iterator[Event]:
    """The events of a payload: `{prompt, system, response}` or `{messages, response}`,
    where the last message of the user is asked and what stands before is context.
    """
    if payload.get("system"):
        yield Instructed("\n".join(_texts(payload["system"])))
    listed = payload.get("messages")
    messages = [m for m in (listed if isinstance(listed, list) else []) if _role(m)]
    prompt = _texts(payload.get("prompt"))
    asked = [at for at, message in enumerate(messages) if _asks(message)]
    last = len(messages) if prompt else asked[-1] if asked else -1
    for at, message in enumerate(messages):
        yield from _message(message, number, at != last)
    if prompt or last < 0:
        yield Prompt(prompt, number)
    # A list that ends in an answer has the response in it.
    answered = bool(messages) and _role(messages[-1]) in _MODEL and not prompt
    given = next((payload[key] for key in _ANSWERS if payload.get(key)), None)
    if given is not None and not answered:
        yield from _spoken(given)
    if payload.get("error"):
        yield Faulted("api_error")


def _message(message: dict[str, Any], number: int, context: bool) -> Iterator[Event]:
    role = _role(message)
    content = message.get("content")
    if role in ("system", "developer"):
        yield Instructed("\n".join(_texts(content)))
    elif role in _MODEL:
        yield from _spoken(message)
    elif role in ("tool", "function"):
        id = str(message.get("tool_call_id") or message.get("name") or "")
        yield Returned(id, "\n".join(_texts(content)))
    elif role == "user":
        for part in parts_of(content):
            if part.get("type") == "tool_result":
                given = "\n".join(_texts(part.get("content")))
                yield Returned(str(part.get("tool_use_id") or ""), given)
        if _asks(message):
            yield Prompt(_texts(content), number, only_context=context)


def _spoken(answer: Any) -> Iterator[Event]:
    """What a model answered: text, blocks, a message, or a list of choices."""
    if not isinstance(answer, dict) or answer.get("type"):
        for part in parts_of(answer):
            yield from _part(part)
        return
    for key in ("message", "content", "parts", "text", *_ANSWERS):
        if answer.get(key):
            yield from _thoughts(answer)
            yield from _spoken(answer[key])
            break
    for choice in _dicts(answer.get("choices"))[:1]:
        yield from _spoken(choice)
    for made in _dicts(answer.get("tool_calls")):
        yield from _call(made.get("id"), made.get("function"))
    yield from _call(None, answer.get("function_call"))
    if (answer.get("finish_reason") or answer.get("stop_reason")) in _CUT_OFF:
        yield Stopped()


def _part(part: dict[str, Any]) -> Iterator[Event]:
    kind = part.get("type", "text")
    if kind in _TEXTS:
        yield Said(str(part.get("text") or ""))
    elif kind in _REASONING:
        yield from _thoughts(part)
    elif kind == "tool_use":
        id, name = str(part.get("id") or ""), str(part.get("name") or "")
        yield Called(id, name, part.get("input") or {})
    elif kind == "message":
        yield from _spoken({**part, "type": None})


def _thoughts(answer: dict[str, Any]) -> Iterator[Thought]:
    for key in _REASONING:
        yield from map(Thought, _texts(answer.get(key)))


def _call(id: Any, function: Any) -> Iterator[Called]:
    if isinstance(function, dict):
        name = str(function.get("name") or "")
        given = function.get("arguments")
        arguments = arguments_of(given) if isinstance(given, str) else given or {}
        yield Called(str(id or name), name, arguments)


def _role(message: Any) -> str:
    return str(message.get("role") or "") if isinstance(message, dict) else ""


def _asks(message: dict[str, Any]) -> bool:
    return _role(message) == "user" and bool(_texts(message.get("content")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, dict)]


def _texts(content: Any) -> list[str]:
    """The texts of a content; a part may lack its type."""
    typed = [
        part if "type" in part else {**part, "type": "text"}
        for part in parts_of(content)
        if "text" in part
    ]
    return [text for text in texts_of(typed, _TEXTS) if text.strip()]
