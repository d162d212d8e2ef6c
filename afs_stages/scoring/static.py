"""What no assembler checks: register widths, the stack, returns, flags.
One linear pass over a snippet.

The walk assumes nothing about how a routine is entered: the width of A and of the index
registers is taken from the first immediate that shows it, and only contradictions
count. Calls are taken to preserve widths and the stack; a macro may change anything, so
widths are unknown after one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp
from typing import Any

from afs_stages.asm.lexer import Statement, parse
from afs_stages.asm.opcode_table import references
from afs_stages.asm.registers import index_of, registers
from afs_stages.core.memo import ENTRIES, Memo

PENALTIES: dict[str, float] = {
    "imm_width": 1.2,
    "exit_width": 0.7,
    "repeated_width": 0.6,
    "left_on_stack": 1.2,
    "pull_from_empty": 0.9,
    "mixed_returns": 1.2,
    "return_unlike_calls": 1.6,
    "undefined_local": 2.0,
    "unused_local": 0.5,
    "unreachable": 0.4,
    "carry": 0.9,
    "no_carry": 0.3,
    "undone": 0.5,
    "idle_compare": 0.8,
    "idle_branch": 0.3,
    "store_back": 0.7,
    "stale_index": 0.3,
    "lost_return": 0.3,
    "lost_value": 0.9,
    "constant_branch": 0.9,
    "other_index": 0.4,
}
"""Log-penalty of one finding of each kind; the score is exp(-sum)."""

FINDINGS = tuple(PENALTIES)

A_OPS = frozenset(("ADC", "AND", "BIT", "CMP", "EOR", "LDA", "ORA", "SBC"))
INDEX_OPS = frozenset(("CPX", "CPY", "LDX", "LDY"))
PUSHES = {
    "PHA": "A",
    "PHX": "X",
    "PHY": "Y",
    "PHP": "P",
    "PHB": "B",
    "PHK": "K",
    "PHD": "D",
}
PULLS = {"PLA": "A", "PLX": "X", "PLY": "Y", "PLP": "P", "PLB": "B", "PLD": "D"}
_BRANCHES = frozenset(("BCC", "BCS", "BEQ", "BNE", "BMI", "BPL", "BVC", "BVS"))
_LEAVES = frozenset(("RTS", "RTL", "RTI", "JMP", "JML", "BRA", "BRL", "STP"))
_CALLS = frozenset(("JSR", "JSL"))
_COMPARES = frozenset(("CMP", "CPX", "CPY", "BIT"))
_CARRY_SOURCES = frozenset(
    (
        "CLC",
        "SEC",
        "ADC",
        "SBC",
        "ASL",
        "LSR",
        "ROL",
        "ROR",
        "CMP",
        "CPX",
        "CPY",
        "JSR",
        "JSL",
        "PLP",
        "REP",
        "SEP",
        "XCE",
        "BCC",
        "BCS",
    )
)
_KEEPS_FLAGS = frozenset(
    (
        "STA",
        "STX",
        "STY",
        "STZ",
        "PHA",
        "PHX",
        "PHY",
        "PHP",
        "PHB",
        "PHK",
        "PHD",
        "NOP",
        "JSR",
        "JSL",
        "PEA",
    )
)
_SETS_WIDTH = frozenset(("REP", "SEP"))
_SHOWS_WIDTH = A_OPS | INDEX_OPS
_STACK = frozenset((*PUSHES, *PULLS, "PEA", "PEI", "PER", "TCS", "TXS"))
_MAKES_VALUE = frozenset(
    (
        "LDA",
        "LDX",
        "LDY",
        "TAX",
        "TXA",
        "TAY",
        "TYA",
        "TXY",
        "TYX",
        "ADC",
        "SBC",
        "AND",
        "ORA",
        "EOR",
        "ASL",
        "LSR",
        "INC",
        "DEC",
        "INX",
        "DEX",
        "INY",
        "DEY",
    )
)
"""What is there to be used; a pull may only tidy the stack, XBA keeps half."""
_LOADS = frozenset(("LDA", "LDX", "LDY"))
_ON_ZERO_OR_SIGN = frozenset(("BEQ", "BNE", "BMI", "BPL"))
_CARRY = _CARRY_SOURCES | {"ADC", "SBC"}
_CONTROL = _BRANCHES | _LEAVES
_BREAKS = _CONTROL | _CALLS
_HEX_IMMEDIATE = re.compile(r"#\$([0-9A-Fa-f]+)$")

State = tuple[int, int, tuple[str, ...] | None]
"""(bits of A or 0, bits of X and Y or 0, what is pushed or None when unknown)"""


def _digits_width(operand: str) -> int:
    digits = _HEX_IMMEDIATE.match(operand)
    return {2: 8, 4: 16}.get(len(digits[1]), 0) if digits else 0


_immediate_width = Memo(_digits_width)


def written_width(size: str, operand: str) -> int:
    """8 or 16 where an immediate shows its width, else 0."""
    if size in ("b", "w"):
        return 8 if size == "b" else 16
    return _immediate_width[operand]


@dataclass
class _Walk:
    """The state of one pass."""

    calls: Mapping[str, str]
    own_calls: Mapping[str, str]
    found: Counter[str] = field(default_factory=Counter)
    m: int = 0
    x: int = 0
    entry_m: int = 0
    entry_x: int = 0
    stack: tuple[str, ...] | None = ()
    alive: bool = True
    at_label: dict[str, State] = field(default_factory=dict)
    last: Statement | None = None
    carry_known: bool = False
    carry: str = ""
    unread: dict[str, bool] = field(default_factory=dict)
    """A, X and Y as set on this straight stretch:
    whether nobody has read what they hold.
    """
    returns: set[str] = field(default_factory=set)
    routine: str = ""

    def op(self, op: Statement) -> None:
        if not self.alive:
            self.found["unreachable"] += 1
            self.alive = True
        name, last = op.name, self.last
        for check in _CHECKS.get(name, ()):
            check(self, op)
        if (
            last is not None
            and (kind := _pair(last.name, name))
            and (finding := _confirmed(kind, last, op))
        ):
            self.found[finding] += 1
        self._values(op)
        if name in _CONTROL:
            self._control(op)
        self.last = op

    def _widths(self, op: Statement) -> None:
        name = op.name
        if name in _SETS_WIDTH:
            self._set_flags(op)
        elif op.operand[:1] == "#" and (width := written_width(op.size, op.operand)):
            if name in A_OPS:
                self.found["imm_width"] += bool(self.m) and self.m != width
                self.entry_m, self.m = self.entry_m or (0 if self.m else width), width
            elif name in INDEX_OPS:
                self.found["imm_width"] += bool(self.x) and self.x != width
                self.entry_x, self.x = self.entry_x or (0 if self.x else width), width

    def _set_flags(self, op: Statement) -> None:
        digits = _HEX_IMMEDIATE.match(op.operand)
        bits = int(digits[1], 16) if digits else 0x30 if op.operand else 0
        width = 16 if op.name == "REP" else 8
        repeated = bool(bits & 0x30)
        if bits & 0x20:
            repeated &= self.m == width
            # REP says the register was narrow before;
            # SEP is often written without looking
            self.entry_m, self.m = (
                self.entry_m or (0 if self.m or width == 8 else 8),
                width,
            )
        if bits & 0x10:
            repeated &= self.x == width
            self.entry_x, self.x = (
                self.entry_x or (0 if self.x or width == 8 else 8),
                width,
            )
        self.found["repeated_width"] += repeated

    def _stack(self, op: Statement) -> None:
        name = op.name
        if name in ("PEA", "PEI", "PER", "TCS", "TXS"):
            self.stack = None
        if self.stack is None:
            return
        if name in PUSHES:
            self.stack += (PUSHES[name],)
        elif name in PULLS:
            if not self.stack:
                self.found["pull_from_empty"] += 1
                self.stack = None
            else:
                self.stack = self.stack[:-1]
        if name == "PLP":
            self.m = self.x = 0

    def _arithmetic(self, op: Statement) -> None:
        name = op.name
        if name in ("ADC", "SBC"):
            wrong = "SEC" if name == "ADC" else "CLC"
            self.found["carry"] += self.carry == wrong
            self.found["no_carry"] += not self.carry_known
        if name in _CARRY_SOURCES:
            self.carry_known = True
            self.carry = name if name in ("CLC", "SEC") else ""

    def _values(self, op: Statement) -> None:
        name, last, unread = op.name, self.last, self.unread
        if name in _BREAKS:
            if (
                name in _ON_ZERO_OR_SIGN
                and last is not None
                and last.name in _LOADS
                and last.operand[:1] == "#"
            ):
                self.found["constant_branch"] += 1
            self._read_elsewhere()
            return
        reads, index, writes = _flow(name, op.operand)
        if index and index not in unread and unread.get("Y" if index == "X" else "X"):
            self.found["other_index"] += 1
        for register in reads:
            unread[register] = False
        for register in writes:
            if unread.get(register):
                self.found["lost_value"] += 1
            unread[register] = name in _MAKES_VALUE

    def _read_elsewhere(self) -> None:
        for register in self.unread:
            self.unread[register] = False

    def _control(self, op: Statement) -> None:
        name = op.name
        target = op.operand
        if name in _BRANCHES or name in ("BRA", "BRL", "JMP"):
            self.at_label.setdefault(target, (self.m, self.x, self.stack))
            self.carry, self.carry_known = "", True
        elif name in ("RTS", "RTL"):
            self._leave(name)
        if name in _LEAVES:
            self.alive = False

    def _leave(self, name: str) -> None:
        self.returns.add(name)
        if self.stack:
            self.found["left_on_stack"] += 1
        self.found["exit_width"] += bool(
            self.entry_m and self.m and self.m != self.entry_m
        )
        self.found["exit_width"] += bool(
            self.entry_x and self.x and self.x != self.entry_x
        )
        expected = self.calls.get(self.routine) or self.own_calls.get(self.routine, "")
        self.found["return_unlike_calls"] += bool(expected) and expected != name

    def label(self, name: str) -> None:
        known = self.at_label.get(name)
        if name[0] not in ".+-?":
            if self.alive is False or self.routine == "":
                self._enter(name)
        elif not self.alive:
            self.m, self.x, self.stack = known or (0, 0, None)
        elif known:
            self._merge(known)
        self.alive, self.carry, self.carry_known, self.last = True, "", True, None
        self._read_elsewhere()

    def _enter(self, name: str) -> None:
        self.found["mixed_returns"] += len(self.returns) > 1
        self.routine, self.returns = name, set()
        self.m = self.x = self.entry_m = self.entry_x = 0
        self.stack, self.at_label, self.unread = (), {}, {}

    def _merge(self, known: State) -> None:
        m, x, stack = known
        self.m = self.m if self.m == m else 0
        self.x = self.x if self.x == x else 0
        if self.stack is not None and stack is not None and stack != self.stack:
            self.found["left_on_stack"] += len(stack) != len(self.stack)
            self.stack = None


_CHECKS: dict[str, tuple[Callable[[_Walk, Statement], None], ...]] = {
    name: tuple(
        check
        for check, names in (
            (_Walk._widths, _SETS_WIDTH | _SHOWS_WIDTH),
            (_Walk._stack, _STACK),
            (_Walk._arithmetic, _CARRY),
        )
        if name in names
    )
    for name in _SETS_WIDTH | _SHOWS_WIDTH | _STACK | _CARRY
}


@lru_cache(maxsize=ENTRIES)
def _flow(name: str, operand: str) -> tuple[str, str, str]:
    """(registers read, index register used, registers written) of A, X and Y."""
    reads, writes = registers(name, operand)
    return _of_values(reads), index_of(operand), _of_values(writes)


def _of_values(registers: str) -> str:
    return "".join(register for register in registers if register in "AXY")


@lru_cache(maxsize=ENTRIES)
def _pair(before: str, name: str) -> str:
    """What two mnemonics side by side may be: one that undoes the other, a comparison
    nobody reads; or nothing.
    """
    if before in _COMPARES and name not in _BRANCHES and name not in _KEEPS_FLAGS:
        return (
            ""
            if name in ("ROL", "ROR", "RTS", "RTL", "PHP", "ADC", "SBC", "BRA", "LDA")
            else "idle_compare"
        )
    if name in _BRANCHES and name == before:
        return "idle_branch"
    if {before[:2], name[:2]} == {"ST", "LD"} and before[2:] == name[2:]:
        return "store_back"
    if {before, name} in (
        {"INX", "DEX"},
        {"INY", "DEY"},
        {"CLC", "SEC"},
        {"PHA", "PLA"},
        {"TAX", "TXA"},
    ):
        return "undone"
    return "stale_index" if before in ("LDX", "LDY") and name in ("LDA", "STA") else ""


def _confirmed(found: str, last: Statement, op: Statement) -> str:
    """The finding of a pair, where the operands bear it out, or an empty string."""
    if found == "store_back":
        return found if op.operand == last.operand else ""
    if found == "stale_index":
        index = index_of(op.operand)
        return found if index and index != last.name[2] else ""
    return found


def _local_labels(statements: Sequence[Statement]) -> Counter[str]:
    """Local labels used but not defined, and defined but not used."""
    defined: set[str] = set()
    used: set[str] = set()
    for statement in statements:
        if statement.kind == "label" and statement.name[0] == ".":
            defined.add(statement.name)
        if "." in statement.operand:
            names = references(statement.operand)
            used.update([name for name in names if name[0] == "."])
    if not defined and not used:
        return Counter()
    everywhere = " ".join(s.operand for s in statements if s.kind != "op")
    unused = [name for name in defined - used if name[1:] not in everywhere]
    return Counter(
        undefined_local=len(used - defined), unused_local=min(len(unused), 2)
    )


def findings(text: str, calls: Mapping[str, str] | None = None) -> Counter[str]:
    """Contradictions in a snippet, counted by kind (`FINDINGS`).

    `calls` says of a routine how the code base calls it:
    its name -> "RTS" (by JSR) or "RTL" (by JSL).
    """
    statements = parse(text)
    walk = _Walk(calls or {}, _own_calls(statements))
    for statement in statements:
        if statement.kind == "op":
            walk.op(statement)
        elif statement.kind == "label":
            walk.label(statement.name)
        elif statement.kind in ("macro", "directive", "data"):
            walk.m = walk.x = 0
            walk.carry_known, walk.last, walk.alive = True, None, True
            walk.unread.clear()
    walk.found["mixed_returns"] += len(walk.returns) > 1
    walk.found["lost_return"] += walk.alive and not walk.returns
    return +(walk.found + _local_labels(statements))


def _own_calls(statements: Sequence[Statement]) -> dict[str, str]:
    return {
        s.operand: "RTS" if s.name == "JSR" else "RTL"
        for s in statements
        if s.kind == "op" and s.name in _CALLS
    }


def static_score(found: Mapping[str, Any], length: int) -> float:
    """1 where nothing was found, falling with each finding;
    a long routine is forgiven a little more.
    """
    total = sum(PENALTIES[kind] * min(count, 2) for kind, count in found.items())
    return exp(-total * 8 / (8 + max(length, 8) ** 0.5))
