"""Constants: what a define stands for, in lists and one by one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import address, choose
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.faults import (
    leans_on_its_place,
    vague,
)
from afs_stages.codebase.tell.memory_map import MOST_OF_A_CONSTANT
from afs_stages.codebase.tell.wordings import (
    fact_id,
    value_wordings,
)

_DEFINES = re.compile(r"\s*!\w+\s*=")


def wordings(project: Project) -> Iterator[Draft]:
    """The short wordings of every constant that is told."""
    for file, section, symbols in _constant_groups(project):
        for symbol, said in _told_constants(project, symbols):
            if _constant_fault(project, said):
                continue
            for wording in value_wordings(symbol.name, address(symbol.value), said):
                group = f"constants:{file}:{section}"
                yield Draft(
                    "memory_value_fact",
                    wording.question,
                    wording.answer,
                    file,
                    symbol.line,
                    symbol.line,
                    group,
                    fact=wording.fact,
                    wording=wording.number,
                )


def drafts(project: Project) -> Iterator[Draft]:
    """`!define` groups under one section title: bits of a flag, values of a state."""
    for file, section, symbols in _constant_groups(project):
        yield from _constant_group(project, file, section, symbols)


def _constant_groups(project: Project) -> Iterator[tuple[str, str, list[Symbol]]]:
    """(file, title, constants) of each group that is told."""
    groups: dict[tuple[str, str], list[Symbol]] = defaultdict(list)
    for symbol in project.program.all_symbols:
        if (
            symbol.kind == "define"
            and comments.words(symbol.section) >= 1
            and not project.vocabulary.has("skip_constants", _constant_key(symbol))
        ):
            groups[symbol.file, symbol.section].append(symbol)
    for (file, section), symbols in sorted(groups.items()):
        names = {symbol.name for symbol in symbols}
        if any(symbol.value > MOST_OF_A_CONSTANT for symbol in symbols):
            continue  # names of places
        if 2 <= len(symbols) <= 40 and len(names) == len(symbols):
            above = symbols[0].header
            # where others have a comment of their own, this one is the first's alone
            shared = not any(symbol.header for symbol in symbols[1:])
            together = symbols[-1].line - symbols[0].line == len(symbols) - 1
            titled = (
                shared
                and together
                and comments.words(above) >= 2
                and "\n" not in above
                and comments.is_title(above)
            )
            yield file, above if titled else section, symbols


def _constant_key(symbol: Symbol) -> str:
    """A constant as the vocabulary names it."""
    return f"{symbol.file}:{symbol.name}"


def _constant_group(
    project: Project, file: str, section: str, symbols: list[Symbol]
) -> Iterator[Draft]:
    rows = []
    for symbol in symbols:
        comment = (
            f": {symbol.comment}" if comments.says_something(symbol.comment, 1) else ""
        )
        rows.append(f"- `{symbol.name}` = {address(symbol.value)}{comment}")
    group, first, last = (
        f"constants:{file}:{section}",
        symbols[0].line,
        symbols[-1].line,
    )
    question = choose(
        [
            f"Which constants does `{file}` define for “{section}”?",
            f"List the values of “{section}” in `{file}`.",
        ],
        section + file,
    )
    more = _constants_behind(project, symbols[-1])
    lead = f"Constants of “{section}” in `{file}`:"
    if more is None:
        lead = f"The first constants of “{section}” in `{file}` are:"
    elif more:
        rows.append(f"- and {more} more")
    answer = "\n".join([lead, *rows])
    yield Draft("memory_constants", question, answer, file, first, last, group)
    for symbol, said in _told_constants(project, symbols):
        answer = (
            f"`{symbol.name}` is {address(symbol.value)} (“{section}”, "
            f"`{file}`). {said}"
        )
        question = (
            f"What does the constant `{symbol.name}` mean, and what is its value?"
        )
        place = (file, symbol.line, symbol.line, group)
        fact = fact_id("value", symbol.name, address(symbol.value))
        told = Draft("memory_constant", question, answer, *place)
        yield replace(
            told, fault=_constant_fault(project, said), fact=fact, wording="1"
        )


def _constants_behind(project: Project, last: Symbol) -> int | None:
    """How many constants without a title follow the last that is listed, line by line
    or below comments; None where others follow behind a gap.
    """
    lines = project.program.files[last.file].lines
    known = {
        symbol.line: symbol.section
        for symbol in project.program.all_symbols
        if (symbol.file, symbol.kind) == (last.file, "define")
    }
    untitled = {number for number, section in known.items() if not section}
    found, gap = 0, False
    for line in lines[last.line :]:
        # one whose value is not known is one too
        one = line.number in untitled or _DEFINES.match(line.code)
        if known.get(line.number) or re.match(r"\W*[-=]{2,}", line.comment):
            return found
        if one and gap:
            return None
        if one:
            found += 1
        elif line.code:
            return found
        gap = gap or not line.text.strip()
    return found


def _told_constants(
    project: Project, symbols: list[Symbol]
) -> Iterator[tuple[Symbol, str]]:
    """The constants whose comment says what they mean, with what it says; a name that
    each file defines anew has no meaning of its own.
    """
    for symbol in symbols:
        enough = comments.words(symbol.comment) >= 3
        once = len(project.program.symbols[symbol.name]) == 1
        if enough and once and comments.says_something(symbol.comment, 2):
            yield symbol, comments.sentence(comments.capital(symbol.comment))


def _constant_fault(project: Project, said: str) -> str:
    """Why what is said of a constant is no meaning, or ""."""
    if leans_on_its_place(said):
        return "leans_on_its_place"
    return "vague_meaning" if vague(said, project.vocabulary) else ""
