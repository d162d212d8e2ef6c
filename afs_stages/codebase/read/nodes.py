"""What the parser finds in an assembly file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from afs_stages.asm.lexer import Line
from afs_stages.codebase.read.expression import Lookup, evaluate


@dataclass(slots=True)
class Label:
    """A label that is not local: full name (namespace joined by `_`), line, brace
    depth, its comments.
    """

    name: str
    line: int
    depth: int
    header: str = ""
    comment: str = ""
    section: str = ""
    condition: str = ""
    """The conditions of the assembler it stands under."""


@dataclass(frozen=True, slots=True)
class Equate:
    """`Name = value` or `!name = value`."""

    name: str
    value: str
    line: int
    comment: str
    header: str
    section: str


@dataclass(slots=True)
class Macro:
    """`macro name(params) … endmacro`, lines inclusive."""

    name: str
    params: str
    first: int
    last: int = 0
    header: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct: `.name: skip size`; a bare `skip size` has no name."""

    name: str
    size: str
    line: int
    comment: str


@dataclass(slots=True)
class Struct:
    """`struct name base … endstruct`, lines inclusive."""

    name: str
    base: str
    first: int
    last: int = 0
    header: str = ""
    fields: list[Field] = field(default_factory=list)

    def laid_out(self, lookup: Lookup) -> list[tuple[Field, int | None]]:
        """Each named field with its offset; None behind a size that is not known, and
        behind one that leaves the bank: where that leads depends on the cartridge.
        """
        base = evaluate(self.base, lookup) or 0
        found: list[tuple[Field, int | None]] = []
        at: int | None = 0
        for entry in self.fields:
            if entry.name:
                found.append((entry, at))
            size = evaluate(entry.size, lookup)
            if (
                at is None
                or size is None
                or (base + at) >> 16 != (base + at + size) >> 16
            ):
                at = None
            else:
                at += size
        return found


@dataclass(frozen=True, slots=True)
class Include:
    """`incsrc`: the path as written and the conditions it stands under."""

    path: str
    line: int
    condition: str


@dataclass(frozen=True, slots=True)
class Org:
    """`org address`, with its comments, the tags (`@hook …`) above or behind it and the
    conditions it stands under.
    """

    address: str
    line: int
    comment: str
    tags: tuple[tuple[str, str], ...]
    condition: str


@dataclass(frozen=True, slots=True)
class PcStep:
    """What moves the program counter: org, base, skip, label, data, code, include,
    push, pull.
    """

    kind: str
    value: str
    line: int


@dataclass
class AsmFile:
    """One parsed file."""

    path: str
    lines: list[Line]
    title: str = ""
    labels: list[Label] = field(default_factory=list)
    equates: list[Equate] = field(default_factory=list)
    macros: list[Macro] = field(default_factory=list)
    structs: list[Struct] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    orgs: list[Org] = field(default_factory=list)
    steps: list[PcStep] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    braces: dict[int, int] = field(default_factory=dict)
    """line of `{` -> line of its `}`"""
    foreign: set[int] = field(default_factory=set)
    """the lines that are for another processor (`arch spc700`)"""
    unnamed: frozenset[int] = frozenset()
    """the lines of code that belong to no label"""

    @cached_property
    def macro_at(self) -> dict[int, str]:
        """Line -> the macro it belongs to."""
        return {
            number: macro.name
            for macro in self.macros
            for number in range(macro.first, (macro.last or macro.first) + 1)
        }

    @cached_property
    def _closes(self) -> dict[int, int]:
        """Line of a label -> line of the brace at which its block ends: its own, behind
        it or below, else the one it stands in; without labels outside of all braces.
        """
        found: dict[int, int] = {}
        opened = sorted(self.braces.items())
        around: list[int] = []  # where the blocks that are open at a label end
        at = 0
        for label in self.labels:
            while at < len(opened) and opened[at][0] < label.line:
                around.append(opened[at][1])
                at += 1
            around = [close for close in around if close > label.line]
            own = self.braces.get(label.line) or self.braces.get(label.line + 1)
            if label.depth and (own or around):
                found[label.line] = own or min(around)
        return found

    def is_closed(self, label: Label, line: int) -> bool:
        """Whether the block of a label, or the one it stands in, ends above a line."""
        return self._closes.get(label.line, line) < line
