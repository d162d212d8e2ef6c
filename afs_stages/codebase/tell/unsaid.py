"""Questions whose honest answer is that the sources do not say: what a variable holds
that nothing describes, why a routine does what no comment explains. What can be seen is
told instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from afs_stages.asm.places import canonical
from afs_stages.codebase.facts.accesses import VariableUse
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, listing, quoted
from afs_stages.codebase.tell.draft import Draft, about

_WORD = re.compile(r"!?[A-Za-z_]\w*")
_NUMBER = re.compile(r"\$([0-9A-Fa-f]+)")
_LOAD = re.compile(r"(?i)^(ld[axy](?:\.\w)?) #(\$[0-9A-Fa-f]+)$")
MOST_USES = 8

_OF_A_MEANING = (
    "What exactly is {name} for?",
    "Is {name} documented anywhere?",
    "Which values may {name} have, and what does each mean?",
    "What did the authors mean {name} to hold?",
)
_OF_A_REASON = (
    "Why does {name} use {number} and no other number?",
    "Where does the {number} in {name} come from?",
    "What is the idea behind `{written}` in {name}?",
    "Who decided on {number} in {name}, and why?",
)


class Written:
    """What people have written: the words of all pages and of all comments."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def _page_words(self) -> frozenset[str]:
        pages = self.project.tree.markdown
        return frozenset(
            word for page in pages for word in _WORD.findall("\n".join(page.lines))
        )

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that a page or a comment has."""
        found = set(self._page_words)
        for file in self.project.program.files.values():
            for line in file.lines:
                if line.comment:
                    found.update(_WORD.findall(line.comment))
        return frozenset(found)

    @cached_property
    def _commented(self) -> frozenset[str | int]:
        """The names and numbers of each line of a page, of each line of code with a
        comment, and of those right above and below one.
        """
        found: set[str | int] = set(self._page_words)
        for page in self.project.tree.markdown:
            found |= _numbers("\n".join(page.lines))
        for file in self.project.program.files.values():
            for at, line in enumerate(file.lines):
                if any(near.comment for near in file.lines[max(at - 1, 0) : at + 2]):
                    found.update(_WORD.findall(line.text), _numbers(line.text))
        return frozenset(found)

    def beside(self, what: str) -> bool:
        """Whether a page or a comment may be about a name or a number: they stand
        together.
        """
        return what in self._commented or bool(_numbers(what) & self._commented)

    def name(self, name: str) -> bool:
        """Whether a page or a comment has a name, or its last part."""
        last = re.split(r"[_.]", name)[-1]
        return name in self.words or (len(last) > 3 and last in self.words)


def _numbers(text: str) -> set[int]:
    """The numbers in a text, whatever their zeros in front."""
    return {int(digits, 16) for digits in _NUMBER.findall(text)}


def of_variables(texts: Written, uses: Mapping[str, VariableUse]) -> Iterator[Draft]:
    """What a variable is for that nobody describes: one a file."""
    asked: set[str] = set()
    for name in sorted(uses):
        use = uses[name]
        file = use.symbol.file
        few = use.accesses and len(use.accesses) <= MOST_USES
        if file not in asked and few and _undescribed(texts, use):
            asked.add(file)
            yield _variable(use)


def of_routines(project: Project, texts: Written) -> Iterator[Draft]:
    """A number nobody explains: one a file. Not knowing stays the exception."""
    asked: set[str] = set()
    for unit in project.units:
        block = unit.block
        if block.kind != "routine" or project.find(block.name) is not unit:
            continue
        if block.file in asked or texts.name(block.name) or texts.beside(block.name):
            continue
        found = _unexplained_number(unit)
        if found is None or texts.beside(found[2]):
            continue
        if _is_silent_above(project, unit):
            asked.add(block.file)
            yield _no_reason(unit, *found)


def _undescribed(texts: Written, use: VariableUse) -> bool:
    """Whether nobody has written a word about a variable, nor beside its uses."""
    symbol, project = use.symbol, texts.project
    said = symbol.comment or symbol.header or symbol.section or symbol.hardware
    if said or texts.name(symbol.name) or texts.beside(symbol.name):
        return False
    if _in_commented_block(project, symbol.file, symbol.line):
        return False
    for access in use.accesses:
        lines = project.program.files[access.file].lines
        around = lines[max(access.line - 2, 0) : access.line + 1]
        if access.unit is None or any(line.comment for line in around):
            return False
    return True


def _in_commented_block(project: Project, path: str, number: int) -> bool:
    """Whether a comment stands in the lines about a line up to the next empty ones."""
    lines = project.program.files[path].lines
    for step in (-1, 1):
        at = number - 1
        while 0 <= at < len(lines) and lines[at].text.strip():
            if lines[at].comment:
                return True
            at += step
    return False


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
