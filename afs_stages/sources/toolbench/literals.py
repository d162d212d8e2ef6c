"""Values as Python prints them, and in nearly JSON, which ToolBench's files hold."""

from __future__ import annotations

import ast
import json
from typing import Any

_UNREADABLE = (ValueError, SyntaxError, RecursionError, MemoryError, TypeError)


def literal(text: str) -> Any:
    """The value of a Python literal, as JSON can hold it; None where it is none."""
    try:
        return _as_json(ast.literal_eval(text))
    except _UNREADABLE:
        return None


def nearly_json(text: str) -> dict[str, Any]:
    """An object in JSON with raw line ends, or as Python prints it; else empty."""
    try:
        value = _as_json(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        value = literal(text.strip())
    return value if isinstance(value, dict) else {}


def _as_json(value: Any) -> Any:
    """The same with lists for tuples and sets, and text for what JSON does not know."""
    if isinstance(value, dict):
        return {str(_as_json(key)): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        # A set has no order of its own, and text has another one in every process.
        return sorted(map(_as_json, value), key=repr)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace").decode()
