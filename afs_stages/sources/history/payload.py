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
    dicts,
    parts_of,
    texts_of,
)
from afs_stages.sources.toolcalls import arguments_of

_TEXTS = ("text", "input_text", "output_text")
_REASONING = ("thinking", "reasoning", "reasoning_content")
_CUT_OFF = ("length", "max_tokens", "refusal", "content_filter", "tool_calls")
_MODEL = ("assistant", "model")
_INNER = ("message", "content", "parts", "text", "response", "output", "completion")
"""Keys under which an object has what was said; the first that is there holds it."""
_ANSWERS = ("response", "output", "completion")


def exchange(payload: dict[str, Any], number: int) -> Iterator[Event]:
    """The events of a payload: `{prompt, system, response}` or `{messages, response}`,
    where the last message of the user is asked and what stands before is context.
    """
    messages = dicts(payload.get("messages"))
    prompt, system = _texts(payload.get("prompt")), _texts(payload.get("system"))
    asked = [at for at, message in enumerate(messages) if _asks(message)]
    last = -1 if prompt or not asked else asked[-1]
    if system:
        yield Instructed("\n".join(system))
    given = next((payload[key] for key in _ANSWERS if payload.get(key)), "")
    begun = _prefilled(messages, given) if last >= 0 else ""
    for at, message in enumerate(messages[:-1] if begun else messages):
        yield from _message(message, number, at != last)
    if last < 0:
        yield Prompt(prompt, number)
    # A list that ends in an answer has the response in it.
    if begun or last < 0 or messages[-1].get("role") not in _MODEL:
        for event in _spoken(given):
            if begun and isinstance(event, Said):
                is_whole = event.text.strip().startswith(begun.strip())
                event, begun = event if is_whole else Said(begun + event.text), ""
            yield event
    if payload.get("error"):
        yield Faulted("api_error")


def _prefilled(messages: list[dict[str, Any]], given: Any) -> str:
    """What a list of messages makes the answer begin with, where the response says
    more; empty where the list ends otherwise or in the answer itself.
    """
    last = messages[-1]
    begun = "".join(_texts(last.get("content")))
    if last.get("role") not in _MODEL or not begun:
        return ""
    said = [event.text for event in _spoken(given) if isinstance(event, Said)]
    return begun if said and said[0].strip() != begun.strip() else ""


def _message(message: dict[str, Any], number: int, context: bool) -> Iterator[Event]:
    role, texts = message.get("role"), _texts(message.get("content"))
    if role in ("system", "developer"):
        yield Instructed("\n".join(texts))
    elif role in _MODEL:
        yield from _spoken(message)
    elif role in ("tool", "function"):
        id = message.get("tool_call_id") or message.get("name")
        yield Returned(str(id or ""), "\n".join(texts))
    elif _asks(message):
        yield Prompt(texts, number, only_context=context)


def _asks(message: dict[str, Any]) -> bool:
    return message.get("role") == "user" and bool(_texts(message.get("content")))


def _spoken(answer: Any, depth: int = 8) -> Iterator[Event]:
    """What a model answered: text, blocks, a message, or a list of choices, one in the
    other as far as interfaces go and no deeper.
    """
    if not isinstance(answer, dict) or answer.get("type"):
        for part in parts_of(answer):
            yield from _part(part, depth)
        return
    if not depth:
        return
    for key in _REASONING:
        yield from map(Thought, _texts(answer.get(key)))
    inner = [answer[key] for key in _INNER if answer.get(key)]
    for part in [*inner[:1], *dicts(answer.get("choices"))[:1]]:
        yield from _spoken(part, depth - 1)
    called = {"function": answer.get("function_call")}
    for made in [*dicts(answer.get("tool_calls")), called]:
        function = made.get("function")
        if isinstance(function, dict):
            name, given = str(function.get("name") or ""), function.get("arguments")
            arguments = arguments_of(given) if isinstance(given, str) else given or {}
            yield Called(str(made.get("id") or name), name, arguments)
    if (answer.get("finish_reason") or answer.get("stop_reason")) in _CUT_OFF:
        yield Stopped()


def _part(part: dict[str, Any], depth: int) -> Iterator[Event]:
    kind = part.get("type")
    if kind in _TEXTS:
        yield Said(str(part.get("text") or ""))
    elif kind in _REASONING or kind == "message":
        yield from _spoken({**part, "type": None}, depth)
    elif kind == "tool_use":
        id, name = str(part.get("id") or ""), str(part.get("name") or "")
        yield Called(id, name, part.get("input") or {})


def _texts(content: Any) -> list[str]:
    return texts_of(content, _TEXTS)
