"""What registers and stack hold while a routine is read,
and what is still known where its paths meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
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
_OPERATED = re.compile(r" (plus|minus|AND|OR|XOR|times|divided by) ")
_LOCAL = re.compile(r"\.[A-Za-z]\w*")
_REGISTERS = "axy"


@dataclass(frozen=True)
class Value:
    """What a register holds.

    `kind` is `constant`, `variable` (`detail`: the index), `bits` (`detail`: the mask),
    `change` (`detail`: what was done to the variable), `halved` (`detail`: how often),
    `formula`, `returned` (by a call), `old` (what a variable held before; `detail`: the
    index that has moved since), `register` or `unknown`.
    """

    kind: str = "unknown"
    text: str = ""
    detail: str = ""
    formula: str = ""

    @property
    def said(self) -> str:
        """The value in words, "" where it is unknown."""
        return self.formula or self.text

    @property
    def asked(self) -> tuple[str, str, str]:
        """What the flags tell of when this was the last thing loaded or computed:
        see `State.test`.
        """
        if self.kind == "bits":
            return ("bits", self.text, self.detail)
        return (
            ("value", self.said, "")
            if self.said and self.kind != "constant"
            else ("", "", "")
        )

    def past(self, moved: str = "") -> Value:
        """The value, once what it came from may have changed; `moved` is the index that
        is another one now.
        """
        known = self.kind in ("variable", "bits", "change", "halved", "formula")
        if not known or not self.said:
            return self
        return Value("old", f"the earlier {self.said}", moved)


UNKNOWN = Value()


def combined(left: str, operator: str, right: str) -> str:
    """Two values and what joins them; "" where one is unknown or a reader would
    lose the thread.
    """
    text = (
        f"({left}) {operator} {right}"
        if _OPERATED.search(left)
        else f"{left} {operator} {right}"
    )
    return text if left and right and len(text) <= _MAX_FORMULA else ""


def _tells_of(base: str, text: str) -> bool:
    """Whether a text names something at a base, with an index or without."""
    return f"`{base}`" in text or f"`{base}," in text


def _fresh() -> dict[str, Value]:
    return {"a": UNKNOWN, "x": Value("register", "X"), "y": Value("register", "Y")}


def _entry() -> dict[str, Value]:
    return {**_fresh(), "a": Value("register", "A on entry")}


@dataclass(frozen=True)
class _Path:
    """What is known at a branch, for the label it goes to."""

    registers: dict[str, Value]
    results: dict[str, str]
    stack: tuple[Value, ...]
    carry: str
    bottom: bool


@dataclass
class MachineState:
    """Registers, flags and stack between two instructions."""

    naming: Naming
    registers: dict[str, Value] = field(default_factory=_entry)
    test: tuple[str, str, str] = ("", "", "")
    """What the flags tell of: (kind, name, other), kinds as in `CONDITIONS`."""
    carry: str = ""
    seen: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    """The constants X and Y were given that only a label follows:
    where a loop begins to count.
    """
    results: dict[str, str] = field(default_factory=dict)
    """What a register was given last and nothing has used since: what the routine
    returns, if it returns now.
    """
    stack: list[Value] = field(default_factory=list)
    counted: list[Action] = field(default_factory=list)
    """How X or Y was counted, untold until it is known that no loop tells it."""
    bottom: bool = True
    """Whether the stack is known down to the address the routine returns to."""
    ended: bool = False
    """Whether the instruction before never goes on to the next."""
    widths: dict[str, str] = field(default_factory=dict)
    """Register -> `8` or `16`, where REP or SEP has said it on this path."""
    coming: dict[str, list[_Path]] = field(default_factory=dict)

    def forget(self) -> None:
        """Know nothing of registers, flags and stack."""
        self.registers, self.stack, self.bottom = _fresh(), [], False
        self.test, self.carry, self.results = ("", "", ""), "", {}
        self.widths = {}

    def resized(self, register: str, size: str) -> None:
        """A register is `size` bits wide from here on: a number stays what it is if it
        fits, and of X and Y the upper halves are empty at 8 bits.
        """
        before, self.widths[register] = self.widths.get(register, ""), size
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

    def stored(self, target: str, base: str, register: str = "") -> None:
        """Variable `target` is another one now: what was computed from it before, or
        from anything at the same base, says so.
        """
        self._test_stored(target, base, register)
        for name, value in self.registers.items():
            if _tells_of(base, value.said):
                self.registers[name] = (
                    Value("variable", target) if name == register else value.past()
                )
        self.stack = [
            value.past() if target in value.said else value for value in self.stack
        ]

    def _test_stored(self, target: str, base: str, register: str) -> None:
        """What the flags tell of is in the variable now, or was in it before."""
        kind, *asked = self.test
        held = self.registers[register].said if register else ""
        renamed = [
            target
            if text and text == held
            else f"the earlier {text}"
            if _tells_of(base, text)
            else text
            for text in asked
        ]
        self.test = (kind, renamed[0], renamed[1])

    def reindexed(self, register: str) -> None:
        """X or Y is another one now: what was read at that index, was."""
        mark, known = f",{register.upper()}", f" with {register.upper()} ="

        def leans(text: str) -> bool:
            return f"{mark}`" in text or f"{mark})" in text or known in text

        for name, value in self.registers.items():
            if leans(value.said):
                self.registers[name] = value.past(register)
                if leans(self.results.get(name, "")):
                    self.results[name] = self.registers[name].said
        self.stack = [
            value.past(register) if leans(value.said) else value for value in self.stack
        ]

    def called(self, name: str) -> None:
        """After a call A is what it left, and so is Y,
        if nothing was put there before for later.

        The stack is as it was, the variables may not be.
        """
        stack = [value.past() for value in self.stack]
        left = "ay" if self.registers["y"].kind == "register" else "a"
        bottom = self.bottom
        self.forget()
        self.stack, self.bottom = stack, bottom
        for register in left if name else "":
            self.registers[register] = Value(
                "returned", f"{register.upper()} from `{name}`"
            )

    def taken(self) -> str:
        """The value A and the carry take to the place a jump goes to, told once."""
        told = [f"A = {self.results.pop('a')}"] if self.results.get("a") else []
        told += [f"the carry {self.carry}"] if self.carry else []
        return f" with {' and '.join(told)}" if told else ""

    def counts(self) -> list[Action]:
        """The counting of X and Y that nothing has told, told once."""
        told, self.counted = self.counted, []
        return told

    def leave(self, label: str) -> None:
        """Note what is known at a branch to `label`."""
        path = _Path(
            dict(self.registers),
            dict(self.results),
            tuple(self.stack),
            self.carry,
            self.bottom,
        )
        self.coming.setdefault(label, []).append(path)

    def enter(self, label: str, known: bool) -> None:
        """Meet at a label: what all paths agree on stays,
        if all of them are `known`.
        """
        if not label.startswith((".", "+", "-", "?")):
            self.seen.clear()
            self.coming.clear()
        paths = self.coming.pop(label, [])
        if not self.ended:
            paths.append(
                _Path(
                    self.registers,
                    self.results,
                    tuple(self.stack),
                    self.carry,
                    self.bottom,
                )
            )
        joined = len(paths) - (not self.ended)
        self.ended = False
        self.seen.add(label)
        self.forget()
        if known and joined:
            first, *others = paths
            for register in _REGISTERS:
                if all(
                    path.registers[register] == first.registers[register]
                    for path in others
                ):
                    self.registers[register] = first.registers[register]
                    if all(
                        path.results.get(register) == first.results.get(register)
                        for path in others
                    ):
                        self.results[register] = first.results.get(register, "")
            self.stack = (
                list(first.stack)
                if all(path.stack == first.stack for path in others)
                else []
            )
            self.bottom = all(
                path.bottom and path.stack == first.stack for path in paths
            )
            self.carry = (
                first.carry if all(path.carry == first.carry for path in others) else ""
            )


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
