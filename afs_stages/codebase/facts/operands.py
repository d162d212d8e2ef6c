"""What an operand says: a constant, or a place with the index that belongs to it."""

from __future__ import annotations

from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.machine import MachineState

LONG = 45
"""Characters: an index that is computed in more is told by its register."""


def shown(state: MachineState, rest: str) -> str:
    """An operand as text, its index always with it; "" for the stack and for A."""
    operand = read_operand(rest)
    if operand.mode in ("none", "immediate") or "S" in (operand.inner, operand.index):
        return ""
    if len(operand.base) < 2:
        return ""
    text = state.naming(operand.text)
    if operand.mode != "direct":
        return f"what {text} points to"
    return text + _chosen(state, operand.index)


def _chosen(state: MachineState, register: str) -> str:
    """What the index holds, where more is known than its name."""
    if not register:
        return ""
    value = state.registers[register.lower()]
    if value.kind in ("returned", "register") or not value.said:
        return ""
    plain = len(value.said) > LONG or " points to" in value.said
    return "" if plain else f" with {register} = {value.said}"


def constant(rest: str) -> str:
    """An immediate operand as shown; "" for any other."""
    if not rest.startswith("#") or len(rest) > 40:
        return ""
    return f"`{rest}`" if rest[1:2].isalpha() else rest[1:].strip()
