"""What a disassembly knows without a word of prose: where its routines are, and which
code touches which address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from afs_stages.asm.operand import Operand
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, listing, quoted
from afs_stages.codebase.tell.call_context import returned
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.memory_map import canonical, region
from afs_stages.codebase.tell.name_lookup import NameLookup

LEAST, MOST = 3, 60
"""Routines that touch an address: fewer say little, more are scratch memory."""


def drafts(project: Project, words: NameLookup) -> Iterator[Draft]:
    """Addresses of routines others call, and the uses of addresses
    that have no name.
    """
    for unit in project.units:
        if unit.block.kind == "routine" and project.find(unit.block.name) is unit:
            yield from _routine(project, words, unit)
    kinds = ["WRAM", "SRAM"]
    kinds += [] if project.moves_direct_page else ["direct page"]
    uses: dict[int, list[Unit]] = defaultdict(list)
    for unit in project.units:
        if unit.block.kind == "routine":
            operands = (*unit.contract.writes, *unit.contract.reads)
            for place in dict.fromkeys(filter(None, map(_place, operands))):
                uses[place].append(unit)
    named = {
        canonical(symbol.value)
        for group in project.program.symbols.values()
        for symbol in group
        if symbol.kind != "foreign"
    }
    for place, units in sorted(uses.items()):
        if (
            LEAST <= len(units) <= MOST
            and region(place) in kinds
            and place not in named
        ):
            yield _uses(place, units)


def _place(operand: Operand) -> int | None:
    """The place an operand names by its address alone, without an index."""
    plain = operand.mode == "direct" and not operand.indexed
    value = operand.literal if plain else None
    return None if value is None else canonical(value)


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


def _uses(place: int, units: list[Unit]) -> Draft:
    written: list[str] = []
    read: list[str] = []
    for unit in units:
        writes = any(_place(operand) == place for operand in unit.contract.writes)
        (written if writes else read).append(f"`{unit.block.name}`")
    rows = [
        f"- {verb} by {listing(names, 8)}"
        for verb, names in (("written", written), ("only read", read))
        if names
    ]
    question = choose(
        [
            f"Which routines use {address(place)}?",
            f"What code writes {address(place)}, and what reads it?",
            f"I want to reuse {address(place)}. Which routines touch it?",
        ],
        f"uses {place}",
    )
    lead = (
        f"{address(place)} ({region(place)}) has no name in the source; "
        f"{len(units)} routines touch it:"
    )
    first = units[0].block
    group = f"variable:{address(place)}"
    return Draft(
        "memory_use",
        question,
        f"{lead}\n" + "\n".join(rows),
        first.file,
        first.first,
        first.last,
        group,
    )
