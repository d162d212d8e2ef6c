"""Rows with tool calls, to be read by other programs."""

from __future__ import annotations

from typing import Any

from support.rows import sample

from afs_stages.core.sample import TrainingSample


def tool(name: str, **properties: str) -> dict[str, Any]:
    typed = {key: {"type": value} for key, value in properties.items()}
    schema = {"type": "object", "properties": typed}
    return {
        "type": "function",
        "function": {"name": name, "description": "looks", "parameters": schema},
    }


def called(name: str, arguments: str, schema: dict[str, Any]) -> TrainingSample:
    function = {"name": name, "arguments": arguments}
    call = {"id": "call_1", "type": "function", "function": function}
    messages = [
        {"role": "user", "content": f"use {name}"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
        {"role": "assistant", "content": "done"},
    ]
    return TrainingSample(
        instruction=f"use {name}", output="done", messages=messages, tools=[schema]
    )


def rows() -> list[TrainingSample]:
    """Two tools whose arguments and schemas have no key in common."""
    return [
        called("find", '{"label":"Keeper"}', tool("find", label="string")),
        called("count", '{"upto":7}', tool("count", upto="integer")),
        sample("plain"),
    ]
