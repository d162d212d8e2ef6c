"""One walk over the control flow of a routine, path by path, with register widths,
stack, data bank and what is left of the registers the routine was entered with.

What it finds holds on every path or is not found. Where code leaves what can be
followed (a macro nobody knows, a distance in bytes, an `org`) nothing is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from afs_stages.asm.effects import (
    BRANCHES,
    JUMPS,
    KEEPS_FLAGS,
    PULLS,
    PUSHES,
    RETURNING,
    switched_widths,
)
from afs_stages.asm.isa import DATA
from afs_stages.asm.lexer import Statement
from afs_stages.asm.operand import Operand, read_operand

Expand = Callable[[Statement], Sequence[Statement] | None]
"""The statements a macro call stands for, or None where nobody knows."""

MOST_STATES = 3000
"""States that are looked at in one routine; more paths than that are not followed."""
DEEPEST = 24
"""Entries on the stack, beyond which a loop must be pushing."""
NESTED = 4
"""Macro calls within macro calls that are followed."""

ENTRY = "entry"
"""A width or register as the caller left it."""
UNKNOWN = ""
CALLED = "called"
"""A register behind a call: as the routine called left it."""
AS_WIDE_AS_ENTERED = "entered"
"""The upper half of A, where only code of the caller's width has written A."""

_WIDE = {"a": "m", "x": "x", "y": "x"}
"""Which width a push or pull of the register depends on."""
_CHANGES_WORDS = {
    "a": "lda adc sbc and ora eor txa tya tdc tsc xba",
    "x": "ldx tax tyx tsx inx dex",
    "y": "ldy tay txy iny dey",
    "d": "tcd",
}
_CHANGES = {
    word: register
    for register, words in _CHANGES_WORDS.items()
    for word in words.split()
}
_OF_A_OR_MEMORY = frozenset(("inc", "dec", "asl", "lsr", "rol", "ror"))
_PREPARES = frozenset((*PUSHES, "pea", "plb", "rep", "sep", "nop", "clc", "sec"))
"""What may stand before a switch of widths that is still the first thing done: saving
registers and setting the data bank.
"""


class Registers(NamedTuple):
    """What is left of the entry values (`ENTRY` or `UNKNOWN`); `high` is the upper
    half of A, which an 8-bit push does not save.
    """

    a: str = ENTRY
    high: str = ENTRY
    x: str = ENTRY
    y: str = ENTRY
    b: str = ENTRY
    d: str = ENTRY
    p: str = ENTRY


class Pushed(NamedTuple):
    """An entry of the stack: register, what it held, its size as a width, and for P
    the widths it brings back.
    """

    register: str
    value: str
    high: str = UNKNOWN
    size: str = ""
    m: str = ""
    x: str = ""


class Walker(NamedTuple):
    """Where a path is, and what it knows there."""

    at: int
    m: str = ENTRY
    x: str = ENTRY
    registers: Registers = Registers()
    stack: tuple[Pushed, ...] = ()
    lost: bool = False
    """Whether something was pulled that the routine had not pushed whole, or the stack
    was set anew.
    """
    first: str = UNKNOWN
    """What REP and SEP have switched before any work was done: `m=16`, `x=8` or
    both.
    """
    working: bool = False
    """Whether something was done that is more than saving registers."""
    taken: frozenset[str] = frozenset()
    """The registers whose entry value was pushed, changed, and pulled again."""
    changed: frozenset[str] = frozenset()
    """The registers that have been changed."""


@dataclass(frozen=True)
class Exit:
    """How a path ends: `kind` is a return (`RTS`), `jump` (to another routine), `fall`
    (into what follows) or `cut` (at a local label that is not in this code); the
    walker as it was there.
    """

    kind: str
    last: Walker


