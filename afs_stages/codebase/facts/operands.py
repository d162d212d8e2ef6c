"""What an operand says: a constant, or a place with the index that belongs to it."""

from __future__ import annotations

from afs_stages.asm.isa import MNEMONICS
from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.machine import MachineState, Value

MOST_REPEATS = 16
"""A repeated instruction is told so often at most; more is a slip of the pen."""
LONG = 45
"""Characters: an index that is computed in more is told by its register."""


def shown(state: MachineState, rest: str) -> str:
    """An operand as text, its index always with it; "" for the stack and for A."""
    operand = read_operand(rest)
    if operand.mode in ("none", "immediate") or "S" in (operand.inner, operand.index):
        return ""
    first = operand.base.split(" ", 1)[0].split(".", 1)[0].lower()
    if len(operand.base) < 2 or first in MNEMONICS:
        return ""  # A, or a slip of the pen: an instruction in the place of an operand
    text = state.naming(operand.text)
    if operand.mode != "direct":
        return f"what {text} points to"
    return text + _chosen(state, operand.index)


def _chosen(state: MachineState, register: str) -> str:
    """What the index holds, where more is known than its name."""
    if not register:
        return ""
    value = state.registers[register.lower()]
    own = value.kind == "register" or (value.kind, value.detail) == (
        "returned",
        register,
    )
    if own or not value.said or not told_with_operand(value):
        return ""
    return f" (with {register} = {value.said})"


def told_with_operand(value: Value) -> bool:
    """Whether an index is short enough to be told behind each operand."""
    return len(value.said) <= LONG and value.shape != "pointed"


def immediate(rest: str) -> int | None:
    """The number of an immediate operand; None where it is no plain number."""
    text = rest.strip().removeprefix("#")
    base = {"$": 16, "%": 2}.get(text[:1], 10)
    try:
        return int(text.lstrip("$%"), base)
    except ValueError:
        return None


def repeated(rest: str) -> int | None:
    """How often an instruction on a register is done: `ASL`, `LSR A`, `ASL #3`; None
    where it works on memory.
    """
    if rest.upper() in ("", "A"):
        return 1
    times = immediate(rest) if rest.startswith("#") else None
    return None if times is None else min(times, MOST_REPEATS)


def constant(rest: str) -> str:
    """An immediate operand as shown: a number bare, an expression in the quotes of
    code; "" for any other.
    """
    if not rest.startswith("#") or len(rest) > 40:
        return ""
    plain = immediate(rest) is not None and " " not in rest
    return rest[1:] if plain else f"`{rest}`"
