"""Routines that can be followed whole, their instructions with their places in the
text, and the same routines with an edit made to them.

Questions about what would happen, what is wrong and how to change something are asked
of these alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from afs_stages.asm.control_flow import ControlFlow, follow, successors
from afs_stages.asm.isa import DATA, MNEMONICS
from afs_stages.asm.lexer import Line, Statement, lex, split_comment
from afs_stages.asm.opcode_table import assemble
from afs_stages.codebase.facts.actions import Action
from afs_stages.codebase.facts.flow import walk
from afs_stages.codebase.facts.machine import Naming
from afs_stages.codebase.facts.project import Project, Unit

MOST_LINES, MOST_CHARACTERS, LEAST_INSTRUCTIONS = 60, 4000, 4
_SEPARATOR = re.compile(r"(?<=\s):(?=\s)")
_ASSEMBLERS_WORDS = "if elseif else endif while endwhile for endfor incbin incsrc org"
_ASSEMBLERS = frozenset((*_ASSEMBLERS_WORDS.split(), *DATA))
"""What stands in a routine whose text is not all code that runs."""

_RETURNS = ("RTS", "RTL", "RTI")

Acts = list[tuple[int, tuple[Action, ...]]]
"""(line, what it does) for each line that does something worth a word."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: `at` is its place among the statements of the routine, `row` its
    line in the routine's text (from 0), `start` to `end` the mnemonic with its size,
    `rest_start` to `rest_end` the operand, `written` all of it as the source has it.
    """

    at: int
    row: int
    start: int
    end: int
    rest_start: int
    rest_end: int
    written: str
    statement: Statement

    @property
    def word(self) -> str:
        """The mnemonic in lower case, without its size."""
        return self.statement.word.split(".", 1)[0]


@dataclass(frozen=True, eq=False)
class SoundRoutine:
    """A routine whose every path is known to its end."""

    unit: Unit
    flow: ControlFlow
    instructions: tuple[Instruction, ...]
    following: tuple[tuple[int, ...], ...]
    """Statement -> the statements that may run right after it."""
    plain: bool
    """Whether it is all instructions: no macro, nothing the assembler decides."""
    naming: Naming
    entered: Set[str]
    """The labels inside of routines that other routines go to."""

    @property
    def returns_only(self) -> bool:
        """Whether every path ends in a return of its own."""
        return all(found.kind in _RETURNS for found in self.flow.exits)

    @cached_property
    def acts(self) -> Acts:
        """What each line of it does that does something worth a word."""
        return self._acts_of(self.unit.block.lines)

    def acts_with(self, text: str) -> Acts:
        """What it would do with another text."""
        return self._acts_of(lines_of(self.unit, text))

    def _acts_of(self, lines: tuple[Line, ...]) -> Acts:
        name = self.unit.block.name
        steps = walk(lines[1:], self.naming, name, self.entered)
        return [(step.line, step.acts) for step in steps]

    def line(self, instruction: Instruction) -> int:
        """The line of an instruction in its file."""
        return self.unit.block.first + instruction.row

    def reachable(self, start: int, without: int | None = None) -> frozenset[int]:
        """The statements that can run from one on, itself among them; on paths that
        do not come by `without` where one is named.
        """
        met, waiting = {start}, [start]
        while waiting:
            for after in self.following[waiting.pop()]:
                if after not in met and after != without:
                    met.add(after)
                    waiting.append(after)
        return frozenset(met)


def sound_routines(
    project: Project, naming: Naming, entered: set[str]
) -> Iterator[SoundRoutine]:
    """The routines that assemble and can be followed to a return or a jump on every
    path; `entered` are the labels inside of routines that other routines go to.
    """
    for unit in project.units:
        block = unit.block
        fits = (
            block.kind == "routine"
            and len(block.lines) <= MOST_LINES
            and len(block.text) <= MOST_CHARACTERS
            and unit.contract.instructions >= LEAST_INSTRUCTIONS
        )
        if not fits or project.find(block.name) is not unit:
            continue
        if block.file in project.program.unbuilt or project.cuts_an_address(unit):
            continue
        found = _followed(project, unit, naming, entered)
        if found is not None:
            yield found


def _followed(
    project: Project, unit: Unit, naming: Naming, entered: set[str]
) -> SoundRoutine | None:
    flow = project.control_flow(unit)
    ends = {found.kind for found in flow.exits}
    if not flow.whole or not ends or "fall" in ends:
        return None
    if assemble(unit.block.text).state not in ("ok", "stubs"):
        return None
    statements = [
        statement
        for line in unit.block.lines
        for statement in line.statements
        if statement.word or statement.labels
    ]
    following = successors(statements)
    # a define in an instruction's place may branch
    defined = any(statement.word.startswith("!") for statement in statements)
    if following is None or defined:
        return None
    plain = not any(
        statement.word.startswith("%") or statement.word in _ASSEMBLERS
        for statement in statements
    )
    instructions = tuple(_instructions(unit))
    return SoundRoutine(
        unit, flow, instructions, tuple(following), plain, naming, entered
    )


def _instructions(unit: Unit) -> Iterator[Instruction]:
    """The instructions of a routine with their places in its text. A line whose parts
    are not the statements that were read is left out.
    """
    at = 0
    for row, (text, line) in enumerate(
        zip(unit.block.text.split("\n"), unit.block.lines, strict=False)
    ):
        parts = list(_parts(split_comment(text)[0]))
        known = len(parts) == len(line.statements)
        for number, statement in enumerate(line.statements):
            if not statement.word and not statement.labels:
                continue
            here, at = at, at + 1
            if known and statement.word.split(".", 1)[0] in MNEMONICS:
                found = _placed(here, row, parts[number], statement)
                if found is not None:
                    yield found


def _parts(code: str) -> Iterator[tuple[int, str]]:
    """(where it begins, text) of each statement of a line of code."""
    start = 0
    for match in (*_SEPARATOR.finditer(code), None):
        end = match.start() if match else len(code)
        if code[start:end].strip():
            yield start, code[start:end]
        start = match.end() if match else end


def _placed(
    at: int, row: int, part: tuple[int, str], statement: Statement
) -> Instruction | None:
    offset, text = part
    pattern = rf"(?i)(?<![\w.]){re.escape(statement.word)}(?![\w.])"
    found = re.search(pattern, text)
    if found is None:
        return None
    start, end = offset + found.start(), offset + found.end()
    behind = text[found.end() :]
    rest_start = end + len(behind) - len(behind.lstrip())
    rest_end = rest_start + len(behind.strip())
    written = text[found.start() :].strip()
    return Instruction(at, row, start, end, rest_start, rest_end, written, statement)


def replaced(text: str, row: int, start: int, end: int, new: str) -> str:
    """A text with a part of one line replaced."""
    rows = text.split("\n")
    rows[row] = rows[row][:start] + new + rows[row][end:]
    return "\n".join(rows)


def lines_of(unit: Unit, text: str) -> tuple[Line, ...]:
    """The lines of a routine as they would be with another text, at the same place."""
    return tuple(lex(tuple(text.split("\n")), unit.block.first))


def flow_of(project: Project, unit: Unit, text: str) -> ControlFlow:
    """What would hold on every path through a routine with another text."""
    statements = [
        statement
        for line in lines_of(unit, text)
        for statement in line.statements
        if statement.word or statement.labels
    ]
    return follow(statements, project.expand)


def written_like(model: str, word: str) -> str:
    """A mnemonic in small or capital letters, as another stands in the text."""
    return word.lower() if model.islower() else word.upper()


def returns_of(routine: SoundRoutine) -> Sequence[Instruction]:
    """The instructions by which a routine returns."""
    return [i for i in routine.instructions if i.word.upper() in _RETURNS]


def in_words(acts: Iterable[Action]) -> str:
    """What a line does, as a clause without a subject: "sets `Oil` to $05"."""
    return ", ".join(f"{act.verb} {act.what}{act.tail}".strip() for act in acts)


def ways_of(project: Project, name: str, callers: Iterable[str]) -> set[str]:
    """The instructions by which the callers of a routine call it (`jsr`, `jsl`); ""
    among them where a caller is not known as a unit.
    """
    found: set[str] = set()
    for caller in callers:
        unit = project.find(caller)
        if unit is None:
            return {""}
        for how, called in unit.contract.calls:
            target = project.find_from(caller, called)
            if target is not None and target.block.name == name:
                found.add(how)
    return found