@dataclass
class ControlFlow:
    """What holds for a routine on every path through it."""

    exits: list[Exit] = field(default_factory=list)
    whole: bool = True
    """Whether every path could be followed to its end."""
    given: dict[int, Operand] = field(default_factory=dict)
    """Statement -> its operand, where some path indexes it by an X or Y that is still
    the caller's.
    """

    @property
    def saves(self) -> tuple[str, ...]:
        """The registers that are saved and restored: each exit is a return that finds
        the stack as it was, and the register as the caller left it although it was
        changed.
        """
        returns = all(e.kind in ("RTS", "RTL", "RTI") for e in self.exits)
        if not self.exits or not self.whole or not returns:
            return ()
        kept = [
            register
            for register in "axybdp"
            if all(_kept(e.last, register) for e in self.exits)
            and any(register in e.last.taken for e in self.exits)
        ]
        return tuple(kept)

    @property
    def first_widths(self) -> str:
        """The widths every path switches to before it does any work (`m=16`), ""
        where paths differ or work comes first.
        """
        found = {e.last.first for e in self.exits}
        return found.pop() if self.whole and len(found) == 1 else ""

    @property
    def leaves(self) -> tuple[str, ...]:
        """The kinds of exits without returns: `jump`, `fall`, `cut`."""
        return tuple(sorted({e.kind for e in self.exits} - {"RTS", "RTL", "RTI"}))

    @property
    def untouched(self) -> frozenset[str]:
        """The index registers that are what they were at every return."""
        returned = bool(self.exits) and self.whole and not self.leaves
        return frozenset(
            register
            for register in "xy"
            if returned
            and all(getattr(e.last.registers, register) == ENTRY for e in self.exits)
        )

    @property
    def index_given(self) -> tuple[str, ...]:
        """The index registers that are used as the caller left them on some path."""
        return tuple(sorted(self.by_caller))

    @property
    def by_caller(self) -> dict[str, list[Operand]]:
        """X or Y -> the operands that are indexed by it as the caller left it, in the
        order of the code.
        """
        found: dict[str, list[Operand]] = {}
        for _, operand in sorted(self.given.items() if self.whole else ()):
            index = operand.inner if operand.inner in ("X", "Y") else operand.index
            operands = found.setdefault(index, [])
            if operand not in operands:
                operands.append(operand)
        return found


def _kept(last: Walker, register: str) -> bool:
    if last.lost or last.stack or getattr(last.registers, register) != ENTRY:
        return False
    return register != "a" or last.registers.high == ENTRY


def follow(statements: Sequence[Statement], expand: Expand) -> ControlFlow:
    """Walk every path through a routine's statements."""
    code = list(_expanded(statements, expand, 0))
    found = ControlFlow()
    if any(statement is None for statement in code):
        found.whole = False
        return found
    routine = _RoutineCode([statement for statement in code if statement is not None])
    waiting, seen = [Walker(0)], set[Walker]()
    while waiting:
        walker = waiting.pop()
        if walker in seen:
            continue
        seen.add(walker)
        operand = routine.indexed(walker)
        if operand is not None:
            found.given[walker.at] = operand
        if len(seen) > MOST_STATES or len(walker.stack) > DEEPEST:
            found.whole = False
            return found
        after = routine.step(walker)
        if after is None:
            found.whole = False
            return found
        for following in after:
            if isinstance(following, Exit):
                found.exits.append(following)
            else:
                waiting.append(following)
    return found


def successors(statements: Sequence[Statement]) -> list[tuple[int, ...]] | None:
    """For each statement the places of those that may run right after it, macros taken
    as going on to the next; None where that cannot be told.
    """
    code = [
        Statement(one.labels, "nop", "") if one.word.startswith("%") else one
        for one in statements
    ]
    routine = _RoutineCode(code)
    found: list[tuple[int, ...]] = []
    for at in range(len(code)):
        after = routine.step(Walker(at))
        if after is None:
            return None
        places = [one.at for one in after if isinstance(one, Walker)]
        found.append(tuple(place for place in places if place < len(code)))
    return found


def _expanded(
    statements: Sequence[Statement], expand: Expand, depth: int
) -> Iterator[Statement | None]:
    """The statements with macro calls replaced; None for a call nobody knows."""
    for statement in statements:
        if not statement.word.startswith("%"):
            yield statement
            continue
        body = expand(statement) if depth < NESTED else None
        if body is None:
            yield None
            continue
        if statement.labels:
            yield Statement(statement.labels, "", "")
        yield from _expanded(body, expand, depth + 1)


