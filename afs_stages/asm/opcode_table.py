"""The table assembler: each statement against the 65816's opcode matrix.
No assembler, and never called one.

It sees unknown mnemonics, addressing modes an instruction does not have, malformed
operands and local labels that are nowhere defined. It does not evaluate expressions,
macros or distances. The matrix (`data/65816_modes.json`) was compared with asar's
output byte by byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from afs_stages.asm.lexer import BLOCKS, Statement, lex
from afs_stages.core.memo import ENTRIES, Memo

State = Literal["ok", "stubs", "error", "lost", "untried"]

_SHAPES: dict[str, tuple[str, ...]] = {
    "plain": ("direct", "absolute", "long", "relative8", "relative16"),
    "x": ("direct_x", "absolute_x", "long_x"),
    "y": ("direct_y", "absolute_y"),
    "s": ("stack_relative",),
    "(x)": ("direct_x_indirect", "absolute_x_indirect"),
    "()": ("direct_indirect", "absolute_indirect"),
    "()y": ("direct_indirect_y",),
    "(s)y": ("stack_relative_indirect_y",),
    "[]": ("direct_indirect_long", "absolute_indirect_long"),
    "[]y": ("direct_indirect_long_y",),
    "#": ("immediate",),
    "A": ("accumulator",),
    "": ("implied", "accumulator"),
    "move": ("block_move",),
}
_WIDTHS = {1: "direct", 2: "absolute", 3: "long"}
_HEX = re.compile(r"\$([0-9A-Fa-f]+)$")
_BAD_NUMBER = re.compile(
    r"\$(?![0-9A-Fa-f!{<(])|\$[0-9A-Fa-f]+[G-Zg-z_]|(?<![\w$%.!])\d+[A-Za-z_]"
)
_BAD_COMMA = re.compile(r"^,|,\s*,|,\s*$")
_TWO_TERMS = re.compile(r"[\w)\]]\s+[\w$!#.(\[]|//")
"""Two terms side by side without an operator: what follows is no part of the operand,
but a next line or a remark of another language.
"""
_REFERENCE = re.compile(r"(?<![\w.!$%#\]])(\.+[A-Za-z_]\w*|[A-Za-z_][\w.]*)")
_ANONYMOUS = re.compile(r"^[+-]+$")
MOST_ERRORS = 8
"""Errors told of a snippet."""
_REPEATABLE = frozenset(
    ("ASL", "LSR", "ROL", "ROR", "INC", "DEC", "INX", "DEX", "INY", "DEY", "NOP")
)
_OWN_WORDS = frozenset(("A", "X", "Y", "S", "PC", "a", "x", "y", "s", "pc"))


@dataclass(frozen=True)
class AssemblyResult:
    """Whether a snippet assembles: `ok`, `stubs` (that many outside names stubbed),
    `error`, `lost` (it cost the assembler's worker its life) or `untried`.
    """

    state: State
    stubs: int = 0
    errors: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """1 for code that assembles, slightly less where outside names had to be taken
        on trust, 0 for an error.
        """
        return {"ok": 1.0, "stubs": 0.95}.get(self.state, 0.0)


@cache
def matrix() -> dict[str, frozenset[str]]:
    """mnemonic -> its addressing modes, of all 92 mnemonics."""
    raw: dict[str, Any] = msgspec.json.decode(
        (files("afs_stages.asm") / "data/65816_modes.json").read_bytes()
    )
    return {name: frozenset(modes) for name, modes in raw["modes"].items()}


def shape_of(operand: str) -> tuple[str, str]:
    """(shape, inner expression) of an operand: `($12),y` -> ("()y", "$12")."""
    if not operand:
        return "", ""
    if operand[0] == "#":
        return "#", operand[1:].strip()
    if operand in ("A", "a"):
        return "A", ""
    base, index = _split_index(operand)
    if base.startswith("[") and base.endswith("]"):
        return ("[]" + index), base[1:-1].strip()
    if base.startswith("(") and _closes_at_end(base):
        inner, inside = _split_index(base[1:-1].strip())
        return (f"({inside})" + index), inner
    return (index or "plain"), base


def _split_index(operand: str) -> tuple[str, str]:
    depth = 0
    for position in range(len(operand) - 1, -1, -1):
        char = operand[position]
        depth += (char in ")]") - (char in "([")
        if char == "," and depth == 0:
            index = operand[position + 1 :].strip().lower()
            return operand[:position].strip(), index if index in (
                "x",
                "y",
                "s",
            ) else "move"
    return operand, ""


def _closes_at_end(text: str) -> bool:
    depth = 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return position == len(text) - 1
    return False


def _modes_for(shape: str, inner: str, size: str) -> tuple[str, ...]:
    """Addressing modes an operand may mean: by suffix,
    else by the digits of a plain hex number.
    """
    modes = _SHAPES.get(shape, ())
    if shape not in ("plain", "x", "y"):
        return modes
    digits = _HEX.match(inner)
    if size in ("b", "w", "l"):
        width = " bwl".index(size)
    elif digits:
        width = (len(digits[1]) + 1) // 2
    else:
        return modes
    # the assembler widens a number where the instruction has no narrower form, and
    # never narrows one
    return tuple(
        m
        for m in modes
        if m.startswith("relative")
        or m.split("_")[0] in [_WIDTHS.get(w) for w in range(width, 4)]
    )


@lru_cache(maxsize=ENTRIES)
def fault(mnemonic: str, size: str, operand: str) -> str:
    """What is wrong with an instruction, or an empty string."""
    modes = matrix().get(mnemonic)
    if modes is None:
        return f"unknown mnemonic {mnemonic}"
    if size and size not in "bwl":
        return f"unknown size .{size}"
    if _TWO_TERMS.search(operand):
        return f"two terms without an operator in {operand}"
    if "!" in operand or "<" in operand:
        # a define or macro argument may stand for anything, but `#` says what it is
        known = operand[0] == "#" and mnemonic not in _REPEATABLE
        if not known or "immediate" in modes or _quirk(mnemonic, "#"):
            return ""
        return f"{mnemonic} has no such addressing mode: {operand}"
    if len(operand) > 1 and operand.isidentifier():
        shape, inner = "plain", operand
    elif operand and (problem := _malformed(operand)):
        return problem
    else:
        shape, inner = shape_of(operand)
    if shape == "#" and mnemonic in _REPEATABLE:
        return ""
    allowed = _modes_for(shape, inner, size)
    if modes.intersection(allowed) or _quirk(mnemonic, shape):
        return ""
    return f"{mnemonic} has no such addressing mode: {operand or '(no operand)'}"


def _malformed(operand: str) -> str:
    if _BAD_NUMBER.search(operand):
        return f"malformed number in {operand}"
    if operand.count("(") != operand.count(")") or operand.count("[") != operand.count(
        "]"
    ):
        return f"unbalanced brackets in {operand}"
    if _BAD_COMMA.search(operand) or "##" in operand or operand in ("#", "$"):
        return f"malformed operand {operand}"
    return ""


_QUIRKS = {
    "": ("BRK", "COP", "WDM"),
    "()": ("PEI",),
    "[]": ("JMP",),
    "plain": ("MVN", "MVP", "REP"),
    "y": ("ORA", "AND", "EOR", "ADC", "STA", "LDA", "CMP", "SBC"),
}
"""Shape of the operand -> instructions that take it beyond the matrix."""


def _quirk(mnemonic: str, shape: str) -> bool:
    """What asar accepts beyond the matrix."""
    return mnemonic in _QUIRKS.get(shape, ())


def _references(operand: str) -> frozenset[str]:
    return frozenset(
        [name for name in _REFERENCE.findall(operand) if name not in _OWN_WORDS]
    )


references = Memo(_references).__getitem__
"""Labels and symbols an operand names; local ones with their dots."""


@lru_cache(maxsize=BLOCKS)
def assemble(text: str, known: frozenset[str] = frozenset()) -> AssemblyResult:
    """Check a snippet by the table; `known` names do not count as stubs."""
    names = _Names()
    errors = []
    place = 0
    for line in lex(tuple(text.split("\n"))):
        for statement in line.statements:
            place += 1
            names.add(statement, place)
            if problem := _fault_of(statement):
                errors.append(f"line {line.number}: {problem}")
    missing = names.used - names.defined
    local = {name for name in missing if name[0] == "."}
    outside = len(missing - local - known)
    errors += [f"label {name} wasn't found" for name in (*sorted(local), *names.lost())]
    if errors:
        return AssemblyResult("error", outside, tuple(errors[:MOST_ERRORS]))
    return AssemblyResult("stubs" if outside else "ok", outside)


def _fault_of(statement: Statement) -> str:
    """What is wrong with a statement by itself, or an empty string."""
    if statement.kind == "unknown":
        return f"not a statement: {statement.text.split()[0]}"
    if statement.kind == "op":
        return fault(statement.name, statement.size, statement.operand)
    return ""


@dataclass
class _Names:
    """Names that a snippet defines and uses; of anonymous labels, which may stand
    many times, the places too.
    """

    defined: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    marks: list[tuple[str, int]] = field(default_factory=list)
    branches: list[tuple[str, int]] = field(default_factory=list)

    def add(self, statement: Statement, place: int) -> None:
        """Note the names of a statement."""
        for label in statement.labels:
            name = label.lstrip("#")
            if _ANONYMOUS.match(name):
                self.marks.append((name, place))
            else:
                self.defined.add(name)
        if statement.kind == "assign":
            self.defined.add(statement.name)
        elif statement.kind == "op" and _ANONYMOUS.match(statement.operand):
            self.branches.append((statement.operand, place))
        elif statement.kind == "op":
            self.used |= references(statement.operand)

    def lost(self) -> list[str]:
        """Anonymous labels that are branched to where none lies ahead (`+`) or behind
        (`-`): no outside code can define one.
        """
        return [name for name, place in self.branches if not self._reached(name, place)]

    def _reached(self, name: str, place: int) -> bool:
        ahead = name[0] == "+"
        return any(
            mark == name and (where > place) == ahead for mark, where in self.marks
        )
