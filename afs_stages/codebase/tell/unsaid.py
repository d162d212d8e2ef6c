"""Questions whose honest answer is that the sources do not say: what a variable holds
that nothing describes. What can be seen is told instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from afs_stages.asm.places import canonical
from afs_stages.codebase.facts.accesses import VariableUse
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import address, choose, quoted
from afs_stages.codebase.tell.draft import Draft

_WORD = re.compile(r"!?[A-Za-z_]\w*")
_NUMBER = re.compile(r"\$([0-9A-Fa-f]+)")
MOST_USES = 8

_OF_A_MEANING = (
    "What exactly is {name} for?",
    "Is {name} documented anywhere?",
    "Which values may {name} have, and what does each mean?",
    "What did the authors mean {name} to hold?",
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
        few = use.whole and 0 < len(use.accesses) <= MOST_USES
        if file not in asked and few and _undescribed(texts, use):
            asked.add(file)
            yield _variable(use)


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
