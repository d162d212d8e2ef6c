"""Questions whose honest answer is that the sources do not say: what a variable holds
that nothing describes, why a routine does what no comment explains, where code lies in
the ROM that no `org` places. What can be seen is told instead.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from afs_stages.asm.places import canonical
from afs_stages.codebase.facts.accesses import VariableUse
from afs_stages.codebase.facts.callers import CALLED
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, listing, quoted
from afs_stages.codebase.tell.draft import Draft, about
from afs_stages.codebase.tell.name_lookup import NameLookup

_WORD = re.compile(r"!?[A-Za-z_]\w*")
_NUMBER = re.compile(r"\$?\b[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}\b")
_IN_NAME = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,6}(?![0-9A-Za-z])|_[0-9A-F]{4,6}")
"""An address in the name of a routine."""

_LOAD = re.compile(r"(?i)^(ld[axy](?:\.\w)?) #(\$[0-9A-Fa-f]+)$")
MOST_USES = 8

_OF_A_MEANING = (
    "What exactly is {name} for?",
    "Is {name} documented anywhere?",
    "Which values may {name} have, and what does each mean?",
    "What did the authors mean {name} to hold?",
)
_OF_A_PLACE = (
    "At which ROM address does {name} begin?",
    "I need the address of {name} for a breakpoint. Which is it?",
    "Is {name} at a fixed address?",
    "Give me the SNES address of {name}.",
)
_OF_A_REASON = (
    "Why does {name} use {number} and no other number?",
    "Where does the {number} in {name} come from?",
    "What is the idea behind `{written}` in {name}?",
    "Who decided on {number} in {name}, and why?",
)


class _Written:
    """What people have written: the words of all pages and of all comments."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that a page or a comment has."""
        found: set[str] = set()
        for page in self.project.tree.markdown:
            for text in page.lines:
                found.update(_WORD.findall(text))
        for file in self.project.program.files.values():
            for line in file.lines:
                if line.comment:
                    found.update(_WORD.findall(line.comment))
        return frozenset(found)

    def name(self, name: str) -> bool:
        """Whether a page or a comment has a name, or its last part."""
        last = re.split(r"[_.]", name)[-1]
        return name in self.words or (len(last) > 3 and last in self.words)


def of_variables(project: Project, uses: Mapping[str, VariableUse]) -> Iterator[Draft]:
    """What a variable is for that nobody describes: one a file."""
    texts = _Written(project)
    asked: set[str] = set()
    for name in sorted(uses):
        use = uses[name]
        file = use.symbol.file
        few = use.accesses and len(use.accesses) <= MOST_USES
        if file not in asked and few and _undescribed(project, texts, use):
            asked.add(file)
            yield _variable(use)


def of_routines(project: Project, words: NameLookup) -> Iterator[Draft]:
    """A number nobody explains: one a file; an address nobody gives: one a folder. Not
    knowing stays the exception.
    """
    texts = _Written(project)
    asked: set[tuple[str, str]] = set()
    for unit in project.units:
        block = unit.block
        if block.kind != "routine" or project.find(block.name) is not unit:
            continue
        folder = posixpath.dirname(block.file)
        if ("place", folder) not in asked and _unplaced(project, words, unit):
            asked.add(("place", folder))
            yield _no_address(project, unit)
        if ("reason", block.file) not in asked and not texts.name(block.name):
            found = _unexplained_number(unit)
            if found is not None and _is_silent_above(project, unit):
                asked.add(("reason", block.file))
                yield _no_reason(unit, *found)


def _undescribed(project: Project, texts: _Written, use: VariableUse) -> bool:
    """Whether nobody has written a word about a variable, nor beside its uses."""
    symbol = use.symbol
    said = symbol.comment or symbol.header or symbol.section or symbol.hardware
    if said or texts.name(symbol.name):
        return False
    for access in use.accesses:
        lines = project.program.files[access.file].lines
        around = lines[max(access.line - 2, 0) : access.line + 1]
        if access.unit is None or any(line.comment for line in around):
            return False
    return True


def _variable(use: VariableUse) -> Draft:
    symbol = use.symbol
    name = f"`{symbol.name}`"
    names = [a.unit.block.name for a in use.accesses if a.unit is not None]
    users = quoted(list(dict.fromkeys(names)), MOST_USES)
    answer = (
        f"The sources do not say. {name} is defined as {address(symbol.value)} in "
        f"`{symbol.file}` (line {symbol.line}) without a comment, and neither a page "
        "of the docs nor a comment names it. Its name is all there is to go by, beside "
        f"the code that uses it: {users}."
    )
    return Draft(
        "memory_unsaid",
        choose(_OF_A_MEANING, symbol.name).format(name=name),
        answer,
        symbol.file,
        symbol.line,
        symbol.line,
        f"variable:{address(canonical(symbol.value))}",
    )


def _unplaced(project: Project, words: NameLookup, unit: Unit) -> bool:
    """Whether nothing gives the address of a routine: no symbol, no comment."""
    block = unit.block
    named = block.name in project.program.symbols or bool(words.place(block.name))
    first = project.program.files[block.file].lines[block.first - 1]
    if named or _NUMBER.search(block.header) or _IN_NAME.search(block.name):
        return False
    if first.text.lstrip().startswith("#_") or unit.contract.instructions < 4:
        return False
    return bool(project.reached_from(block.name, CALLED))


def _no_address(project: Project, unit: Unit) -> Draft:
    block = unit.block
    name = f"`{block.name}`"
    callers = project.reached_from(block.name, CALLED)
    answer = (
        f"The source does not say: no line of it gives {name} (`{block.file}`, line "
        f"{block.first}) a number. Where it comes to lie is known once the assembler "
        "has run; a symbol file of the build tells the address. By its name it is "
        f"called from {quoted(callers, 4)}."
    )
    return about(
        block, "asm_unsaid", choose(_OF_A_PLACE, block.name).format(name=name), answer
    )


def _unexplained_number(unit: Unit) -> tuple[int, str, str] | None:
    """(line, instruction, number) of a constant in a routine without any comment."""
    block = unit.block
    silent = not block.header and not any(line.comment for line in block.lines)
    if not silent or unit.contract.instructions < 4:
        return None
    for line in block.lines[1:]:
        for statement in line.statements:
            written = f"{statement.word} {statement.rest}"
            match = _LOAD.match(written)
            if match and int(match.group(2)[1:], 16) > 2:
                mnemonic, dot, size = statement.word.partition(".")
                written = f"{mnemonic.upper()}{dot}{size} {statement.rest}"
                return line.number, written, match.group(2)
    return None


def _is_silent_above(project: Project, unit: Unit) -> bool:
    """Whether the lines above a routine are no comment on it either."""
    block = unit.block
    above = project.program.files[block.file].lines[max(block.first - 4, 0) :]
    return not any(line.comment for line in above[: min(block.first - 1, 3)])


def _no_reason(unit: Unit, line: int, written: str, number: str) -> Draft:
    block = unit.block
    name = f"`{block.name}`"
    chosen = choose(_OF_A_REASON, block.name)
    question = chosen.format(name=name, number=number, written=written)
    writes = listing([f"`{operand.text}`" for operand in unit.contract.writes], 4)
    answer = (
        f"The sources give no reason. Line {line} of `{block.file}` is `{written}`, "
        f"and {name} has neither a header nor a comment; no page of the docs names it."
    )
    if writes:
        answer += f" What can be seen is only that the routine writes {writes}."
    return about(block, "asm_unsaid", question, answer)
