"""Clues to whether a statement belongs where it stands: its neighbours, and what flows
into and out of it.

One linear pass, like the static checker's; but where that one names faults, this one
only says what it sees, and a linear model learns from the user's own code which of it
is usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from afs_stages.asm.lexer import Statement, parse
from afs_stages.scoring.context import RETURN_OF
from afs_stages.scoring.discriminator.statement_forms import (
    StatementForm,
    statement_form,
)
from afs_stages.scoring.static import A_OPS, INDEX_OPS, PULLS, PUSHES, written_width

_START, _LABEL, _CALL = "start", "label", "call"
_EDGE = StatementForm("^", "^", "^", "", "")
_LEAVES = frozenset(("RTS", "RTL", "RTI", "JMP", "JML", "BRA", "BRL"))
_FRAME = ("PHB", "PLB", "PHK", "JSL", "JSR", "JMP", "PHX", "PLX")
"""What tells a routine for near calls from one for far calls."""

_EXACT, _GENERAL, _HEAD = "exact", "general", "head"
# fmt: off
_NEIGHBOUR_CLUES = (
    ("0", ((0, _EXACT),)),
    ("1", ((0, _GENERAL),)),
    ("2", ((-1, _GENERAL), (0, _GENERAL))),
    ("3", ((0, _GENERAL), (1, _GENERAL))),
    ("4", ((-1, _GENERAL), (0, _GENERAL), (1, _GENERAL))),
    ("5", ((-1, _HEAD), (0, _HEAD), (1, _HEAD))),
    ("6", ((-2, _HEAD), (-1, _HEAD), (0, _HEAD))),
    ("7", ((0, _HEAD), (1, _HEAD), (2, _HEAD))),
    ("8", ((-1, _EXACT), (0, _EXACT))),
    ("9", ((0, _EXACT), (1, _EXACT))),
    ("a", ((0, _HEAD), (1, _HEAD))),
    ("b", ((-1, _HEAD), (0, _HEAD))),
    ("c", ((-2, _HEAD), (-1, _HEAD), (0, _HEAD), (1, _HEAD), (2, _HEAD))),
    ("d", ((0, _HEAD), (2, _HEAD))),
    ("e", ((-2, _HEAD), (0, _HEAD))),
    ("f", ((-2, _GENERAL), (-1, _GENERAL), (0, _GENERAL))),
    ("g", ((0, _GENERAL), (1, _GENERAL), (2, _GENERAL))),
)
# fmt: on
"""(letter of the clue, the neighbours it names: how far away, in which form)"""


def context_features(code: str, calls: Mapping[str, str]) -> list[list[str]]:
    """The clues of each statement of a snippet, in order;
    `calls` as the static checker takes them.
    """
    statements = parse(code)
    cells = [statement_form(statement) for statement in statements]
    found = _neighbours(cells)
    flow = _Flow(statements, cells, found, calls)
    for at, statement in enumerate(statements):
        flow.step(at, statement)
    return found


def _neighbours(cells: Sequence[StatementForm]) -> list[list[str]]:
    padded = [_EDGE, _EDGE, *cells, _EDGE, _EDGE]
    return [_neighbour_clues(padded, at + 2) for at in range(len(cells))]


def _neighbour_clues(cells: Sequence[StatementForm], at: int) -> list[str]:
    """The statement among the two before and the two after it."""
    clues = []
    for letter, places in _NEIGHBOUR_CLUES:
        forms = [getattr(cells[at + away], form) for away, form in places]
        clues.append(letter + "|".join(forms))
    return clues


@dataclass
class _Flow:
    """Who wrote each register last and whether it was read since, widths,
    stack, routine.
    """

    statements: Sequence[Statement]
    cells: Sequence[StatementForm]
    found: list[list[str]]
    calls: Mapping[str, str]
    writer: dict[str, int | str] = field(default_factory=dict)
    read: dict[str, bool] = field(default_factory=dict)
    m: str = "?"
    x: str = "?"
    pushed: list[str] = field(default_factory=list)
    routine: str = ""

    def __post_init__(self) -> None:
        ops = [s for s in self.statements if s.kind == "op"]
        self.names = {op.name for op in ops}
        self.own_calls = {
            op.operand: RETURN_OF[op.name] for op in ops if op.name in RETURN_OF
        }

    def step(self, at: int, statement: Statement) -> None:
        """Add the clues of one statement, and those it gives about the
        statements before it.
        """
        if statement.kind == "op":
            self._registers(at)
            self._same_operand(at)
            self._widths(at, statement)
            self._stack(at, statement)
        elif statement.kind == "label":
            self._forget(_LABEL)
            if statement.name[0] not in ".+-?":
                self._enter(statement.name)
        elif statement.kind == "macro":
            self.m = self.x = "?"
            self._forget(_CALL)

    def _enter(self, routine: str) -> None:
        self.routine = routine
        self.m = self.x = "?"
        self.pushed = []

    def _forget(self, why: str) -> None:
        self.writer = dict.fromkeys("AXYCN", why)
        self.read = dict.fromkeys("AXYCN", why == _CALL)

    def _head(self, writer: int | str) -> str:
        return self.cells[writer].head if isinstance(writer, int) else writer

    def _registers(self, at: int) -> None:
        own, mine = self.cells[at], self.found[at]
        for register in own.reads:
            self._reads(at, register)
        if ("X" in own.reads) != ("Y" in own.reads):
            # an index register that was set and not used, while this one is used
            other = "Y" if "X" in own.reads else "X"
            writer = self._head(self.writer.get(other, _START))
            mine.append(f"m{own.head}{other}{writer}{self.read.get(other)}")
        for register in own.writes:
            self._writes(at, register)
        if own.head in RETURN_OF:
            self._forget(_CALL)

    def _reads(self, at: int, register: str) -> None:
        own, mine = self.cells[at], self.found[at]
        writer = self.writer.get(register, _START)
        head = self._head(writer)
        far = 0
        general = str(writer)
        if isinstance(writer, int):
            far = min(at - writer, 5)
            general = self.cells[writer].general
            self.found[writer].append(f"k{register}{head}>{own.head}")
            self.found[writer].append(f"l{register}{general}>{own.general}")
        mine.append(f"h{register}{own.head}<{head}")
        mine.append(f"i{register}{own.general}<{general}")
        mine.append(f"j{register}{own.head}<{head}{far}")
        self.read[register] = True

    def _writes(self, at: int, register: str) -> None:
        if register != "N":
            self._overwrites(at, register)
        self.writer[register] = at
        self.read[register] = False

    def _overwrites(self, at: int, register: str) -> None:
        own, mine = self.cells[at], self.found[at]
        writer = self.writer.get(register, _START)
        before = self._head(writer)
        unread = not self.read.get(register, False)
        mine.append(f"n{register}{own.head}over{before}{unread}")
        if isinstance(writer, int) and unread:
            mine.append(f"o{register}")
            self.found[writer].append(f"p{register}{before}lost to {own.head}")

    def _same_operand(self, at: int) -> None:
        """Whether neighbours work on the same place."""
        if at == 0:
            return
        before, after = self.statements[at - 1], self.statements[at]
        if before.kind != "op":
            return
        same_place = before.operand != "" and before.operand == after.operand
        clue = f"{before.name}|{after.name}{same_place}"
        self.found[at].append("q" + clue)
        self.found[at - 1].append("r" + clue)

    def _widths(self, at: int, op: Statement) -> None:
        mine, own = self.found[at], self.cells[at]
        if op.name in ("REP", "SEP"):
            mine.append(f"s{own.exact}|{self.m}{self.x}")
            for away, after in enumerate(self.cells[at + 1 : at + 3]):
                mine.append(f"{away}t{own.exact}|{after.general}")
            self._set_widths("16" if op.name == "REP" else "8", op.operand)
        elif op.name == "PLP":
            self.m = self.x = "?"
        elif op.name in A_OPS:
            self._immediate(at, op, wide_a=True)
        elif op.name in INDEX_OPS:
            self._immediate(at, op, wide_a=False)
        mine.append(f"w{own.general}|{self.m}")

    def _immediate(self, at: int, op: Statement, wide_a: bool) -> None:
        width = written_width(op.size, op.operand) if op.operand[:1] == "#" else 0
        current = self.m if wide_a else self.x
        self.found[at].append(f"u{op.name}|{current}|{width}")
        if width:
            self.found[at].append(f"v{self.cells[at].exact}|{current}")
            if wide_a:
                self.m = str(width)
            else:
                self.x = str(width)

    def _set_widths(self, width: str, operand: str) -> None:
        if operand in ("#$20", "#$30"):
            self.m = width
        if operand in ("#$10", "#$30"):
            self.x = width

    def _stack(self, at: int, op: Statement) -> None:
        name, mine = op.name, self.found[at]
        if name in PUSHES:
            self.pushed.append(PUSHES[name])
        elif name in PULLS:
            pulled = self.pushed.pop() if self.pushed else ""
            mine.append(f"x{name}|{pulled}")
        elif name in _LEAVES:
            self._leave(at, name)

    def _leave(self, at: int, name: str) -> None:
        mine = self.found[at]
        mine.append(f"y{name}|{len(self.pushed)}|{self.pushed[-1:]}")
        mine.append(f"z{name}|{self.m}{self.x}")
        mine.append(f"A{name}|{self._expected_return()}")
        if name not in ("RTS", "RTL"):
            return
        frame = [other for other in _FRAME if other in self.names]
        for other in frame:
            mine.append(f"B{name}|{other}")
        mine.append(f"C{name}|{frame}")

    def _expected_return(self) -> str:
        known = self.calls.get(self.routine)
        return known or self.own_calls.get(self.routine, "")
