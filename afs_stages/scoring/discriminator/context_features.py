"""Clues to whether a statement belongs where it stands: its neighbours, and what flows
into and out of it.

One linear pass, like the static checker's; but where that one names faults, this one
only says what it sees, and a linear model learns from the user's own code which of it
is usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from afs_stages.asm.syntax import Statement, parse
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
    return [_window(*padded[at : at + 5]) for at in range(len(cells))]


def _window(
    a: StatementForm,
    b: StatementForm,
    c: StatementForm,
    d: StatementForm,
    e: StatementForm,
) -> list[str]:
    """The statement `c` among the two before and the two after it."""
    return [
        f"0{c.exact}",
        f"1{c.general}",
        f"2{b.general}|{c.general}",
        f"3{c.general}|{d.general}",
        f"4{b.general}|{c.general}|{d.general}",
        f"5{b.head}|{c.head}|{d.head}",
        f"6{a.head}|{b.head}|{c.head}",
        f"7{c.head}|{d.head}|{e.head}",
        f"8{b.exact}|{c.exact}",
        f"9{c.exact}|{d.exact}",
        f"a{c.head}|{d.head}",
        f"b{b.head}|{c.head}",
        f"c{a.head}|{b.head}|{c.head}|{d.head}|{e.head}",
        f"d{c.head}|{e.head}",
        f"e{a.head}|{c.head}",
        f"f{a.general}|{b.general}|{c.general}",
        f"g{c.general}|{d.general}|{e.general}",
    ]


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
            op.operand: _RETURN_OF[op.name] for op in ops if op.name in _RETURN_OF
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
                self.routine, self.m, self.x, self.pushed = statement.name, "?", "?", []
        elif statement.kind == "macro":
            self.m = self.x = "?"
            self._forget(_CALL)

    def _forget(self, why: str) -> None:
        self.writer = dict.fromkeys("AXYCN", why)
        self.read = dict.fromkeys("AXYCN", why == _CALL)

    def _head(self, writer: int | str) -> str:
        return self.cells[writer].head if isinstance(writer, int) else writer

    def _registers(self, at: int) -> None:
        own, mine = self.cells[at], self.found[at]
        for register in own.reads:
            self._reads(at, register)
        if "X" in own.reads or "Y" in own.reads:
            for other in {"X", "Y"} - set(own.reads):
                # an index register that was set and not used, while this one is used
                mine.append(
                    f"m{own.head}{other}{self._head(self.writer.get(other, _START))}"
                    f"{self.read.get(other)}"
                )
        for register in own.writes:
            self._writes(at, register)
        if own.head in _RETURN_OF:
            self._forget(_CALL)

    def _reads(self, at: int, register: str) -> None:
        own, writer = self.cells[at], self.writer.get(register, _START)
        head, far, general = self._head(writer), 0, str(writer)
        if isinstance(writer, int):
            far, general = min(at - writer, 5), self.cells[writer].general
            self.found[writer] += [
                f"k{register}{head}>{own.head}",
                f"l{register}{general}>{own.general}",
            ]
        clue = f"{register}{own.head}<{head}"
        self.found[at] += [
            "h" + clue,
            f"i{register}{own.general}<{general}",
            f"j{clue}{far}",
        ]
        self.read[register] = True

    def _writes(self, at: int, register: str) -> None:
        writer = self.writer.get(register, _START)
        if register != "N":
            unread = not self.read.get(register, False)
            self.found[at].append(
                f"n{register}{self.cells[at].head}over{self._head(writer)}{unread}"
            )
            if isinstance(writer, int) and unread:
                self.found[at].append(f"o{register}")
                self.found[writer].append(
                    f"p{register}{self._head(writer)}lost to {self.cells[at].head}"
                )
        self.writer[register], self.read[register] = at, False

    def _same_operand(self, at: int) -> None:
        """Whether neighbours work on the same place."""
        if at and self.statements[at - 1].kind == "op":
            before, after = self.statements[at - 1], self.statements[at]
            clue = (
                f"{before.name}|"
                f"{after.name}"
                f"{bool(before.operand) and before.operand == after.operand}"
            )
            self.found[at].append("q" + clue)
            self.found[at - 1].append("r" + clue)

    def _widths(self, at: int, op: Statement) -> None:
        mine, own = self.found[at], self.cells[at]
        if op.name in ("REP", "SEP"):
            after = self.cells[at + 1 : at + 3]
            mine += [
                f"s{own.exact}|{self.m}{self.x}",
                *(f"{n}t{own.exact}|{c.general}" for n, c in enumerate(after)),
            ]
            self._set_widths("16" if op.name == "REP" else "8", op.operand)
        elif op.name == "PLP":
            self.m = self.x = "?"
        elif (wide_a := op.name in A_OPS) or op.name in INDEX_OPS:
            self._immediate(at, op, wide_a)
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
            mine.append(f"x{name}|{self.pushed.pop() if self.pushed else ''}")
        elif name in _LEAVES:
            expected = self.calls.get(self.routine) or self.own_calls.get(
                self.routine, ""
            )
            left = f"{len(self.pushed)}|{self.pushed[-1:]}"
            mine += [
                f"y{name}|{left}",
                f"z{name}|{self.m}{self.x}",
                f"A{name}|{expected}",
            ]
            if name in ("RTS", "RTL"):
                frame = [other for other in _FRAME if other in self.names]
                mine += [*(f"B{name}|{other}" for other in frame), f"C{name}|{frame}"]


_RETURN_OF = {"JSR": "RTS", "JSL": "RTL"}
