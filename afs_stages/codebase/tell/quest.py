"""Quest samples from code: what a story flag tracks, which routine sets it,
which one asks for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from afs_stages.codebase.facts.mentions import Mentions
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, quoted
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.memory_map import is_saved, meaning

_SETS = re.compile(
    r"(?i)^(sta|stz|inc|dec|tsb)\b|\b(sta|stz|inc|tsb|ora)\b|%\w*set|%\w*give|%\w*advance"
)
_TESTS = re.compile(r"(?i)\b(and|bit|cmp|lda|ldx|ldy)\b|%\w*(check|test|jump|if)")


def drafts(project: Project, mentions: Mentions) -> Iterator[Draft]:
    """One sample for each story flag or constant that code both names and uses."""
    names: dict[int, list[str]] = defaultdict(list)
    for symbol in project.best_symbol.values():
        if symbol.kind != "label":
            names[symbol.value].append(symbol.name)
    for symbol in project.best_symbol.values():
        if symbol.kind == "label" or not _is_flag(project, symbol):
            continue
        alike = names[symbol.value] if symbol.kind != "define" else [symbol.name]
        found = [
            use
            for name in alike
            for use in mentions.uses.get(name, ())
            if use[0].block.kind != "data"
        ]
        uses = sorted(found, key=lambda use: (use[0].block.file, use[1]))
        told = meaning(symbol) or comments.says_something(symbol.comment, 1)
        if uses and told:
            yield _flag(
                project, symbol, uses, [name for name in alike if name != symbol.name]
            )


def _is_flag(project: Project, symbol: Symbol) -> bool:
    words = project.vocabulary
    named = words.has("flag_names", symbol.name)
    section = words.has("flag_places", symbol.section)
    if symbol.kind == "define":
        return named and (section or words.has("flag_places", symbol.file))
    return is_saved(symbol.value) and (named or section)


def _flag(
    project: Project,
    symbol: Symbol,
    uses: list[tuple[Unit, int, str]],
    others: list[str],
) -> Draft:
    """What a flag means, by which other names it goes, and where it is used."""
    question = choose(
        [
            (
                f"How does the game track progress with `{symbol.name}`? Where is it "
                "set and where is it tested?"
            ),
            (
                f"Which code depends on the progress flag `{symbol.name}`, "
                "and what does the flag mean?"
            ),
            f"When does `{symbol.name}` change, and what does it gate?",
        ],
        symbol.name,
    )
    group = f"variable:{address(symbol.value)}"
    if symbol.kind == "define":
        group = f"constants:{symbol.file}:{symbol.section}"
    answer = f"{_lead(symbol, uses, others)}\n\n" + "\n".join(_rows(project, uses))
    return Draft(
        "quest_flag", question, answer, symbol.file, symbol.line, symbol.line, group
    )


def _rows(project: Project, uses: list[tuple[Unit, int, str]]) -> list[str]:
    """The lines that set a flag, test it or use it otherwise, at most five of each."""
    sets = [use for use in uses if _SETS.search(use[2])]
    tests = [use for use in uses if use not in sets and _TESTS.search(use[2])]
    other = [use for use in uses if use not in sets and use not in tests]
    rows = []
    for verb, found in (("Set or changed", sets), ("Tested", tests), ("Used", other)):
        rows += [f"- {verb} in {_use(project, use)}" for use in found[:5]]
    if not other and not (sets and tests):
        rows.append(f"- No code {'tests' if sets else 'sets'} it by its name.")
    return rows


def _lead(symbol: Symbol, uses: list[tuple[Unit, int, str]], others: list[str]) -> str:
    """What a flag is and means, and which of its other names the code uses."""
    said = meaning(symbol)
    if not said and comments.says_something(symbol.comment, 1):
        said = comments.sentence(symbol.comment)
    what = "constant" if symbol.kind == "define" else "save variable"
    listed = comments.words(symbol.section) > 0
    under = f", listed under “{symbol.section}”" if listed else ""
    place = f"{address(symbol.value)}, `{symbol.file}`{under}"
    lead = f"`{symbol.name}` is a {what} ({place}). {said}".strip()
    code = "\n".join(use[2] for use in uses)
    called = [name for name in others if re.search(rf"\b{re.escape(name)}\b", code)]
    if not called:
        return lead
    gap = "\n" if "\n" in said else " "
    return f"{lead}{gap}Code also calls it {quoted(called)}."


def _use(project: Project, use: tuple[Unit, int, str]) -> str:
    unit, line, code = use
    where = (
        f"the patch at {unit.block.name}"
        if unit.block.kind == "patch"
        else f"`{unit.block.name}`"
    )
    said = f" ({unit.summary.rstrip('.')})" if unit.summary else ""
    inner = _inner(project, unit, line)
    where = f"`{inner}`, a part of {where}" if inner else where
    return f"{where}{said}, `{unit.block.file}` line {line}: `{code[:100]}`"


def _inner(project: Project, unit: Unit, line: int) -> str:
    """The routine within a routine that a line is in, or ""."""
    labels = project.program.files[unit.block.file].labels
    above = [
        label
        for label in labels
        if unit.block.first <= label.line <= line and label.name[0] not in ".+-?"
    ]
    name = max(above, key=lambda label: label.line).name if above else unit.block.name
    return "" if name == unit.block.name else name