class _RoutineCode:
    """Statements of a routine with its labels and conditions resolved."""

    def __init__(self, statements: list[Statement]) -> None:
        self.statements = statements
        self.labels: dict[str, list[int]] = {}
        for at, statement in enumerate(statements):
            for label in statement.labels:
                self.labels.setdefault(label.lstrip("#"), []).append(at)
        self.skips = dict(_conditions(statements))

    def indexed(self, walker: Walker) -> Operand | None:
        """The operand of a statement that is indexed by an X or Y which is still the
        caller's.
        """
        rest = (
            self.statements[walker.at].rest if walker.at < len(self.statements) else ""
        )
        if "," not in rest or self.statements[walker.at].word in DATA:
            return None
        operand = read_operand(rest)
        index = operand.inner if operand.inner in ("X", "Y") else operand.index
        given = (
            index in ("X", "Y") and getattr(walker.registers, index.lower()) == ENTRY
        )
        return operand if given else None

    def step(self, walker: Walker) -> list[Walker | Exit] | None:
        """What follows one statement on a path; None where it cannot be told."""
        if walker.at >= len(self.statements):
            return [Exit("fall", walker)]
        statement = self.statements[walker.at]
        word, rest = statement.word.split(".", 1)[0], statement.rest.strip()
        if len(word) == 3 and word not in _PREPARES and not walker.working:
            walker = walker._replace(working=True)
        following = walker._replace(at=walker.at + 1)
        if word in ("if", "elseif", "while", "for"):
            # what the assembler decides: both ways are followed
            other = walker._replace(at=self.skips.get(walker.at, walker.at + 1))
            return [following, other]
        if word == "else":
            return [walker._replace(at=self.skips.get(walker.at, walker.at + 1))]
        if word in RETURNING:
            return [Exit(word.upper(), walker)]
        if word in BRANCHES or word in JUMPS:
            return self._go(walker, word, rest)
        if word in ("jsr", "jsl"):
            return self._call(following)
        if word in DATA or word in ("incbin", "fill", "stp", "brk", "cop", "wai"):
            # data on a path: whatever stands before it does not come back here
            return [Exit("jump", walker)] if word != "wai" else [following]
        if word == "org":
            return None
        after = _after(following, word, rest)
        return None if after is None else [after]

    def _call(self, following: Walker) -> list[Walker | Exit] | None:
        """Behind a call: A, X, Y and the flags may be anything, the rest is as it was.
        Data right behind the call is a table of the routine called, which does not
        come back.
        """
        ahead = self.statements[following.at : following.at + 1]
        if ahead and ahead[0].word in DATA:
            return [Exit("jump", following)]
        left = following.registers._replace(
            a=UNKNOWN,
            high=UNKNOWN,
            x=CALLED,
            y=CALLED,
            p=UNKNOWN,
        )
        return [_changed(following._replace(registers=left), "axyp")]

    def _go(self, walker: Walker, word: str, rest: str) -> list[Walker | Exit] | None:
        operand = read_operand(rest)
        if operand.mode != "direct":
            return [Exit("jump", walker)]
        target = self._target(operand.base, walker.at)
        gone: Walker | Exit
        if (
            target is None
            and operand.literal is not None
            and word not in ("jmp", "jml")
        ):
            return None  # a distance in bytes
        away = "cut" if operand.local or set(operand.base) <= {"+", "-"} else "jump"
        gone = Exit(away, walker) if target is None else walker._replace(at=target)
        if word in JUMPS:
            return [gone]
        return [gone, walker._replace(at=walker.at + 1)]

    def _target(self, label: str, at: int) -> int | None:
        """Where a label of this routine is: `+` the next, `-` the last one, a name that
        stands twice the nearest.
        """
        places = self.labels.get(label, [])
        if set(label) == {"+"}:
            return next((place for place in places if place > at), None)
        if set(label) == {"-"}:
            return next((place for place in reversed(places) if place <= at), None)
        return min(places, key=lambda place: abs(place - at), default=None)


def _conditions(statements: list[Statement]) -> Iterator[tuple[int, int]]:
    """(statement, where it leads when its condition fails): an `if` to its `else` or
    behind its `endif`, an `else` behind its `endif`.
    """
    opened: list[list[int]] = []
    for at, statement in enumerate(statements):
        word = statement.word
        if word in ("if", "while", "for"):
            opened.append([at])
        elif word in ("else", "elseif") and opened:
            opened[-1].append(at)
        elif word in ("endif", "endwhile", "endfor") and opened:
            marks = opened.pop()
            for mark, following in zip(marks, [*marks[1:], at], strict=True):
                goes_on = statements[mark].word != "else"
                yield mark, (following + 1 if goes_on and following != at else at + 1)


def _after(walker: Walker, word: str, rest: str) -> Walker | None:
    """A path behind an instruction that goes on to the next."""
    if word in ("rep", "sep"):
        return _switched(walker, word, rest)
    if word in PUSHES or word in ("pea", "pei", "per"):
        return _pushed(walker, word)
    if word in PULLS:
        return _pulled(walker, PULLS[word])
    if word in ("tcs", "txs"):
        return walker._replace(stack=(), lost=True)
    if word == "xce":
        walker = walker._replace(m=UNKNOWN, x=UNKNOWN)
    for register in _results(word, rest):
        walker = _written(walker, register)
    if word in ("xba", "tdc", "tsc"):
        walker = walker._replace(registers=walker.registers._replace(high=UNKNOWN))
    if len(word) == 3 and word not in KEEPS_FLAGS:
        return _flagged(walker)
    return walker


