"""Steps of a turn as messages in OpenAI's format: calls paired with their results."""

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


def is_text(step: ToolStep) -> bool:
    """Whether a step is text of the assistant."""
    return step["role"] == "assistant" and "content" in step


def arrange(steps: list[ToolStep]) -> list[ToolStep]:
    """Steps as messages: every call is followed by its result, neighbours of one
    speaker are one message.

    A call without a result and a result without a call are left out, and so is a text
    that only announced (`aside`) what the next text says.
    """
    results = _match(steps)
    rows: list[ToolStep] = []
    texts: list[ToolStep] = []
    calls: list[int] = []

    def flush() -> None:
        row: ToolStep = {"role": "assistant"}
        if texts:
            row["content"] = "\n\n".join(step["content"] for step in texts)
        if calls:
            row["tool_calls"] = [_tool_call(str(at), steps[at]) for at in calls]
        if len(row) > 1:
            rows.append(row)
        for at in calls:
            rows.append(
                {"role": "tool", "tool_call_id": str(at), "content": results[at]}
            )
        texts.clear()
        calls.clear()

    for at, step in enumerate(steps):
        if calls and "arguments" not in step:
            flush()
        if at in results:
            calls.append(at)
        elif "arguments" in step and texts:
            # Its call is left out, so what was said before it announces nothing.
            texts[-1] = {**texts[-1], "aside": True}
        elif step["role"] == "user":
            flush()
            _ask(rows, step["content"])
        elif is_text(step):
            _say(texts, step)
    flush()
    return [_joined(row) for row in rows]


def numbered(rows: list[ToolStep]) -> list[ToolStep]:
    """Messages with their calls named `call_1`, `call_2`, … so that a conversation is
    the same wherever it was recorded.
    """
    names: dict[str, str] = {}
    count = 0
    renamed: list[ToolStep] = []
    for row in rows:
        if "tool_calls" in row:
            calls = []
            for made in row["tool_calls"]:
                count += 1
                names[made["id"]] = f"call_{count}"
                calls.append({**made, "id": f"call_{count}"})
            row = {**row, "tool_calls": calls}
        elif "tool_call_id" in row:
            row = {**row, "tool_call_id": names[row["tool_call_id"]]}
        renamed.append(row)
    return renamed


def _say(texts: list[ToolStep], step: ToolStep) -> None:
    """Add a text to those before it, or in the place of what only announced it."""
    if texts and texts[-1].get("aside"):
        texts.clear()
    texts.append(step)


def _ask(rows: list[ToolStep], text: str) -> None:
    """Add what the person said to what it said before, or as a message."""
    if rows and rows[-1]["role"] == "user":
        rows[-1]["content"].append(text)
    else:
        rows.append({"role": "user", "content": [text]})


def _joined(row: ToolStep) -> ToolStep:
    """A message whose texts are one."""
    if row["role"] != "user":
        return row
    return {**row, "content": "\n\n".join(row["content"])}


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
