"""What a message of a Gemini chat says, as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from afs_stages.sources.events import (
    Attached,
    Called,
    Event,
    Faulted,
    Noticed,
    Prompt,
    Returned,
    Said,
    Thought,
    dicts,
    parts_of,
    texts_of,
)


def told(session: str, number: int, message: dict[str, Any]) -> Iterator[Event]:
    """The events of a message."""
    kind, parts = message.get("type"), list(parts_of(message.get("content")))
    if kind == "gemini":
        yield from _answer(message, parts)
    elif kind == "user":
        yield from _results(parts)
        yield from _prompt(session, number, message, parts)
    elif kind == "error":
        yield Faulted("api_error")
    elif kind == "info":
        yield Noticed("\n".join(_texts(parts)))


def _prompt(
    session: str, number: int, message: dict[str, Any], parts: list[dict[str, Any]]
) -> Iterator[Event]:
    """The person's words: as they were typed where the record has them so; the files
    named in them are in what was sent. A picture alone is a prompt without text.
    """
    sent = _texts(parts)
    typed = _texts(parts_of(message.get("displayContent"))) or sent
    answers = any("functionResponse" in part for part in parts)
    shows = any(part and "text" not in part for part in parts)
    if not sent and (answers or not shows):
        return
    key = f"{session} {message.get('id') or sent}"
    yield Prompt(typed, number, key, joins=answers, sent=sent)
    if typed != sent:
        more = sent[1:] if sent[:1] == typed else sent
        yield Attached("", "\n".join(more))


def _answer(message: dict[str, Any], parts: list[dict[str, Any]]) -> Iterator[Event]:
    for thought in dicts(message.get("thoughts")):
        told = [thought.get("subject"), thought.get("description")]
        yield Thought(": ".join(str(text) for text in told if text))
    calls = dicts(message.get("toolCalls"))
    known = {str(call.get("id")) for call in calls}
    texts: list[str] = []
    for part in parts:
        made = part.get("functionCall")
        if part.get("thought") is True:
            yield Thought(str(part.get("text") or ""))
        elif part.get("text"):
            texts.append(part["text"])
        elif isinstance(made, dict) and str(made.get("id")) not in known:
            yield from _said(texts)
            yield _call(made)
    yield from _said(texts)
    for call in calls:
        yield _call(call)
    for call in calls:
        results = list(parts_of(call.get("result") or []))
        text = "\n".join(map(_result_text, results)) or str(call.get("status") or "")
        yield Returned(_id(call), text)


def _said(texts: list[str]) -> Iterator[Event]:
    """The texts since the last call, as one."""
    if texts:
        yield Said("\n".join(texts))
        texts.clear()


def _results(parts: list[dict[str, Any]]) -> Iterator[Event]:
    for part in parts:
        response = part.get("functionResponse")
        if isinstance(response, dict):
            yield Returned(_id(response), _result_text(part))


def _call(made: dict[str, Any]) -> Called:
    return Called(_id(made), str(made.get("name") or ""), made.get("args") or {})


def _id(made: dict[str, Any]) -> str:
    """What pairs a call with its result: the id, or the name where there is none."""
    return str(made.get("id") or made.get("name") or "")


def _result_text(part: dict[str, Any]) -> str:
    response = part.get("functionResponse")
    inner = response.get("response") if isinstance(response, dict) else None
    if not isinstance(inner, dict):
        return str(part.get("text") or "")
    told = inner.get("output") or inner.get("error")
    return str(told or msgspec.json.encode(inner).decode())


def _texts(parts: Any) -> list[str]:
    return texts_of([part for part in parts if not part.get("thought")])
