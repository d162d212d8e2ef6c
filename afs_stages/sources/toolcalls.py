"""Tool calls and their results in OpenAI's message format: paired, merged, numbered."""

from __future__ import annotations

from typing import Any

import msgspec

ToolStep = dict[str, Any]


def call(id: str, name: str, arguments: Any) -> ToolStep:
    """A step in which the assistant calls one tool;
    text that is no JSON object is kept under `input`.
    """
    value = arguments if isinstance(arguments, dict) else {"input": arguments}
    return {
        "role": "assistant",
        "id": id,
        "name": name,
        "arguments": msgspec.json.encode(value).decode(),
    }


def result(id: str, content: str) -> ToolStep:
    """A step in which a tool answers."""
    return {"role": "tool", "id": id, "content": content}


def arguments_of(text: str) -> Any:
    """The arguments in a JSON text; the text itself where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def arrange(steps: list[ToolStep]) -> list[ToolStep]:
    """Steps as messages: every call is followed by its result, neighbours of the
    assistant are one message.

    A call without a result and a result without a call are left out; ids become
    `call_1`, `call_2`, …
    """
    results = _match(steps)
    rows: list[ToolStep] = []
    texts: list[str] = []
    calls: list[tuple[int, ToolStep]] = []
    numbers = 0

    def flush() -> None:
        nonlocal numbers, texts, calls
        row: ToolStep = {"role": "assistant"}
        if texts:
            row["content"] = "\n\n".join(texts)
        names = [f"call_{numbers + n}" for n in range(1, len(calls) + 1)]
        if calls:
            row["tool_calls"] = [
                _tool_call(id, step) for id, (_, step) in zip(names, calls, strict=True)
            ]
        if len(row) > 1:
            rows.append(row)
        for id, (position, _) in zip(names, calls, strict=True):
            rows.append(
                {"role": "tool", "tool_call_id": id, "content": results[position]}
            )
        numbers, texts, calls = numbers + len(calls), [], []

    for position, step in enumerate(steps):
        if calls and "arguments" not in step:
            flush()
        if "arguments" in step and position in results:
            calls.append((position, step))
        elif step["role"] == "assistant" and "arguments" not in step:
            texts.append(step["content"])
    flush()
    return rows


def _match(steps: list[ToolStep]) -> dict[int, str]:
    """Position of each answered call -> the content of its first result."""
    waiting: dict[str, list[int]] = {}
    found: dict[int, str] = {}
    for position, step in enumerate(steps):
        if "arguments" in step:
            waiting.setdefault(step["id"], []).append(position)
        elif step["role"] == "tool" and waiting.get(step["id"]):
            found[waiting[step["id"]].pop(0)] = step["content"]
    return found


def _tool_call(id: str, step: ToolStep) -> dict[str, Any]:
    return {
        "id": id,
        "type": "function",
        "function": {"name": step["name"], "arguments": step["arguments"]},
    }