def _flagged(walker: Walker) -> Walker:
    """A path behind an instruction that sets flags."""
    if walker.registers.p == UNKNOWN and "p" in walker.changed:
        return walker
    flags = walker.registers._replace(p=UNKNOWN)
    return _changed(walker._replace(registers=flags), "p")


def _results(word: str, rest: str) -> str:
    """The registers an instruction puts something new into."""
    if word in ("mvn", "mvp"):
        return "axyb"
    alone = rest.upper() in ("", "A") or rest.startswith("#")
    if word in _OF_A_OR_MEMORY and alone:
        return "a"
    return _CHANGES.get(word, "")


def _changed(walker: Walker, registers: str) -> Walker:
    if walker.changed.issuperset(registers):
        return walker
    return walker._replace(changed=walker.changed | set(registers))


def _written(walker: Walker, register: str) -> Walker:
    """A register holds something new: of A at 8 bits only the lower half does."""
    new = {register: UNKNOWN}
    if register == "a" and walker.m != "8":
        narrow = walker.m == ENTRY and walker.registers.high != UNKNOWN
        new["high"] = AS_WIDE_AS_ENTERED if narrow else UNKNOWN
    before = walker.registers
    if register in walker.changed and all(
        getattr(before, name) == value for name, value in new.items()
    ):
        return walker  # nothing is left of it already
    left = before._replace(**new)
    return _changed(walker._replace(registers=left), register)


def _switched(walker: Walker, word: str, rest: str) -> Walker | None:
    """REP and SEP of widths; an operand that is no number could switch anything."""
    widths = switched_widths(word, rest)
    if widths is None:
        return None
    registers = walker.registers._replace(p=UNKNOWN)
    if widths.get("x") == "8" and walker.x != "8":
        # the upper halves of X and Y are gone
        registers = registers._replace(x=UNKNOWN, y=UNKNOWN)
        walker = _changed(walker, "xy")
    first = walker.first
    if widths and not walker.working:
        before = dict(part.split("=") for part in first.split())
        first = " ".join(f"{n}={w}" for n, w in sorted((before | widths).items()))
    m, x = widths.get("m", walker.m), widths.get("x", walker.x)
    after = walker._replace(registers=registers, first=first, m=m, x=x)
    return _changed(after, "p")


def _pushed(walker: Walker, word: str) -> Walker:
    register = PUSHES.get(word, "")
    if register in ("", "k"):
        size = "8" if word == "phk" else "16"
        return walker._replace(stack=(*walker.stack, Pushed(word, UNKNOWN, size=size)))
    value = getattr(walker.registers, register)
    entry = Pushed(register, value, size=_size(walker, register))
    if register == "a":
        entry = entry._replace(high=walker.registers.high)
    if register == "p":
        entry = entry._replace(m=walker.m, x=walker.x)
    return walker._replace(stack=(*walker.stack, entry))


def _size(walker: Walker, register: str) -> str:
    """How wide a push or pull of a register is."""
    fixed = {"b": "8", "p": "8", "d": "16"}.get(register, "")
    return fixed or getattr(walker, _WIDE[register])


def _pulled(walker: Walker, register: str) -> Walker:
    """Take from the stack; what is not there whole (the return address, half of a push)
    loses it.
    """
    top = walker.stack[-1] if walker.stack else Pushed("", UNKNOWN)
    if not top.size or top.size != _size(walker, register):
        top, walker = Pushed("", UNKNOWN), walker._replace(stack=(), lost=True)
    same = top.register == register
    registers = walker.registers._replace(**{register: top.value if same else UNKNOWN})
    if register == "a":
        registers = registers._replace(high=_upper(walker, top, same))
    changed = walker.changed if same else walker.changed | {register}
    taken = walker.taken
    if same and top.value == ENTRY and register in walker.changed:
        taken = taken | {register}
    after = walker._replace(
        registers=registers,
        stack=walker.stack[:-1],
        taken=taken,
        changed=changed,
    )
    if register == "p":
        return after._replace(m=top.m, x=top.x)
    return _flagged(after)


def _upper(walker: Walker, top: Pushed, same: bool) -> str:
    """The upper half of A after a pull: as it is at 8 bits, as pushed at 16; at the
    caller's width as pushed, unless it was changed at another width.
    """
    if walker.m == "8":
        return walker.registers.high
    if not same:
        return UNKNOWN
    if walker.m == ENTRY and walker.registers.high == UNKNOWN:
        return UNKNOWN
    return top.high
