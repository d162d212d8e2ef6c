"""What can be read off a routine's instructions: calls, variables, widths, what it
saves, how it returns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from afs_stages.asm.isa import CALLS, READS, RETURNS, WRITES
from afs_stages.asm.lexer import Line, Statement

_NAME = re.compile(r"[(\[]?\s*(!?[A-Za-z_][\w.]*)")
_LITERAL = re.compile(r"[(\[]?\s*\$([0-9A-Fa-f]{2,6})\b")


@dataclass
class Contract:
    """Facts of a routine, each list in order of first appearance and
    without repetition.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    macros: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)
    saves: list[str] = field(default_factory=list)
    widths: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    instructions: int = 0


def contract(lines: tuple[Line, ...]) -> Contract:
    """Read the contract off the lines of a routine."""
    found = Contract()
    pushed: list[str] = []
    for line in lines:
        for statement in line.statements:
            _read(statement, found, pushed)
    return found


def _read(statement: Statement, found: Contract, pushed: list[str]) -> None:
    word, rest = statement.word.split(".", 1)[0], statement.rest
    if word.startswith("%"):
        _once(found.macros, word[1:])
        return
    found.instructions += len(word) == 3
    if word in CALLS:
        _call(word, rest, found)
    elif word in RETURNS:
        _once(found.returns, RETURNS[word])
    elif word in ("rep", "sep"):
        _once(found.widths, f"{word.upper()} {rest.split(';')[0].strip()}")
    elif word in ("pha", "phx", "phy", "phb", "phd", "php"):
        pushed.append(word[2])
    elif word in ("pla", "plx", "ply", "plb", "pld", "plp") and word[2] in pushed:
        _once(found.saves, word[2].upper())
    elif word in ("dw", "dl"):
        _pointers(rest, found)
    elif (word in READS or word in WRITES) and not rest.startswith("#"):
        target = operand(rest)
        if target:
            _once(found.writes if word in WRITES else found.reads, target)


def _call(word: str, rest: str, found: Contract) -> None:
    name = _NAME.match(rest)
    if name and not rest.startswith(("(", "[")):
        _once(found.calls, (word, name.group(1)))
    elif name:
        _once(found.tables, name.group(1))


def _pointers(rest: str, found: Contract) -> None:
    for part in rest.split(",")[:32]:
        name = _NAME.match(part.strip())
        if name and "(" not in part:
            _once(found.calls, ("table", name.group(1)))


def operand(rest: str) -> str:
    """The name or `$address` an instruction works on, or ""."""
    name = _NAME.match(rest)
    if name:
        return name.group(1) if len(name.group(1)) > 1 else ""
    literal = _LITERAL.match(rest)
    return f"${literal.group(1).upper()}" if literal else ""


def _once(items: list, item: object) -> None:  # type: ignore[type-arg]
    if item not in items:
        items.append(item)


def first_width(widths: list[str]) -> str:
    """What the first REP or SEP does, in words."""
    words = {
        "REP #$20": "switches A to 16 bits",
        "REP #$10": "switches X and Y to 16 bits",
        "REP #$30": "switches A, X and Y to 16 bits",
        "SEP #$20": "switches A to 8 bits",
        "SEP #$10": "switches X and Y to 8 bits",
        "SEP #$30": "switches A, X and Y to 8 bits",
    }
    return words.get(widths[0], "") if widths else ""
