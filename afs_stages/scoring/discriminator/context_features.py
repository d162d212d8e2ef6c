"""Clues to whether a statement belongs where it stands: its neighbours, and what flows
into and out of it.

They come from the reading that the static checker has, too; but where that one names
faults, this one only says what it sees, and a linear model learns from the user's own
code which of it is usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from afs_stages.asm.effects import JUMPS, PULLS, RETURNING, WIDTH_OF, shown_width
from afs_stages.asm.linear import LinearStep, called_by, read_through
from afs_stages.scoring.discriminator.statement_forms import (
    StatementForm,
    statement_form,
)

_EDGE = StatementForm("^", "^", "^", "", "")
_FRAME = ("PHB", "PLB", "PHK", "JSL", "JSR", "JMP", "PHX", "PLX")
"""What tells a routine for near calls from one for far calls."""
_FARTHEST = 5
"""Statements between a value and its reader beyond which all are alike."""

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
    steps = read_through(code)
    reader = _Clues(steps, calls)
    for at, step in enumerate(steps):
        reader.found[at] += reader.neighbours(at)
        if step.statement.kind == "op":
            reader.add(at)
    return reader.found


class _Clues:
    """The clues of a snippet's statements, by place."""

    def __init__(self, steps: Sequence[LinearStep], calls: Mapping[str, str]) -> None:
        statements = [step.statement for step in steps]
        self.steps = steps
        self.forms = [statement_form(one) for one in statements]
        self.padded = [_EDGE, _EDGE, *self.forms, _EDGE, _EDGE]
        self.found: list[list[str]] = [[] for _ in steps]
        self.calls = {**called_by(statements), **calls}
        self.names = {one.name for one in statements if one.kind == "op"}

    def neighbours(self, at: int) -> Iterator[str]:
        """The statement among the two before and the two after it."""
        for letter, places in _NEIGHBOUR_CLUES:
            forms = [getattr(self.padded[at + 2 + away], form) for away, form in places]
            yield letter + "|".join(forms)

    def add(self, at: int) -> None:
        """What an instruction shows, of itself and of the writers before it."""
        form = self.forms[at]
        for register in form.reads:
            self._reads(at, register)
        for register in form.writes:
            if register != "N":
                self._overwrites(at, register)
        if ("X" in form.reads) != ("Y" in form.reads):
            self._other_index(at, "Y" if "X" in form.reads else "X")
        self._same_operand(at)
        self._widths(at)
        self._leaves(at)

    def _writer(self, at: int, register: str, form: str = _HEAD) -> str:
        writer = self.steps[at].values[register].writer
        return getattr(self.forms[writer], form) if isinstance(writer, int) else writer

    def _reads(self, at: int, register: str) -> None:
        own, mine = self.forms[at], self.found[at]
        head = self._writer(at, register)
        general = self._writer(at, register, _GENERAL)
        mine.append(f"h{register}{own.head}<{head}")
        mine.append(f"i{register}{own.general}<{general}")
        writer = self.steps[at].values[register].writer
        if isinstance(writer, int):
            mine.append(f"j{register}{own.head}<{head}{min(at - writer, _FARTHEST)}")
            self.found[writer].append(f"k{register}{head}>{own.head}")
            self.found[writer].append(f"l{register}{general}>{own.general}")

    def _other_index(self, at: int, other: str) -> None:
        """An index register that was set and not used, while this one is used."""
        writer = self._writer(at, other)
        read = self.steps[at].values[other].read
        self.found[at].append(f"m{self.forms[at].head}{other}{writer}{read}")

    def _overwrites(self, at: int, register: str) -> None:
        own, mine = self.forms[at], self.found[at]
        value = self.steps[at].values[register]
        unread = not value.read and register not in own.reads
        before = self._writer(at, register)
        mine.append(f"n{register}{own.head}over{before}{unread}")
        if isinstance(value.writer, int) and unread:
            self.found[value.writer].append(f"p{register}{before}lost to {own.head}")

    def _same_operand(self, at: int) -> None:
        """Whether neighbours work on the same place."""
        before, after = self.steps[at - 1].statement, self.steps[at].statement
        if at == 0 or before.kind != "op":
            return
        same_place = before.operand != "" and before.operand == after.operand
        clue = f"{before.name}|{after.name}{same_place}"
        self.found[at].append("q" + clue)
        self.found[at - 1].append("r" + clue)

    def _widths(self, at: int) -> None:
        op, mine = self.steps[at].statement, self.found[at]
        own, widths = self.forms[at], self.steps[at].widths
        if op.name in ("REP", "SEP"):
            mine.append(f"s{own.exact}|{widths}")
            for away, after in enumerate(self.forms[at + 1 : at + 3]):
                mine.append(f"t{away}{own.exact}|{after.general}")
        if which := WIDTH_OF.get(op.name.lower()):
            width = shown_width(op.size, op.operand)
            mine.append(f"u{op.name}|{widths[which]}|{width}")
            if width:
                mine.append(f"v{own.exact}|{widths[which]}")
        mine.append(f"w{own.general}|{widths['m']}")

    def _leaves(self, at: int) -> None:
        """What the stack and the widths are where something is pulled or left."""
        step, mine = self.steps[at], self.found[at]
        name = step.statement.name
        top = step.stack[-1:] if step.stack else ()
        if name.lower() in PULLS:
            mine.append(f"x{name}|{''.join(top)}")
        if name.lower() not in JUMPS | RETURNING:
            return
        mine.append(f"y{name}|{step.stack and len(step.stack)}|{''.join(top)}")
        mine.append(f"z{name}|{step.widths}")
        mine.append(f"A{name}|{self.calls.get(step.routine, '')}")
        if name in ("RTS", "RTL"):
            frame = [other for other in _FRAME if other in self.names]
            mine += [f"B{name}|{other}" for other in frame]
            mine.append(f"C{name}|{frame}")
