"""What arithmetic leaves in A, as words that can stand behind “sets `x` to”."""

from __future__ import annotations

from collections.abc import Iterator

from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.actions import Action
from afs_stages.codebase.facts.machine import (
    NOTHING,
    UNKNOWN,
    MachineState,
    Value,
    combined,
)
from afs_stages.codebase.facts.operands import constant, repeated, shown

SHIFTS = {
    "asl": "left",
    "lsr": "right",
    "rol": "left",
    "ror": "right",
}
_OPERATORS = {"and": "AND", "ora": "OR", "eor": "XOR", "adc": "plus", "sbc": "minus"}
_CHANGES = {
    "ora": "sets the bits {} of",
    "adc": "adds {} to",
    "sbc": "subtracts {} from",
}


def step(state: MachineState, operator: str, times: int) -> None:
    """A counted up or down."""
    value = state.registers["a"]
    said = combined(value, operator, str(times)) if value.kind != "constant" else ""
    verb, joined = ("adds", "to") if operator == "plus" else ("subtracts", "from")
    detail = f"{verb} {times} {joined}"
    if value.kind == "variable":
        _result(state, Value("change", value.text, detail, said, "sum"))
    else:
        _result(state, Value("formula", said, shape="sum"))


def _result(state: MachineState, value: Value) -> None:
    """A holds something computed."""
    state.registers["a"] = value if value.said else UNKNOWN
    state.results["a"] = value.said
    state.test = state.registers["a"].asked


def arithmetic(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    """AND, ORA, EOR, ADC, SBC: no act of their own, A holds the formula."""
    value, by, carry = state.registers["a"], constant(rest), state.carry
    if word in ("adc", "sbc"):
        state.carry = ""
    if word == "and" and by == "$FF" and value.kind == "variable":
        state.test = value.asked
        return iter(())  # all bits of a byte
    right = by or shown(state, rest)
    if right:
        right += _carried(word, carry)
    said = combined(value, _OPERATORS[word], right)
    alone = right == (by or shown(state, rest))
    if word == "adc":
        state.held = ("sum", "", "")
    elif word == "sbc":
        compared = alone and value.said and right
        state.held = (
            ("compare", value.said, right) if compared else ("difference", "", "")
        )
    _result(state, _computed(word, value, by if said else "", said, alone))
    if word == "and" and by and not said:
        state.test = ("bits", "A", by)
    return iter(())


def _carried(word: str, carry: str) -> str:
    """What the carry adds to a sum or a difference, unless the code has just set it
    so that it adds nothing.
    """
    if word == "adc" and carry != "clear":
        return " plus the carry"
    if word == "sbc" and carry != "set":
        return " minus the borrow"
    return ""


def _computed(word: str, value: Value, by: str, said: str, alone: bool) -> Value:
    """What A holds: bits or a change of a variable where a constant `by` stands alone,
    else the formula that is said.
    """
    if word == "and" and by:
        return Value("bits", value.said, by, said, "sum")
    if by and alone and value.kind == "variable" and word in _CHANGES:
        return Value("change", value.text, _CHANGES[word].format(by), said, "sum")
    return Value("formula", said, shape="sum")


def shift(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    """A shift of memory is an act; of A, a product or a quotient whose carry is
    the bit that left.
    """
    times = repeated(rest)
    if times is None:
        yield from _shift_memory(state, word, rest)
    else:
        _shift_a(state, word, times)


def _shift_memory(state: MachineState, word: str, rest: str) -> Iterator[Action]:
    target, (kind, name, bit), carry = shown(state, rest), state.held, state.carry
    state.test, state.held, state.carry = NOTHING, NOTHING, ""
    if not target:
        return
    tail = f" {SHIFTS[word]} by one bit"
    if word in ("rol", "ror"):
        known = f"{bit} of {name}" if kind == "bit" else "the carry"
        tail += f", with {f'a {carry} bit' if carry else known} coming in"
    state.stored(target, read_operand(rest).base)
    left = "the top bit" if SHIFTS[word] == "left" else "bit 0"
    state.held = ("bit", f"the earlier {target}", left)
    yield Action("shifts", target, tail)


def _shift_a(state: MachineState, word: str, count: int) -> None:
    """A becomes a product or a quotient; the carry is the bit that left."""
    value = state.registers["a"]
    state.carry, state.held = "", NOTHING
    halves = value.kind in ("variable", "halved")
    bits = count + (int(value.detail) if value.kind == "halved" else 0)
    if value.kind == "constant":
        _result(state, UNKNOWN)
    elif word == "lsr" and halves and bits <= 8:
        whole = Value("variable", value.text)
        said = combined(whole, "divided by", str(2**bits))
        _result(state, Value("halved", value.text, str(bits), said, "sum"))
        state.held = ("bit", value.text, f"bit {bits - 1}")
    elif word == "lsr":
        said = combined(value, "divided by", str(2**count))
        _result(state, Value("formula", said, shape="sum"))
    elif word == "asl":
        if count == 1 and value.kind in ("variable", "register", "returned", "old"):
            state.held = ("bit", value.said, "the top bit")
        again = value.kind == "doubled"
        factor = 2**count * (int(value.detail) if again else 1)
        left = value.text if again else value.bracketed
        said = combined(Value("formula", left), "times", str(factor))
        _result(state, Value("doubled", left, str(factor), said, "sum"))
    else:
        _result(state, UNKNOWN)
