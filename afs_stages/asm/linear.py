"""One reading of a snippet from top to bottom: what is known before each statement.

`control_flow.follow` tells what holds on every path of a whole routine, and else
nothing. This reading is for any piece of code, right or wrong: it assumes nothing of
how the code is entered, takes a width from the first immediate that shows it, calls to
preserve widths and stack, and forgets widths at a macro. What it knows are guesses that
a fault contradicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from afs_stages.asm.effects import (
    BRANCHES,
    CALL_RETURNS,
    JUMPS,
    LEAVES,
    MOVES_STACK,
    PULLS,
    PUSHES,
    WIDTH_OF,
    registers,
    shown_width,
    switched_widths,
)
from afs_stages.asm.lexer import BLOCKS, Statement, parse

START, LABEL, CALL = "start", "label", "call"
"""Who else than a statement may have written a register: the caller, code on another
path, the routine or macro called.
"""
_REGISTERS = "AXYCN"
_OTHER = {"8": "16", "16": "8"}
_BREAKS = LEAVES | BRANCHES | CALL_RETURNS.keys()


@dataclass(frozen=True, slots=True)
class HeldValue:
    """Who wrote a register last (a statement's place, or `START`, `LABEL`, `CALL`), and
    whether it was read since.
    """

    writer: int | str = START
    read: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """What is known where a branch leaves for a label."""

    widths: Mapping[str, str]
    stack: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class LinearStep:
    """A statement and what is known before it."""

    statement: Statement
    widths: Mapping[str, str]
    """`m` of A and `x` of X and Y: `8`, `16`, or nothing where unknown."""
    entry: Mapping[str, str]
    """The widths that the routine seems to be entered with."""
    stack: tuple[str, ...] | None
    """The registers pushed; None where that is unknown."""
    values: Mapping[str, HeldValue]
    """What A, X, Y, the carry C and the flags N hold."""
    routine: str
    reached: bool
    """Whether anything leads here: what stands before it, or a label."""
    straight: int
    """Where the straight stretch that leads here begins."""
    other: Meeting | None
    """Of a label, what is known at the first branch to it."""


@lru_cache(maxsize=BLOCKS)
def read_through(text: str) -> tuple[LinearStep, ...]:
    """Every statement of a text with what is known before it."""
    reader = _SnippetReader()
    return tuple(reader.step(at, one) for at, one in enumerate(parse(text)))


def called_by(statements: Sequence[Statement]) -> dict[str, str]:
    """Routine -> how it must return (`RTS`, `RTL`), by the calls of a text."""
    return {
        one.operand: CALL_RETURNS[one.word].upper()
        for one in statements
        if one.word in CALL_RETURNS
    }


def is_local(label: str) -> bool:
    """Whether a label is one within a routine."""
    return label[:1] in (".", "+", "-", "?")


def _all(writer: str) -> dict[str, HeldValue]:
    return dict.fromkeys(_REGISTERS, HeldValue(writer, writer == CALL))


@dataclass
class _SnippetReader:
    """What is known at the place reached."""

    widths: dict[str, str] = field(default_factory=lambda: {"m": "", "x": ""})
    entry: dict[str, str] = field(default_factory=lambda: {"m": "", "x": ""})
    stack: tuple[str, ...] | None = ()
    values: dict[str, HeldValue] = field(default_factory=lambda: _all(START))
    routine: str = ""
    reached: bool = True
    straight: int = 0
    meetings: dict[str, Meeting] = field(default_factory=dict)

    def step(self, at: int, statement: Statement) -> LinearStep:
        """What is known before a statement; then go on behind it."""
        step = LinearStep(
            statement=statement,
            widths=dict(self.widths),
            entry=dict(self.entry),
            stack=self.stack,
            values=self.values,
            routine=self.routine,
            reached=self.reached,
            straight=self.straight,
            other=self.meetings.get(statement.name),
        )
        if statement.kind == "op":
            self._instruction(at, statement)
        elif statement.kind == "label":
            self._label(statement.name)
            self.straight = at + 1
        elif statement.kind in ("macro", "directive", "data"):
            # may have any effect, and may be jumped to
            self.widths = {"m": "", "x": ""}
            self.values = _all(CALL)
            self.reached, self.straight = True, at + 1
        return step

    def _instruction(self, at: int, op: Statement) -> None:
        word = op.word.partition(".")[0]
        self.reached = True
        if word in ("rep", "sep"):
            self._switch(word, op.operand)
        elif word in WIDTH_OF:
            self._show(WIDTH_OF[word], shown_width(op.size, op.operand))
        self._move_stack(word)
        reads, writes = registers(op.name, op.operand)
        after = dict(self.values)
        for register in reads:
            after[register] = HeldValue(after[register].writer, True)
        for register in writes:
            after[register] = HeldValue(at)
        self.values = after
        if word in BRANCHES or word in JUMPS:
            here = Meeting(dict(self.widths), self.stack)
            self.meetings.setdefault(op.operand, here)
        if word in CALL_RETURNS:
            self.values = _all(CALL)
        if word in _BREAKS:
            self.straight = at + 1
        self.reached = word not in LEAVES

    def _switch(self, word: str, operand: str) -> None:
        widths = switched_widths(word, operand)
        if widths is None:
            self.widths = {"m": "", "x": ""}
            return
        for name, size in widths.items():
            if size == "16" and not self.widths[name]:
                # REP says that the register was narrow; SEP is written without looking
                self.entry[name] = self.entry[name] or _OTHER[size]
            self.widths[name] = size

    def _show(self, name: str, width: str) -> None:
        if not width:
            return
        if not self.widths[name]:
            self.entry[name] = self.entry[name] or width
        self.widths[name] = width

    def _move_stack(self, word: str) -> None:
        if word == "plp":
            self.widths = {"m": "", "x": ""}
        if word in MOVES_STACK:
            self.stack = None
        if self.stack is None:
            return
        if word in PUSHES:
            self.stack += (PUSHES[word].upper(),)
        elif word in PULLS:
            self.stack = self.stack[:-1] if self.stack else None

    def _label(self, name: str) -> None:
        known = self.meetings.get(name)
        if not is_local(name) and (not self.reached or not self.routine):
            self._enter(name)
        elif not self.reached:
            self.widths = dict(known.widths) if known else {"m": "", "x": ""}
            self.stack = known.stack if known else None
        elif known:
            for which, width in known.widths.items():
                if self.widths[which] != width:
                    self.widths[which] = ""
            if self.stack != known.stack:
                self.stack = None
        if name != self.routine:
            self.values = _all(LABEL)
        self.reached = True

    def _enter(self, routine: str) -> None:
        self.routine = routine
        self.widths = {"m": "", "x": ""}
        self.entry = {"m": "", "x": ""}
        self.stack = ()
        self.meetings = {}
        self.values = _all(START)
