"""Quest samples from code: what a story flag tracks, which routine sets it,
which one asks for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from afs_stages.asm.places import is_saved
from afs_stages.codebase.facts.mentions import TESTED, WRITTEN, Mentions, Use, shown
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import address, choose, quoted
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.memory_map import meaning


def drafts(project: Project, mentions: Mentions) -> Iterator[Draft]:
    """One sample for each story flag or constant that code both names and uses."""
    names: dict[int, list[str]] = defaultdict(list)
    for symbol in project.best_symbol.values():
        if symbol.kind != "label":
            names[symbol.value].append(symbol.name)
    for symbol in project.best_symbol.values():
        if symbol.kind == "label" or not _is_flag(project, symbol):
            continue
        if symbol.kind == "define":
            alike, found = [symbol.name], mentions.names.get(symbol.name, [])
        else:
            alike, found = names[symbol.value], mentions.of(symbol)
        uses = [use for use in found if use.owner.kind in ("routine", "patch")]
        told = meaning(symbol) or comments.says_something(symbol.comment, 1)
        known = any(use.how in (WRITTEN, TESTED) for use in uses)
        if known and told:
            yield _flag(
                project, symbol, uses, [name for name in alike if name != symbol.name]
            )


def _is_flag(project: Project, symbol: Symbol) -> bool:
    words = project.vocabulary
    named = words.has("flag_names", symbol.name)
    section = words.has("flag_places", symbol.section)
    if symbol.kind == "define":
        return named and (section or words.has("flag_places", symbol.file))
    saved = is_saved(symbol.value) or words.has("flag_addresses", address(symbol.value))
    return saved and (named or section)


def _flag(
    project: Project,
    symbol: Symbol,
    uses: list[Use],
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


def _rows(project: Project, uses: list[Use]) -> list[str]:
    """The lines that set a flag, ask for it or use it otherwise: five of each, and how
    many there are.
    """
    writes = [use for use in uses if use.how == WRITTEN]
    tests = [use for use in uses if use.how == TESTED]
    other = [use for use in uses if use not in writes and use not in tests]
    rows = []
    for verb, found in (("Written", writes), ("Tested", tests), ("Named", other)):
        rows += [f"- {verb} in {_use(project, use)}" for use in found[:5]]
        if len(found) > 5:
            rows.append(f"- {verb} in {len(found) - 5} more lines.")
    for verb, found in (("writes", writes), ("tests", tests)):
        if not found:
            rows.append(f"- No instruction {verb} it by its name or address.")
    return rows


def _lead(symbol: Symbol, uses: list[Use], others: list[str]) -> str:
    """What a flag is and means, and which of its other names the code uses."""
    said = meaning(symbol)
    if not said and comments.says_something(symbol.comment, 1):
        said = comments.sentence(symbol.comment)
    what = "constant" if symbol.kind == "define" else "save variable"
    listed = comments.words(symbol.section) > 0
    under = f", listed under “{symbol.section}”" if listed else ""
    place = f"{address(symbol.value)}, `{symbol.file}`{under}"
    lead = f"`{symbol.name}` is a {what} ({place}). {said}".strip()
    code = "\n".join(use.code for use in uses)
    called = [name for name in others if re.search(rf"\b{re.escape(name)}\b", code)]
    if not called:
        return lead
    gap = "\n" if "\n" in said else " "
    return f"{lead}{gap}Code also calls it {quoted(called)}."


def _use(project: Project, use: Use) -> str:
    unit = project.find(use.owner.name) if use.owner.kind == "routine" else None
    said = f" ({unit.summary.rstrip('.')})" if unit and unit.summary else ""
    where = f"{shown(use.owner)}{said}, `{use.owner.file}` line {use.line}"
    return f"{where}: `{use.code[:100]}`"
