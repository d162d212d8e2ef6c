"""What registers and stack hold while a routine is read,
and what is still known where its paths meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from afs_stages.asm.lexer import Line
from afs_stages.codebase.facts.actions import Action

Naming = Callable[[str], str]
"""How a variable is shown: from the operand's name or `$address` to
text in backquotes.
"""

_BRANCHES_WORDS = "beq bne bcc bcs bmi bpl bvc bvs bra brl jmp"
BRANCHES = frozenset(_BRANCHES_WORDS.split())
_MAX_FORMULA = 90
_LOCAL = re.compile(r"\.[A-Za-z]\w*")
_REGISTERS = "axy"


_COMPUTED_WORDS = "variable bits change halved doubled formula swapped"
_COMPUTED = frozenset(_COMPUTED_WORDS.split())
"""Kinds of values that come from variables, which may change."""


@dataclass(frozen=True)
class Value:
    """What a register holds.

    `kind` is `constant`, `variable` (`detail`: the index), `bits` (`detail`: the mask),
    `change` (`detail`: what was done to the variable), `halved` (`detail`: how often),
    `doubled` (`detail`: the factor), `formula`, `swapped` (its bytes), `returned` (by a
    call; `detail`: the register), `old` (what a variable held before; `detail`: the
    index that has moved since), `register`, `flags` (`detail`: the widths of A, X and
    Y) or `unknown`.
    """

    kind: str = "unknown"
    text: str = ""
    detail: str = ""
    formula: str = ""
    shape: str = ""
    """`sum` where an operator joins two parts, `pointed` behind a pointer."""

    @property
    def said(self) -> str:
        """The value in words, "" where it is unknown."""
        return self.formula or self.text

    @property
    def asked(self) -> tuple[str, str, str]:
        """What the flags tell of when this was the last thing loaded or computed:
        see `MachineState.test`.
        """
        if self.kind == "bits":
            return ("bits", self.text, self.detail)
        known = self.said and self.kind != "constant"
        return ("value", self.said, "") if known else ("", "", "")

    def swapped(self) -> Value:
        """The value behind XBA."""
        if self.kind == "swapped":
            return Value("formula", self.text, shape=self.shape)
        if not self.said or len(self.said) > _MAX_FORMULA:
            return UNKNOWN
        formula = f"{self.said} with its bytes swapped"
        return Value("swapped", self.said, formula=formula, shape=self.shape)

    def past(self, moved: str = "") -> Value:
        """The value, once what it came from may have changed; `moved` is the index that
        is another one now.
        """
        computed = self.kind in _COMPUTED
        if not self.said or not (computed or (moved and self.kind == "register")):
            return self
        pointed = self.said.removesuffix(" points to")
        if pointed != self.said:
            said = f"{pointed} pointed to before"
        elif moved and self.kind == "variable":
            # the place is the same, the register that led to it is not
            index = moved.upper()
            known = f"(with {index} = " in self.said
            said = self.said if known else f"{self.said} by the earlier {index}"
        else:
            said = f"the earlier {self.said}"
        return Value("old", said, moved, shape=self.shape)

    @property
    def bracketed(self) -> str:
        """The value in words, as a part of a longer formula."""
        return f"({self.said})" if self.shape == "sum" else self.said


UNKNOWN = Value()


def combined(left: Value, operator: str, right: str) -> str:
    """Two values and what joins them; "" where one is unknown or a reader would
    lose the thread.
    """
    text = f"{left.bracketed} {operator} {right}"
    return text if left.said and right and len(text) <= _MAX_FORMULA else ""


def _tells_of(base: str, text: str) -> bool:
    """Whether a text names something at a base, with an index or without, or what it
    points to.
    """
    # asked for every value at every store: plain tests are far quicker than a pattern
    begins = [f"`{opening}{base}" for opening in ("", "[", "(")]
    return base in text and any(
        f"{begin}{behind}" in text for begin in begins for behind in "`,])"
    )


Asked = tuple[str, str, str]
"""What a flag tells of: (kind, name, other), kinds as in `CONDITIONS`."""
NOTHING: Asked = ("", "", "")
Pushed = tuple[Value, str]
"""An entry of the stack: what was pushed, and how wide it is."""


def _fresh() -> dict[str, Value]:
    return {"a": UNKNOWN, "x": Value("register", "X"), "y": Value("register", "Y")}


def _entry() -> dict[str, Value]:
    return {**_fresh(), "a": Value("register", "A on entry")}


def _widths(token: str) -> dict[str, str]:
    return dict.fromkeys(_REGISTERS, token)


@dataclass(frozen=True)
class _Path:
    """What is known at a branch, for the label it goes to."""

    registers: dict[str, Value]
    results: dict[str, str]
    widths: dict[str, str]
    stack: tuple[Pushed, ...]
    carry: str


@dataclass
class MachineState:
    """Registers, flags and stack between two instructions."""

    naming: Naming
    kept: Callable[[str], Set[str]] = lambda _: frozenset()
    """Which of `x` and `y` a routine gives back as it got them, by its name."""
    registers: dict[str, Value] = field(default_factory=_entry)
    test: Asked = NOTHING
    """What the zero and the sign flag tell of."""
    held: Asked = NOTHING
    """What the carry tells of."""
    carry: str = ""
    """`clear` or `set`, where CLC or SEC has said it."""
    seen: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    """The constants X and Y were given that only a label follows:
    where a loop begins to count.
    """
    results: dict[str, str] = field(default_factory=dict)
    """What a register was given last and nothing has used since: what the routine
    returns, if it returns now.
    """
    stack: list[Pushed] = field(default_factory=list)
    line: int = 0
    counted: list[Action] = field(default_factory=list)
    """How X or Y was counted, untold until it is known that no loop tells it."""
    counted_at: int = 0
    """The line where it was counted."""
    ended: bool = False
    """Whether the instruction before never goes on to the next."""
    widths: dict[str, str] = field(default_factory=lambda: _widths("entry"))
    """Register -> `8` or `16` where REP or SEP has said it on this path, else a token:
    two equal tokens are the same width.
    """
    forgotten: int = 0
    tells_stack: bool = False
    """Whether every push, pull and switch of the flags is told."""
    coming: dict[str, list[_Path]] = field(default_factory=dict)

    def forget(self) -> None:
        """Know nothing of registers, flags and stack."""
        self.registers, self.stack = _fresh(), []
        self.test, self.held, self.carry, self.results = NOTHING, NOTHING, "", {}
        self.unsure_of_widths()

    def unsure_of_widths(self) -> None:
        """Some width it is, and not one that was said before."""
        self.forgotten += 1
        self.widths = _widths(f"unknown{self.forgotten}")

    def resized(self, register: str, size: str) -> None:
        """A register is `size` bits wide from here on: a number stays what it is if it
        fits, and of X and Y the upper halves are empty at 8 bits.
        """
        before, self.widths[register] = self.widths[register], size
        value = self.registers[register]
        if before == size or not value.said or value.kind == "register":
            return
        long = value.kind == "constant" and len(value.text.strip("`#$%")) > 2
        if size == "8":
            lost = long or (register != "a" and before == "16")
        else:
            # the upper half of A is what it was before
            lost = register == "a" and not long
        if lost:
            unknown = (
                UNKNOWN if register == "a" else Value("register", register.upper())
            )
            self.registers[register] = unknown
            self.results.pop(register, None)
            self.starts.pop(register, None)

    def push(self, word: str, register: str, size: str) -> None:
        """Push a register, the flags with the widths they bring back, or a number."""
        if word == "php":
            said = " ".join(self.widths[name] for name in _REGISTERS)
            self.stack.append((Value("flags", detail=said), size))
        elif size == "16" and not register:
            self.stack += [(UNKNOWN, "8")] * 2
        else:
            self.stack.append((self.registers.get(register, UNKNOWN), size))

    def flags_pulled(self, value: Value) -> None:
        """The flags are what they were when they were pushed, the widths with them."""
        self.carry, self.test, self.held = "", NOTHING, NOTHING
        if value.kind == "flags":
            self.widths = dict(zip(_REGISTERS, value.detail.split(), strict=True))
        else:
            self.unsure_of_widths()

    def pull(self, size: str) -> Value | None:
        """What a pull of this width takes from the stack; None where it was not pushed
        whole in the code read so far.
        """
        if self.stack and self.stack[-1][1] == size:
            return self.stack.pop()[0]
        self.stack = []
        return None

    def stored(self, target: str, base: str, register: str = "") -> None:
        """Variable `target` is another one now: what was computed from it before, or
        from anything at the same base, says so.
        """

        def leans(text: str) -> bool:
            return _tells_of(base, text)

        own = self.registers[register].said if register else ""
        self.test = _renamed(self.test, leans, own, target)
        self.held = _renamed(self.held, leans, own, target)
        for name, value in self.registers.items():
            if leans(value.said):
                self.registers[name] = (
                    Value("variable", target) if name == register else value.past()
                )
        self._pushed_past(leans)

    def reindexed(self, register: str) -> None:
        """X or Y is another one now: what was it, or was read at that index, was."""
        if register == "a":
            return
        # "Y left by `Spawn`" is the same whatever Y is now
        letter = re.compile(rf"\b{register.upper()}\b(?! left by)")

        def leans(text: str) -> bool:
            return bool(letter.search(text))

        self.held = _renamed(self.held, leans)
        for name, value in self.registers.items():
            itself = name == register and value.kind == "register"
            if leans(value.said) and not itself:
                self.registers[name] = value.past(register)
                if leans(self.results.get(name, "")):
                    self.results[name] = self.registers[name].said
        self._pushed_past(leans, register)

    def _pushed_past(self, leans: Callable[[str], bool], moved: str = "") -> None:
        self.stack = [
            (value.past(moved) if leans(value.said) else value, size)
            for value, size in self.stack
        ]

    def called(self, name: str) -> None:
        """After a call A, X and Y are what it left, but for an index it gives back.

        The stack is as it was, the variables may not be.
        """
        stack = [(value.past(), size) for value, size in self.stack]
        kept = {register: self.registers[register] for register in self.kept(name)}
        widths = self.widths
        self.forget()
        self.stack, self.widths = stack, widths
        for register in "ay" if name else "":
            letter = register.upper()
            said = f"{letter} left by `{name}`"
            self.registers[register] = Value("returned", said, letter)
        for register, value in kept.items():
            self.registers[register] = value.past()

    def taken(self) -> str:
        """The value A and the carry take to the place a jump goes to, told once."""
        told = [f"A = {self.results.pop('a')}"] if self.results.get("a") else []
        told += [f"the carry {self.carry}"] if self.carry else []
        return f" with {' and '.join(told)}" if told else ""

    def counts(self) -> list[Action]:
        """The counting of X and Y that nothing has told, told once."""
        told, self.counted = self.counted, []
        return told

    def _path(self) -> _Path:
        return _Path(
            dict(self.registers),
            dict(self.results),
            dict(self.widths),
            tuple(self.stack),
            self.carry,
        )

    def leave(self, label: str) -> None:
        """Note what is known at a branch to `label`."""
        self.coming.setdefault(label, []).append(self._path())

    def enter(self, label: str, known: bool) -> None:
        """Meet at a label: what all paths agree on stays,
        if all of them are `known`.
        """
        if not label.startswith((".", "+", "-", "?")):
            self.seen.clear()
            self.coming.clear()
        paths = self.coming.pop(label, [])
        joined = bool(paths)
        if not self.ended:
            paths.append(self._path())
        self.ended = False
        self.seen.add(label)
        self.forget()
        if not (known and joined):
            return
        first = paths[0]
        for register in _REGISTERS:
            if _same([path.registers[register] for path in paths]):
                self.registers[register] = first.registers[register]
                if _same([path.results.get(register) for path in paths]):
                    self.results[register] = first.results.get(register, "")
            if _same([path.widths[register] for path in paths]):
                self.widths[register] = first.widths[register]
        if _same([path.stack for path in paths]):
            self.stack = list(first.stack)
        if _same([path.carry for path in paths]):
            self.carry = first.carry


def _same(values: Sequence[object]) -> bool:
    """Whether all paths agree."""
    return values.count(values[0]) == len(values)


def _renamed(
    asked: Asked, leans: Callable[[str], bool], own: str = "", target: str = ""
) -> Asked:
    """What a flag tells of, where that is another one now: what was stored in `target`
    is there, the rest is what it was earlier.
    """

    def renamed(text: str) -> str:
        if own and text == own:
            return target
        return f"the earlier {text}" if leans(text) else text

    kind, name, other = asked
    return kind, renamed(name), renamed(other)


def meeting_points(
    lines: tuple[Line, ...], name: str, entered: Set[str]
) -> set[tuple[int, str]]:
    """(line, label) of the local labels that only branches from above,
    in this routine, lead to.

    `entered` are the labels other routines go to, local ones as `Routine_label`, as
    asar calls them.
    """
    closed: set[tuple[int, str]] = set()
    at: dict[str, int] = {}
    for line, label, target, branches in _marks(lines):
        if label and not label.startswith((".", "+", "-", "?")):
            name, at = label, {}
        elif label.startswith("+"):
            closed.add((line, label))
        elif label.startswith("."):
            at[label] = line
            if f"{name}_{label[1:]}" not in entered:
                closed.add((line, label))
        if target in at:
            closed.discard((at[target], target))
        elif target and not branches:
            entered = entered | {f"{name}_{target[1:]}"}
    return closed


def _marks(lines: tuple[Line, ...]) -> Iterator[tuple[int, str, str, bool]]:
    """(line, label, local label an operand names,
    whether a branch names it), in order.
    """
    for line in lines:
        for statement in line.statements:
            for label in statement.labels:
                yield line.number, label, "", False
            for target in (
                _LOCAL.findall(statement.rest)
                if not statement.rest.startswith("$")
                else []
            ):
                direct = not statement.rest.startswith("(")
                yield (
                    line.number,
                    "",
                    target,
                    direct and statement.word.split(".", 1)[0] in BRANCHES,
                )
