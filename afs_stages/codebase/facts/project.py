"""Everything the kinds draw on, read once: the program, its blocks and call graph, the
sections of the docs.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from afs_stages.asm.control_flow import ControlFlow, follow
from afs_stages.asm.isa import DATA, DIRECTIVES, MNEMONICS
from afs_stages.asm.lexer import Line, Statement
from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import WORK_RAM, canonical
from afs_stages.codebase.facts.callers import (
    CALLED,
    GONE_TO,
    LISTED,
    from_patches,
    references,
)
from afs_stages.codebase.facts.contract import Contract, contract
from afs_stages.codebase.facts.direct_page import DirectPage, direct_page
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.markdown import Document, read_document
from afs_stages.codebase.read.nodes import AsmFile, Macro, Org
from afs_stages.codebase.read.program import Program, Symbol, read_program
from afs_stages.codebase.read.routines import CodeSpan, blocks, patches
from afs_stages.codebase.read.tree import Problem, Tree, read_tree
from afs_stages.codebase.read.vocabulary import OwnWords

_CONTRACT = re.compile(
    r"(?i)takes (an? )?[axy]\b|(uses|sets?) (\$[0-9a-f]{2}|[axy]\b)|(clc|sec) if\b|"
    r"[axy]\s*(=|contains|holds)|based on\b|carry (is |= ?)?(set|clear)\b|"
    r"\$[0-9a-f]{2,6}\s*[-=]|[a-z0-9]{2}: \w+( \d)? [a-z0-9]{2}: |"
    r"(inputs?|outputs?|entry|exit|param(eter)?s?|args?|contract|clobbers?|returns?|status)\b.{0,3}[:=]"
)
NO_CODE = DIRECTIVES | DATA.keys() | {""}
"""Words of the assembler by which no instruction is put down."""

NO_TASK = re.compile(
    r"(?i)(todo|fixme|xxx|hack|wtf|optimi\w+)\b"
    r"|\d+(-\d+)?\s*[:=]\s|this (function|routine|code) is (bled|jumped|called"
    r"|reached)\b"
    r"|([\w'/-]+ ){1,5}(routines|functions|subroutines)[.:]?(\n|$)"
    r"|end( of)?( [\w'-]+){1,4}[.]?$"
    r"|no rt[ls]\b|([VHOPT] ){4}|the (following|next|above) (\d |two "
    r"|three )?(functions?|routines?)\b"
)
"""What is to be done, what has ended, legends of frames, how a routine is come by, and
the title of a group of them: none is what it is for.
"""

_ADDRESS = re.compile(r"^(?:[0-9A-F]{6}|\$[0-9A-F]{4,6}:)\s+")
"""The address of a routine in front of its header."""

_BEHIND_NAME = re.compile(r"\s*[:.\-–—]?\s+")
_VERSION = re.compile(r"\s*[-:–—(|].*$")


@dataclass(frozen=True, eq=False)
class Unit:
    """A block with its contract and a one-sentence summary (empty where
    nothing is said).
    """

    block: CodeSpan
    contract: Contract
    summary: str


@dataclass
class Project:
    """A codebase, read."""

    tree: Tree
    program: Program
    units: list[Unit]
    documents: list[Document]
    vocabulary: OwnWords = field(default_factory=OwnWords)
    callers: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """routine -> who leads to it -> how: called, gone to, listed"""
    led_to_by_unnamed: set[str] = field(default_factory=set)
    """the routines that code without a label leads to, or lists"""
    hooks: dict[str, list[CodeSpan]] = field(default_factory=dict)
    by_name: dict[str, list[Unit]] = field(default_factory=dict)
    _control_flows: dict[Unit, ControlFlow] = field(default_factory=dict)

    @property
    def problems(self) -> list[Problem]:
        """What could not be read, by file and line."""
        return sorted(
            self.tree.problems, key=lambda p: (p.file, p.line, p.reason, p.detail)
        )

    @cached_property
    def title(self) -> str:
        """What the codebase calls itself: the heading of its README,
        else "the game".
        """
        readme = next(
            (doc for doc in self.documents if doc.path.lower() == "readme.md"), None
        )
        return _VERSION.sub("", readme.title) if readme and readme.title else "the game"

    @property
    def moves_direct_page(self) -> bool:
        """Whether a number of the direct page alone names no place anywhere."""
        return self.direct_page.moved_for_good

    @cached_property
    def direct_page(self) -> DirectPage:
        """Which routines run with the direct page at 0."""
        spans = [unit.block for unit in self.units]
        leads: dict[str, list[str]] = {}
        for name in {*self.callers, *self.hooks}:
            # a patch leads to a routine as a call does
            patches_to = [hook.name for hook in self.hooks.get(name, ())]
            leads[name] = [*self.callers.get(name, ()), *patches_to]
        return direct_page(self.program.files.values(), spans, leads)

    @cached_property
    def _common(self) -> frozenset[str]:
        """Comments that stand in five routines or more: of a template,
        so they explain none of them.
        """
        counts = Counter(
            said
            for unit in self.units
            for said in {note for _, note in unit.block.notes}
        )
        return frozenset(said for said, count in counts.items() if count >= 5)

    @cached_property
    def used_places(self) -> frozenset[int]:
        """The places that instructions name or count from."""
        operands = (
            read_operand(statement.rest)
            for unit in self.units
            for line in unit.block.lines
            for statement in line.statements
            if statement.word.split(".", 1)[0] in MNEMONICS
        )
        bases = {operand.base for operand in operands if operand.mode != "immediate"}
        values = (evaluate(base, self.program.value) for base in bases)
        return frozenset(canonical(value) for value in values if value is not None)

    @cached_property
    def _macros(self) -> dict[str, list[tuple[Macro, tuple[Line, ...]]]]:
        """Name of a macro -> its definitions with the lines of their bodies."""
        found: dict[str, list[tuple[Macro, tuple[Line, ...]]]] = {}
        for file in self.program.files.values():
            for macro in file.macros:
                body = tuple(file.lines[macro.first : max(macro.first, macro.last - 1)])
                found.setdefault(macro.name.lower(), []).append((macro, body))
        return found

    def expand(self, call: Statement) -> list[Statement] | None:
        """The statements a macro call stands for; None where the macro is not known or
        is defined in several ways.
        """
        written = f"{call.word} {call.rest}".strip()
        called, _, arguments = written.removeprefix("%").partition("(")
        definitions = self._macros.get(called.strip().lower(), [])
        if len({tuple(line.code for line in body) for _, body in definitions}) != 1:
            return None
        macro, body = definitions[0]
        names = [f"<{name.strip()}>" for name in macro.params.split(",")]
        values = arguments.strip().removesuffix(")").split(",")
        given = dict(zip(names, (value.strip() for value in values), strict=False))

        def filled(text: str) -> str:
            for name, value in given.items():
                text = text.replace(name, value)
            return text

        return [
            Statement(
                tuple(map(filled, statement.labels)),
                filled(statement.word),
                filled(statement.rest),
            )
            for line in body
            for statement in line.statements
        ]

    def control_flow(self, unit: Unit) -> ControlFlow:
        """What holds on every path through a routine."""
        if unit not in self._control_flows:
            statements = (s for line in unit.block.lines for s in line.statements)
            kept = [s for s in statements if s.word or s.labels]
            self._control_flows[unit] = follow(kept, self.expand)
        return self._control_flows[unit]

    def untouched(self, name: str) -> frozenset[str]:
        """Which of `x` and `y` the routine of this name gives back as it got them."""
        unit = self.find(name)
        return self.control_flow(unit).untouched if unit is not None else frozenset()

    def cuts_an_address(self, unit: Unit) -> bool:
        """Whether an instruction is forced to one byte of an address (`STA.b`) that has
        more: it works on another place than the one that is written there.
        """
        return any(
            statement.word.endswith(".b") and self._is_long(statement.rest)
            for line in unit.block.lines
            for statement in line.statements
        )

    def _is_long(self, rest: str) -> bool:
        """Whether an operand is a place outside of page 0 of the work RAM."""
        operand = read_operand(rest)
        value = None
        if operand.mode not in ("none", "immediate"):
            value = evaluate(operand.base, self.program.value)
        return value is not None and not 0 <= canonical(value) - WORK_RAM <= 0xFF

    def lays_down_data(self, unit: Unit) -> bool:
        """Whether a macro in a routine holds data and no code: nothing runs there."""
        calls = (s for line in unit.block.lines for s in line.statements)
        bodies = (self.expand(s) for s in calls if s.word.startswith("%"))
        words = ({s.word for s in body} for body in bodies if body is not None)
        return any(DATA.keys() & found and found <= NO_CODE for found in words)

    def notes(self, unit: Unit) -> list[tuple[str, str]]:
        """The (code, comment) pairs inside a routine that are its own."""
        return [note for note in unit.block.notes if note[1] not in self._common]

    @cached_property
    def file_titles(self) -> dict[str, str]:
        """What the first sentence of a file's opening comment says,
        where it says something.
        """
        found: dict[str, str] = {}
        for path, file in self.program.files.items():
            first = re.split(r"(?<=[.!])\s|\n", file.title, maxsplit=1)[0]
            if (
                comments.says_something(first, 3)
                and not first[:1].islower()
                and first.lower() != "sprite properties"
                and len(first) < 200
            ):
                found[path] = comments.sentence(first)
        counts = Counter(found.values())
        return {
            path: text
            for path, text in found.items()
            if counts[text] < 3 and self.title not in text
        }

    @cached_property
    def best_symbol(self) -> dict[str, Symbol]:
        """The symbol a name means, where it means one address only."""
        found = {}
        for name, group in self.program.symbols.items():
            if len({symbol.value for symbol in group}) == 1:
                found[name] = max(
                    group,
                    key=lambda symbol: (comments.words(symbol.comment), -symbol.line),
                )
        return found

    def reached_from(self, name: str, how: str) -> list[str]:
        """Who calls, goes to or lists a routine, itself left out; of several ways the
        first of these.
        """
        order = (CALLED, GONE_TO, LISTED)
        found = self.callers.get(name, {})
        return [
            other
            for other, ways in found.items()
            if other != name and min(ways, key=order.index) == how
        ]

    def find_from(self, owner: str, name: str) -> Unit | None:
        """The routine a name means in the code of `owner`: its own namespace first."""
        inside = (
            self.find(f"{namespace}_{name}")
            for namespace in self.program.namespaces
            if owner.startswith(f"{namespace}_")
        )
        return next(filter(None, inside), None) or self.find(name)

    def find(self, name: str) -> Unit | None:
        """The routine a name refers to, where there is one only."""
        group = (
            self.by_name.get(name) or self.by_name.get(self.program.bare(name)) or []
        )
        return group[0] if len(group) == 1 else None


def read_project(root: Path, words: OwnWords | None = None) -> Project:
    """Read a codebase. Raises `UserError` when the root is no folder."""
    words = words or OwnWords()
    tree = read_tree(root)
    program = read_program(tree)
    documents = [
        document
        for page in tree.markdown
        if (document := read_document(page, words)) is not None
    ]
    found = [
        block
        for file in program.files.values()
        for block in (*blocks(file), *patches(file))
        # what another processor runs is no 65816 code
        if block.kind == "data" or block.first not in file.foreign
    ]
    units = [_unit(block) for block in found]
    project = Project(tree, program, units, documents, words)
    for unit in project.units:
        if unit.block.kind != "patch":
            project.by_name.setdefault(unit.block.name, []).append(unit)
    for unit in project.units:
        if unit.block.kind == "patch":
            _hook(project, unit)
    for file in program.files.values():
        for name, org, line in from_patches(file):
            _hook_behind(project, file, name, org, line)
        for name, owner, how in references(file):
            target = project.find_from(owner, name) if name else None
            if target is not None and owner:
                ways = project.callers.setdefault(target.block.name, {})
                ways.setdefault(owner, set()).add(how)
            elif target is not None:
                project.led_to_by_unnamed.add(target.block.name)
    return project


def _unit(block: CodeSpan) -> Unit:
    return Unit(block, contract(block.lines), summary(block))


def summary(block: CodeSpan) -> str:
    """The first sentence of the header, without the routine's own name in front."""
    first_line, *below = block.header.split("\n")[:3]
    told = takewhile(lambda line: not comments.stands_alone(line.strip()), below)
    text = _ADDRESS.sub("", comments.joined([first_line, *told]))
    name = block.name.rsplit(".", 1)[-1]
    behind = _BEHIND_NAME.match(text, len(name)) if text.startswith(name) else None
    text = text[behind.end() :] if behind else text
    first = re.split(
        r"(?<=[a-z)\]\d][.!])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`])", text, maxsplit=1
    )[0].strip()
    first = re.split(r"(?<=[a-z])\s+(?=[AXY]\s*=\s)", first, maxsplit=1)[0]
    first = re.split(
        r"(?i)\s+(?=(?:inputs?|outputs?|returns?|entry|exit|args?|params?|parameters?)\s*:)",
        first,
    )[0]
    first = first.removesuffix(":")
    if (
        first.isupper()
        or first.endswith("?")
        or not comments.says_something(first, 3)
        or _CONTRACT.match(first)
        or NO_TASK.match(first)
        or _breaks_off(first)
    ):
        return ""
    letters = sum(len(word) == 1 and word.isalnum() for word in first.split())
    return (
        comments.sentence(first)
        if len(first) <= 300 and letters * 4 <= len(first.split())
        else ""
    )


def _breaks_off(said: str) -> bool:
    """Whether a sentence ends in the middle, or at the number of an entry of a list."""
    last = said.rstrip(" .").rpartition(" ")[2]
    return comments.is_join(last) or last.isdigit() or last == "that"


def _hook_behind(
    project: Project, file: AsmFile, name: str, org: Org, line: int
) -> None:
    """Note a routine that code leads to which stands far behind its `org`."""
    target = project.find(name)
    if target is None:
        return
    hooks = project.hooks.setdefault(target.block.name, [])
    if not any((hook.file, hook.name) == (file.path, org.address) for hook in hooks):
        place = (org.address, file.path, line, line)
        hooks.append(CodeSpan("patch", *place, "", "", (), org.condition))


def _hook(project: Project, unit: Unit) -> None:
    """Note the routines a patch leads to."""
    for _, name in unit.contract.calls:
        target = project.find(name)
        if target is not None:
            project.hooks.setdefault(target.block.name, []).append(unit.block)
