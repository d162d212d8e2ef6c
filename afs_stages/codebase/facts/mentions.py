"""Who names what: every use of a name or an address in the code that is built, and the
routine, table, macro or patch it stands in.

One pass over all lines, also of routines that are too long to be explained. What code
reaches through a pointer or an index from elsewhere is named nowhere and not found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from afs_stages.asm.isa import CALLS, DATA, MNEMONICS, OTHER, READS, WRITES
from afs_stages.asm.lexer import Line, Statement
from afs_stages.asm.operand import Operand, read_operand
from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.machine import BRANCHES
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.nodes import AsmFile, Label
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.read.routines import is_reserved

READ, TESTED, WRITTEN, NAMED = "read", "tested", "written", "named"

_NAME = re.compile(r"(?<![$\w])!?[A-Za-z_][\w.]*")
_NUMBER = re.compile(r"(?<![#\w])\$([0-9A-Fa-f]{2,6})\b")
_DIRECT_PAGE, BANK = 0x100, 0xFFFF
_COMPARES = frozenset(("bit", "cmp", "cpx", "cpy"))
_LOADS = frozenset(("and", "lda", "ldx", "ldy"))
_ASKS = frozenset(("beq", "bne", "bmi", "bpl"))
"""Branches that ask for what was loaded or masked."""


class Owner(NamedTuple):
    """What a line belongs to: `routine` (code behind a label), `table` (data), `label`
    (neither), `macro`, `patch` or, before the first label, `file`.
    """

    kind: str
    name: str
    file: str


class Use(NamedTuple):
    """One statement that names something; `register` is the one that is added to the
    address, "" where none is.
    """

    owner: Owner
    line: int
    code: str
    how: str
    register: str


@dataclass
class Mentions:
    """Uses in order of files and lines, by name and by place."""

    names: dict[str, list[Use]] = field(default_factory=lambda: defaultdict(list))
    places: dict[int, list[Use]] = field(default_factory=lambda: defaultdict(list))
    """Place -> uses of that address, by whatever name or spelling."""

    def of(self, symbol: Symbol) -> list[Use]:
        """Every use of a variable: by its name, and by whatever else an instruction
        works on its address. Another name alone, such as that of a constant with the
        same value, is none.
        """
        place = canonical(symbol.value)
        named = self.names.get(symbol.name, ())
        # an index on a number of the direct page may lead anywhere in it
        placed = [
            use
            for use in self.places.get(place, ())
            if not use.register or region(place) != "direct page"
        ]
        return sorted(dict.fromkeys((*named, *placed)), key=_in_order)

    def users(self, name: str) -> list[str]:
        """The routines that mention a name, each once."""
        uses = self.names.get(name, ())
        routines = [use.owner.name for use in uses if use.owner.kind == "routine"]
        return list(dict.fromkeys(routines))


def _in_order(use: Use) -> tuple[str, int]:
    return use.owner.file, use.line


def owners(uses: Iterable[Use]) -> list[Owner]:
    """Who uses something, each once. Versions of one routine, of which the assembler
    chooses one, are one.
    """
    found: dict[tuple[str, str], Owner] = {}
    for use in uses:
        found.setdefault((use.owner.kind, use.owner.name), use.owner)
    return list(found.values())


def shown(owner: Owner) -> str:
    """An owner as text."""
    if owner.kind in ("routine", "label"):
        return f"`{owner.name}`"
    if owner.kind == "file":
        return f"`{owner.file}`"
    mark = "%" if owner.kind == "macro" else ""
    article = "the patch at" if owner.kind == "patch" else f"the {owner.kind}"
    return f"{article} `{mark}{owner.name}`"


def mentions(project: Project) -> Mentions:
    """Read every use of a name or an address in the files that are built."""
    return _Reader(project).read()


class _Reader:
    def __init__(self, project: Project) -> None:
        self.project, self.program = project, project.program
        program = project.program
        self.found = Mentions()
        self.known = set(program.symbols)
        for file in program.files.values():
            self.known.update(label.name for label in file.labels)
        self.value = lru_cache(maxsize=None)(self._value)

    def _value(self, expression: str) -> int | None:
        return evaluate(expression, self.program.value)

    def read(self) -> Mentions:
        for path, file in self.program.files.items():
            if path not in self.program.unbuilt:
                self._file(file)
        return self.found

    def _file(self, file: AsmFile) -> None:
        lines = list(owned_lines(file))
        written = [
            (owner, line.number, statement)
            for owner, line in lines
            for statement in line.statements
            if statement.word
        ]
        words = [statement.word.split(".", 1)[0] for _, _, statement in written]
        for at, (owner, number, statement) in enumerate(written):
            asked = _is_asked(words[at + 1 : at + 3])
            self._statement(owner, number, statement, asked)

    def _statement(
        self, owner: Owner, line: int, statement: Statement, asked: bool
    ) -> None:
        word = statement.word.split(".", 1)[0]
        foreign = word in OTHER and word not in DATA
        if foreign or statement.rest.startswith(("=", ":=")):
            return
        if word.startswith("%") and not self._works(owner, statement):
            return
        text = statement.text
        operand = read_operand(statement.rest)
        register = operand.index or operand.inner
        use = Use(owner, line, text, _how(word, operand, asked), register)
        # a macro's call names things in its first word too
        searched = text if word.startswith("%") else statement.rest
        for name in dict.fromkeys(_NAME.findall(searched)):
            known = self._known(owner, name)
            if known:
                how = self._by_macro(statement, name) or use.how
                self.found.names[known].append(use._replace(how=how))
        # where a routine moves the direct page, a number of it is another place
        moved = owner.name in self.project.direct_page.unknown
        for place in self._places(word, statement.rest, operand, moved):
            self.found.places[place].append(use)

    def _works(self, owner: Owner, call: Statement) -> bool:
        """Whether a macro's call gives code or data, and is no check of addresses; of
        a macro that is not known, only where code or data stands around it.
        """
        inside = self.project.expand(call)
        if inside is None:
            return owner.kind != "label"
        words = [statement.word.split(".", 1)[0] for statement in inside]
        return any(
            word in MNEMONICS or word in DATA or word.startswith("%") for word in words
        )

    def _by_macro(self, call: Statement, name: str) -> str:
        """What a macro does to a name it is given; "" for what is no macro, or not
        known.
        """
        inside = self.project.expand(call) if call.word.startswith("%") else None
        if not inside:
            return ""
        words = [statement.word.split(".", 1)[0] for statement in inside]
        ways = set()
        for at, (word, statement) in enumerate(zip(words, inside, strict=True)):
            if name in _NAME.findall(statement.rest):
                asked = _is_asked(words[at + 1 : at + 3])
                ways.add(_how(word, read_operand(statement.rest), asked))
        return next((how for how in (WRITTEN, TESTED, READ) if how in ways), "")

    def _known(self, owner: Owner, name: str) -> str:
        """The name as the codebase knows it; of `Table.part` the table where the part
        has no address of its own.
        """
        for namespace in self.program.namespaces:
            if owner.name.startswith(f"{namespace}_"):
                inside = f"{namespace}_{name}"
                if inside in self.known:
                    return inside
        if name in self.known:
            return name
        bare = self.program.bare(name)
        if bare in self.known:
            return bare
        head = name.split(".", 1)[0]
        return head if head in self.known else ""

    def _places(
        self, word: str, rest: str, operand: Operand, moved: bool
    ) -> Iterator[int]:
        if _works_on_memory(word, operand):
            value = self.value(operand.base)
            # a slip of the pen still names an address; beside a name that is not known
            # a number is an offset
            slip = [] if _NAME.search(operand.base) else _numbers(rest)
            values = slip if value is None else [value]
        elif word.startswith("%"):
            values = [value for value in _numbers(rest) if value > BANK]
        else:
            values = []
        for value in values:
            if 0 <= value <= 0xFFFFFF and not (moved and value < _DIRECT_PAGE):
                yield canonical(value)


def _works_on_memory(word: str, operand: Operand) -> bool:
    """Whether an instruction reads or writes the place its operand names; a jump does
    where it goes through a pointer.
    """
    if operand.mode in ("none", "immediate"):
        return False
    pointer = operand.mode != "direct" and (word in CALLS or word == "pei")
    return pointer or word in READS or word in WRITES


def _is_asked(following: list[str]) -> bool:
    """Whether the words behind a load or a mask ask for its result: a comparison, or a
    branch, also behind a mask.
    """
    if following[:1] == ["and"]:
        following = following[1:]
        return bool(following) and following[0] in _ASKS
    return bool(following) and (following[0] in _ASKS or following[0] in _COMPARES)


def _numbers(text: str) -> list[int]:
    return [int(digits, 16) for digits in _NUMBER.findall(text)]


def _how(word: str, operand: Operand, asked: bool) -> str:
    if word in ("dw", "dl", "db"):
        return LISTED
    if operand.mode == "immediate":
        return NAMED
    if word in CALLS or word in BRANCHES:
        called = word in ("jsr", "jsl")
        return (CALLED if called else GONE_TO) if operand.mode == "direct" else READ
    if operand.mode != "direct":
        return READ  # a pointer is read, whatever is done to what it points to
    if word in WRITES:
        return WRITTEN
    if word in _COMPARES or (word in _LOADS and asked):
        return TESTED
    return READ if word in READS else NAMED


def owned_lines(file: AsmFile) -> list[tuple[Owner, Line]]:
    """The lines of the main processor's code, each with what it belongs to."""
    found = list(_labelled_lines(file))
    kinds = _kinds(found)
    return [
        (Owner(kind or kinds.get(name, "label"), name, file.path), line)
        for kind, name, line in found
    ]


