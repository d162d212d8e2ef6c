"""Tool calls in generated text: finding them,
and whether a call fits the schema of the tool it names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


@dataclass(frozen=True)
class Verdict:
    """What is right about an answer that should call tools;
    each field needs the one before it.
    """

    parses: bool = False
    known: bool = False
    valid: bool = False


def judge(text: str, tools: Sequence[Mapping[str, Any]]) -> Verdict:
    """Whether every call of an answer is JSON, names one of the tools,
    and has fitting arguments.

    Calls stand in `<tool_call>` marks, or the whole answer is one;
    an answer without any is wrong.
    """
    calls = [_parsed(found) for found in _CALL.findall(text)] or [_parsed(text.strip())]
    if any(call is None for call in calls):
        return Verdict()
    schemas = {
        tool["name"]: tool.get("parameters") or {}
        for tool in map(_function, tools)
        if "name" in tool
    }
    named = [call for call in calls if call is not None and call[0] in schemas]
    if len(named) < len(calls):
        return Verdict(parses=True)
    return Verdict(
        True, True, all(fits(arguments, schemas[name]) for name, arguments in named)
    )


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = tool.get("function")
    return inner if isinstance(inner, Mapping) else tool


def _parsed(text: str) -> tuple[str, dict[str, Any]] | None:
    """(name, arguments) of a call; None for text that is no JSON or no call."""
    try:
        call = json.loads(text)
        arguments = (
            call.get("arguments", call.get("parameters"))
            if isinstance(call, dict)
            else None
        )
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return None
    named = isinstance(call, dict) and isinstance(call.get("name"), str)
    return (call["name"], arguments) if named and isinstance(arguments, dict) else None


def fits(value: Any, schema: Any) -> bool:
    """Whether a value fits a JSON schema, by its type, enum, properties,
    required and items.

    An argument that the schema does not list is wrong where it lists any,
    unless it allows more.
    """
    if not isinstance(schema, Mapping):
        return True
    if not _has_type(value, schema.get("type")) or (
        "enum" in schema and value not in schema["enum"]
    ):
        return False
    if isinstance(value, list):
        return all(fits(item, schema.get("items")) for item in value)
    return _object_fits(value, schema) if isinstance(value, dict) else True


def _has_type(value: Any, names: Any) -> bool:
    allowed = [
        name
        for name in (names if isinstance(names, list) else [names])
        if name in _TYPES
    ]
    if not allowed:
        return True
    if isinstance(value, bool):
        return "boolean" in allowed
    return any(isinstance(value, _TYPES[name]) for name in allowed)


def _object_fits(value: dict[str, Any], schema: Mapping[str, Any]) -> bool:
    known = schema.get("properties") or {}
    if any(name not in value for name in schema.get("required") or []):
        return False
    if (
        known
        and not schema.get("additionalProperties")
        and not set(value) <= set(known)
    ):
        return False
    return all(fits(item, known.get(name)) for name, item in value.items())
