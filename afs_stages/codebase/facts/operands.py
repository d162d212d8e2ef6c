"""What an operand says: a constant, or the name of a place and where in an array."""

from __future__ import annotations

import re

from afs_stages.codebase.facts.contract import operand
from afs_stages.codebase.facts.machine import MachineState

SUBLABEL = re.compile(r"\.[A-Za-z]\w*")
LONG = 45
"""Characters: an index that is computed in more is told by its register."""

INDEX = re.compile(r",\s*([XYS])\s*$", re.I)


def shown(state: MachineState, rest: str) -> str:
    """An operand as text; "" for what no name says (stack)."""
    if rest.startswith(("(", "[")):
        inner = operand(rest)
        return f"what {state.naming(inner)} points to" if inner else ""
    index = INDEX.search(rest)
    name = match.group() if (match := SUBLABEL.match(rest)) else operand(rest)
    if not name or (index and index.group(1).upper() == "S"):
        return ""
    tail = rest[len(name) :].split(",")[0].strip()
    place = _indexed(state, index.group(1)) if index else ""
    chosen = index and (
        name.startswith(".")
        or index.group(1).upper() == "Y"
        or index.group(1).lower() in state.own
    )
    if index and chosen and not place:
        place = f" at index {index.group(1).upper()}"
    return (
        state.naming(name) if not tail else f"`{rest.split(',')[0].strip()}`"
    ) + place


def _indexed(state: MachineState, register: str) -> str:
    """Where in an array an operand is, when more is known than that
    an index says so.
    """
    value = state.registers[register.lower()]
    if value.kind in ("returned", "old"):
        bare = value.text[1:].startswith(" from")
        return f" at index {value.text[:1] if bare else register.upper()}"
    if not value.said or value.text == register.upper():
        return ""
    plain = len(value.said) > LONG or " points to" in value.said
    return f" at index {register.upper() if plain else value.said}"


def constant(rest: str) -> str:
    """An immediate operand as shown; "" for any other."""
    if not rest.startswith("#") or len(rest) > 40:
        return ""
    return f"`{rest}`" if rest[1:2].isalpha() else rest[1:].strip()