def _labelled_lines(file: AsmFile) -> Iterator[tuple[str, str, Line]]:
    """(kind, name, line); the kind of what stands behind a label is left open ("").

    A routine goes on behind a patch that is put between its lines with `pushpc`; what
    stands behind an `org` without a label is the patch at that address. Memory that is
    set aside holds no code.
    """
    at_line = defaultdict(list)
    for label in file.labels:
        at_line[label.line].append(label)
    stack: list[Label] = []
    patch, saved = "", list[tuple[list[Label], str]]()
    for line in (one for one in file.lines if one.number not in file.foreign):
        if line.number in file.macro_at:
            yield "macro", file.macro_at[line.number], line
            continue
        for statement in line.statements:
            if statement.word == "org":
                stack, patch = [], statement.rest.split(",")[0].strip()
            elif statement.word == "pushpc":
                saved.append((stack, patch))
            elif statement.word == "pullpc" and saved:
                stack, patch = saved.pop()
        stack = [*stack, *at_line.get(line.number, ())]
        while stack and file.is_closed(stack[-1], line.number):
            stack = stack[:-1]
        if line.number in file.unnamed:
            yield "file", file.path, line
        elif not stack:
            yield "patch" if patch else "file", patch or file.path, line
        elif not is_reserved(file, stack[-1]):
            yield "", stack[-1].name, line


def _kinds(lines: list[tuple[str, str, Line]]) -> dict[str, str]:
    """Label -> `routine` where instructions stand behind it, `table` where only data
    does.
    """
    found: dict[str, str] = {}
    for kind, name, line in lines:
        for statement in line.statements if not kind else ():
            if statement.word.split(".", 1)[0] in MNEMONICS:
                found[name] = "routine"
            elif statement.word in DATA:
                found.setdefault(name, "table")
    return found
