"""Tool calls in generated text: finding them,
and whether a call fits the schema of the tool it names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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


def judge(text: str, tools: Sequence[Mapping[str, Any]]) -> int:
    """How far the calls of an answer are right: 0 where one is no JSON, 1 where one
    names none of the tools, 2 where arguments do not fit, 3 where all is right.

    Calls stand in `<tool_call>` marks, or the whole answer is one;
    an answer without any is wrong.
    """
    calls = [_parsed(found) for found in _CALL.findall(text) or [text]]
    functions = [tool.get("function", tool) for tool in tools]
    schemas = {one["name"]: one.get("parameters") for one in functions if "name" in one}
    reached = 3
    for call in calls:
        if call is None:
            return 0
        name, arguments = call
        if name not in schemas:
            reached = 1
        elif not fits(arguments, schemas[name]):
            reached = min(reached, 2)
    return reached


def _parsed(text: str) -> tuple[str, dict[str, Any]] | None:
    """(name, arguments) of a call; None for text that is no JSON or no call."""
    try:
        call = json.loads(text)
        if not isinstance(call, dict):
            return None
        arguments = call.get("arguments", call.get("parameters"))
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    name = call.get("name")
    if isinstance(name, str) and isinstance(arguments, dict):
        return name, arguments
    return None


def fits(value: Any, schema: Any) -> bool:
    """Whether a value fits a JSON schema, by its type, enum, properties,
    required and items.

    An argument that the schema does not list is wrong where it lists any,
    unless it allows more.
    """
    if not isinstance(schema, Mapping):
        return True
    if not _has_type(value, schema.get("type")):
        return False
    if value not in schema.get("enum", [value]):
        return False
    if isinstance(value, list):
        return all(fits(item, schema.get("items")) for item in value)
    if not isinstance(value, dict):
        return True
    known = schema.get("properties") or {}
    is_open = not known or schema.get("additionalProperties")
    if not set(schema.get("required") or []) <= set(value):
        return False
    if not is_open and not set(value) <= set(known):
        return False
    return all(fits(item, known.get(name)) for name, item in value.items())


def _has_type(value: Any, names: Any) -> bool:
    listed = names if isinstance(names, list) else [names]
    allowed = [name for name in listed if name in _TYPES]
    # To Python a truth value is an integer as well.
    if isinstance(value, bool):
        return not allowed or "boolean" in allowed
    return not allowed or any(isinstance(value, _TYPES[name]) for name in allowed)
