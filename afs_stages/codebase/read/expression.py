"""Arithmetic of asar as far as addresses need it: numbers, names,
`+ - * / % << >> & | ^ ~`, parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(\$[0-9A-Fa-f]+|%[01]+|\d+)|([!A-Za-z_.][\w.]*)|(<<|>>|[-+*/%&|^()~]))"
)
_LEVELS = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_MAX_TOKENS, _MAX_DEPTH = 200, 20

Lookup = Callable[[str], int | None]


def number(text: str) -> int | None:
    """The value of a literal: `$7E`, `%101`, `12`; None for anything else."""
    text = text.strip()
    try:
        if text.startswith("$"):
            return int(text[1:], 16)
        if text.startswith("%"):
            return int(text[1:], 2)
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None


def evaluate(text: str, lookup: Lookup) -> int | None:
    """The value of an expression, or None when it is not one that can be known here."""
    literal = number(text) if len(text) < 64 else None
    if literal is not None:
        return literal
    tokens = _tokens(text)
    if not tokens:
        return None
    position, value = _binary(tokens, 0, 0, 0, lookup)
    return value if position == len(tokens) else None


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at, text = 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) >= _MAX_TOKENS:
            return []
        found.append(match.group().strip())
        at = match.end()
    return found


def _binary(
    tokens: list[str], at: int, level: int, depth: int, lookup: Lookup
) -> tuple[int, int | None]:
    if level == len(_LEVELS):
        return _atom(tokens, at, depth, lookup)
    at, value = _binary(tokens, at, level + 1, depth, lookup)
    while at < len(tokens) and tokens[at] in _LEVELS[level]:
        operator = tokens[at]
        at, right = _binary(tokens, at + 1, level + 1, depth, lookup)
        value = (
            None if value is None or right is None else _apply(operator, value, right)
        )
    return at, value


def _atom(
    tokens: list[str], at: int, depth: int, lookup: Lookup
) -> tuple[int, int | None]:
    if at >= len(tokens) or depth > _MAX_DEPTH:
        return len(tokens) + 1, None
    token = tokens[at]
    if token in "+-~":
        at, value = _atom(tokens, at + 1, depth + 1, lookup)
        return at, None if value is None else {"+": value, "-": -value, "~": ~value}[
            token
        ]
    if token == "(":
        at, value = _binary(tokens, at + 1, 0, depth + 1, lookup)
        closed = at < len(tokens) and tokens[at] == ")"
        return (at + 1, value) if closed else (len(tokens) + 1, None)
    value = number(token)
    return at + 1, value if value is not None else lookup(token)


def _apply(operator: str, left: int, right: int) -> int | None:
    if operator in ("/", "%"):
        return (
            None if right == 0 else (left // right if operator == "/" else left % right)
        )
    if operator in ("<<", ">>"):
        return (
            None
            if not 0 <= right < 64
            else (left << right if operator == "<<" else left >> right)
        )
    results = {"+": left + right, "-": left - right, "*": left * right}
    results |= {"&": left & right, "|": left | right, "^": left ^ right}
    return results[operator]
