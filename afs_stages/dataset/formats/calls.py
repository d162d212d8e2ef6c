"""Tool calls in formats that give them no ids: calls are numbered in order, results
answer them in order.
"""

from __future__ import annotations

from typing import Any

import msgspec

from afs_stages.core.jsonl import decode


def call(text: str | dict[str, Any], number: int) -> dict[str, Any]:
    """An OpenAI tool call of `{"name", "arguments"}` (or its JSON), with the id
    `call_<number>`.
    """
    value = decode(text.encode()) if isinstance(text, str) else text
    arguments = value["arguments"]
    function = {
        "name": value["name"],
        "arguments": arguments if isinstance(arguments, str) else to_json(arguments),
    }
    return {"id": f"call_{number}", "type": "function", "function": function}


def answered(rows: list[dict[str, Any]], calls: list[str]) -> str:
    """The id of the first call that no result in `rows` answers.
    Raises ValueError where there is none.
    """
    results = sum(1 for row in rows if row["role"] == "tool")
    if results >= len(calls):
        raise ValueError("a tool's result answers no call")
    return calls[results]


def arguments_of(function: dict[str, Any]) -> Any:
    """A call's arguments decoded; text that is no JSON stands under `input`."""
    if not isinstance(function["arguments"], str):
        return function["arguments"]
    try:
        return decode(function["arguments"].encode())
    except msgspec.DecodeError:
        return {"input": function["arguments"]}


def with_mapping(call: dict[str, Any]) -> dict[str, Any]:
    """A call with its arguments as a mapping, as chat templates walk over them."""
    function = call["function"]
    arguments = arguments_of(function)
    # What has no names gets one.
    if not isinstance(arguments, dict):
        arguments = {"input": arguments}
    return {**call, "function": {**function, "arguments": arguments}}


def with_text(call: dict[str, Any]) -> dict[str, Any]:
    """A call with its arguments as JSON text, as OpenAI's API has them."""
    function = call["function"]
    arguments = function["arguments"]
    if isinstance(arguments, str):
        return call
    return {**call, "function": {**function, "arguments": to_json(arguments)}}


def to_json(value: Any) -> str:
    """Compact JSON text."""
    return msgspec.json.encode(value).decode()
