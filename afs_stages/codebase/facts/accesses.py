"""Every place in the code that names a variable, by its name or by its address, and
whether these are all: what a question about "all" writers or readers needs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from afs_stages.asm.isa import READS, WRITES
from afs_stages.asm.operand import Operand, read_operand
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.read.nodes import AsmFile
from afs_stages.codebase.read.program import Symbol

_WORD = re.compile(r"!?[A-Za-z_][\w.]*")
_BOTH = frozenset(("inc", "dec", "asl", "lsr", "rol", "ror", "tsb", "trb"))
"""What reads a place and writes it."""


@dataclass(frozen=True)
class Access:
    """One instruction that reads or writes a place; `unit` is None outside routines."""

    unit: Unit | None
    file: str
    line: int
    word: str
    written: str
    operand: Operand

    @property
    def writes(self) -> bool:
        """Whether it changes the place."""
        return self.word in WRITES

    @property
    def reads(self) -> bool:
        """Whether it takes the value of the place."""
        return self.word in READS or self.word in _BOTH


@dataclass
class VariableUse:
    """The accesses of one variable in the order of files and lines."""

    symbol: Symbol
    accesses: list[Access] = field(default_factory=list)
    whole: bool = True
    """Whether no line names it in another way: in an expression, in data, by a macro's
    argument, by an index that counts from it, or in a file that is never assembled.
    """

    @property
    def writers(self) -> list[Access]:
        """What changes it."""
        return [access for access in self.accesses if access.writes]

    @property
    def readers(self) -> list[Access]:
        """What takes its value."""
        return [access for access in self.accesses if access.reads]

    @property
    def files(self) -> list[str]:
        """The files that use it, each once."""
        return list(dict.fromkeys(access.file for access in self.accesses))


def variable_uses(
    project: Project,
    place_of: Callable[[int], int],
    is_variable: Callable[[Symbol], bool],
) -> dict[str, VariableUse]:
    """Name -> uses, of each variable whose place has one name. `place_of` gives one
    number a place, mirrors as one.
    """
    ours = tuple(f"{namespace}_" for namespace in project.program.namespaces)
    names = Counter(
        place_of(symbol.value)
        for symbol in project.best_symbol.values()
        if symbol.kind != "foreign"
    )
    uses: dict[str, VariableUse] = {}
    at_place: dict[int, VariableUse] = {}
    for name, symbol in project.best_symbol.items():
        # inside its namespace such a name is written without the front
        spaced = bool(ours) and name.startswith(ours)
        alone = names[place_of(symbol.value)] == 1
        if is_variable(symbol) and alone and not spaced:
            uses[name] = VariableUse(symbol)
            at_place[place_of(symbol.value)] = uses[name]

    def find(operand: Operand) -> VariableUse | None:
        if operand.name:
            return uses.get(operand.name)
        value = operand.literal
        return None if value is None else at_place.get(place_of(value))

    is_zero = project.direct_page.is_zero
    for file in project.program.files.values():
        units = _units_of(project, file.path)
        for line, word, rest in _statements(file):
            use, access = _access(file, line, word, rest, units, find, is_zero)
            built = file.path not in project.program.unbuilt
            if use is not None and access is not None and built:
                use.accesses.append(access)
                continue
            if use is not None:
                use.whole = False
            for name in _WORD.findall(f"{word} {rest}"):
                if name in uses:
                    uses[name].whole = False
    return uses


def _statements(file: AsmFile) -> Iterator[tuple[int, str, str]]:
    """(line, first word, rest) of what is code: definitions are no uses."""
    for line in file.lines:
        if line.number in file.foreign:
            continue
        for statement in line.statements:
            defines = "=" in f"{statement.word} {statement.rest}".split('"')[0]
            if statement.word and not defines:
                yield line.number, statement.word, statement.rest


def _units_of(project: Project, path: str) -> list[Unit]:
    units = [unit for unit in project.units if unit.block.file == path]
    return sorted(units, key=lambda unit: unit.block.first)


def _unit_at(units: list[Unit], line: int) -> Unit | None:
    at = bisect_right([unit.block.first for unit in units], line) - 1
    if at < 0 or units[at].block.last < line:
        return None
    return units[at]


def _access(
    file: AsmFile,
    line: int,
    word: str,
    rest: str,
    units: list[Unit],
    find: Callable[[Operand], VariableUse | None],
    is_zero: Callable[[str], bool],
) -> tuple[VariableUse | None, Access | None]:
    """The variable one statement works on, and how; no access where an index or a
    pointer stands between; `is_zero` tells by a routine's name whether it runs with the
    direct page at 0.
    """
    mnemonic = word.partition(".")[0]
    if mnemonic not in READS and mnemonic not in WRITES:
        return None, None
    operand = read_operand(rest)
    use = None if operand.mode == "immediate" else find(operand)
    if use is None:
        return None, None
    unit = _unit_at(units, line)
    in_page = operand.literal is not None and operand.literal < 0x100
    moved = in_page and (unit is None or not is_zero(unit.block.name))
    if operand.mode != "direct" or operand.indexed or moved:
        return use, None
    code = file.lines[line - 1].code
    start = max(code.lower().find(f"{word} {rest}".lower()), 0)
    written = code[start : start + len(word) + len(rest) + 1]
    return use, Access(unit, file.path, line, mnemonic, written.strip(), operand)
