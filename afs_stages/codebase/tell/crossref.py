"""What a disassembly knows without a word of prose: where its routines are, and which
code touches which address.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.mentions import READ, TESTED, WRITTEN, Use, owners, shown
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, choose, listing, quoted
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.call_context import returned
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.name_lookup import NameLookup

LEAST, MOST = 3, 60
"""Routines that touch an address: fewer say little, more are scratch memory."""

_ADDRESS = re.compile(r"(?<![#\w])\$(?:7E:?)?([0-9A-Fa-f]{4})\b")
_ROW = re.compile(r"[\s;|/*`-]*" + _ADDRESS.pattern)
"""A comment that begins with an address is about it."""
_SIZE = re.compile(r"\[0x([0-9A-Fa-f]+)\]")
_SHARED_RAM = 0x7E0800
"""Where an SA-1 is built in, numbers below are its own memory for one processor and
work RAM for the other.
"""


def drafts(project: Project, words: NameLookup) -> Iterator[Draft]:
    """Addresses of routines others call, and the uses of addresses
    that have no name.
    """
    for unit in project.units:
        if unit.block.kind == "routine" and project.find(unit.block.name) is unit:
            yield from _routine(project, words, unit)
    kinds = ["WRAM", "SRAM"]
    kinds += [] if project.moves_direct_page else ["direct page"]
    named: dict[int, int] = {}
    for symbol in project.program.all_symbols:
        if symbol.kind != "foreign":
            place = canonical(symbol.value)
            named[place] = max(named.get(place, 1), _size(project, symbol))
    starts, described = sorted(named), _described(project)
    least = _SHARED_RAM if _has_sa1(project) else 0
    for place, uses in sorted(words.mentions.places.items()):
        if place < least or place in described or region(place) not in kinds:
            continue
        at = bisect_left(starts, place)
        below = starts[at - 1] if at else -1
        inside = below >= 0 and place < below + named[below]
        if place not in named and not inside:
            yield from _uses(place, [use for use in uses if not use.register])


def _size(project: Project, symbol: Symbol) -> int:
    """The bytes of a named place; two where nothing tells."""
    marked = _SIZE.search(f"{symbol.comment} {symbol.header}")
    if marked:
        return int(marked.group(1), 16)
    size = evaluate(symbol.size, project.program.value) if symbol.size else None
    return size or 2


def _described(project: Project) -> set[int]:
    """The places a page names, or a comment begins with."""
    found = [
        match.group(1)
        for file in project.program.files.values()
        for line in file.lines
        if (match := _ROW.match(line.comment))
    ]
    for document in project.documents:
        for text in document.lines:
            found += _ADDRESS.findall(text)
    return {canonical(int(digits, 16)) for digits in found}


def _has_sa1(project: Project) -> bool:
    """Whether the code is built for a cartridge with an SA-1."""
    return any(
        statement.word in ("sa1rom", "fullsa1rom")
        for path, file in project.program.files.items()
        if path not in project.program.unbuilt
        for line in file.lines
        for statement in line.statements
    )


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


def _uses(place: int, uses: list[Use]) -> Iterator[Draft]:
    """Who names an address that has no name, where some routines do. An index that is
    added leads elsewhere and counts for no use of the address itself.
    """
    everyone = owners(uses)
    if not LEAST <= sum(owner.kind == "routine" for owner in everyone) <= MOST:
        return
    writing = owners(use for use in uses if use.how == WRITTEN)
    reading = owners(use for use in uses if use.how in (READ, TESTED))
    groups = {
        "written by": writing,
        "only read by": [owner for owner in reading if owner not in writing],
        "named in": [owner for owner in everyone if owner not in (*writing, *reading)],
    }
    rows = [
        f"- {verb} {listing(list(map(shown, found)), 8)}"
        for verb, found in groups.items()
        if found
    ]
    named = address(place)
    question = choose(
        [
            f"Which routines use {named}?",
            f"What code writes {named}, and what reads it?",
            f"I want to reuse {named}. Which routines touch it?",
        ],
        f"uses {place}",
    )
    lead = (
        f"{named} ({region(place)}) has no name of its own. {len(everyone)} parts "
        "of the code name the address itself; what reaches it through a pointer or an "
        "index is not counted:"
    )
    first = uses[0]
    yield Draft(
        "memory_use",
        question,
        f"{lead}\n" + "\n".join(rows),
        first.owner.file,
        first.line,
        first.line,
        f"variable:{named}",
    )
