"""What a disassembly knows without a word of prose: where its routines are."""

from __future__ import annotations

from collections.abc import Iterator

from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import choose, quoted
from afs_stages.codebase.tell.call_context import returned
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.name_lookup import NameLookup


def drafts(project: Project, words: NameLookup) -> Iterator[Draft]:
    """Addresses of routines others call."""
    for unit in project.units:
        if unit.block.kind == "routine" and project.find(unit.block.name) is unit:
            yield from _routine(project, words, unit)


def _routine(project: Project, words: NameLookup, unit: Unit) -> Iterator[Draft]:
    name, place = unit.block.name, words.place(unit.block.name)
    callers = project.reached_from(name, CALLED)
    jumping = project.reached_from(name, GONE_TO)
    tables = project.reached_from(name, LISTED)
    named = callers or jumping or tables
    if not place or not (named or unit.summary or name in words.roles):
        return
    said = f" {unit.summary}" if unit.summary else ""
    if name in words.roles:
        said += f" It is {words.roles[name]}."
    if callers:
        said += f" It is called by {quoted(callers, 5)}."
    if jumping:
        said += f" It is gone to from {quoted(jumping, 5)}."
    if tables:
        said += f" It is listed in {quoted(tables, 5)}."
    if name in project.led_to_by_unnamed:
        said += " Code without a label leads to it, too."
    returns = returned(project, unit)
    if len(returns) == 1:
        said += f" It returns with {returns[0]}."
    question = choose(
        [
            f"Where in the ROM is `{name}`, and what leads to it?",
            f"Which routine starts at {place}, and what leads to it?",
            (
                f"My breakpoint is at {place}. Which routine is that, "
                "and how is it reached?"
            ),
        ],
        name + place,
    )
    answer = (
        f"{place} is `{name}` (`{unit.block.file}`, line {unit.block.first}).{said}"
    )
    group = f"routine:{unit.block.file}:{name}"
    yield Draft(
        "memory_routine",
        question,
        answer,
        unit.block.file,
        unit.block.first,
        unit.block.first,
        group,
    )
