"""Rows of the docs that say of an address what the code says of another: they are not taught."""

from __future__ import annotations

import re
from collections import defaultdict

from afs_stages.sources.codebase.memory import canonical, meaning, region
from afs_stages.sources.codebase.program import Symbol
from afs_stages.sources.codebase.project import Project

_PLACE = re.compile(r"^\$([0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}|[0-9A-Fa-f]{4})(,\s*[XYxy])?$")
_COLUMN = re.compile(r"(?i)\b(addr\w*|s?ram|flags?|registers?|variables?)\b")
"""How a column of addresses is called; other tables have numbers of messages, tiles and rooms."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_STEM = 3
"""Letters two words must begin with alike to speak of the same thing."""

_IDLE = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "that",
        "this",
        "not",
        "are",
        "its",
        "from",
        "which",
        "used",
        "when",
        "into",
        "has",
        "was",
        "one",
        "all",
        "any",
        "but",
    ]
)
_RAM = ("WRAM", "SRAM", "direct page")


def disputed_rows(project: Project) -> set[tuple[str, int]]:
    """(page, line) of each table row whose words share nothing with the names and meanings of its address.

    A table in which a quarter of the addresses are disputed, and two at least, is not trusted at all.
    """
    named = _named(project)
    found: set[tuple[str, int]] = set()
    for document in project.documents:
        for table in (table for section in document.sections for table in section.tables):
            if not any(map(_COLUMN.search, table.header)):
                continue
            wrong = [line for line, cells in table.rows if _disputed(named, cells)]
            placed = [line for line, cells in table.rows if any(map(_PLACE.match, cells))]
            lines = placed if len(wrong) >= 2 and len(wrong) * 4 >= len(placed) else wrong
            found.update((document.path, line) for line in lines)
    return found


def _named(project: Project) -> dict[int, list[Symbol]]:
    named: dict[int, list[Symbol]] = defaultdict(list)
    for group in project.program.symbols.values():
        for symbol in group:
            if symbol.kind in ("equate", "reserved", "field") and region(symbol.value) in _RAM:
                named[canonical(symbol.value)].append(symbol)
    return named


def _disputed(named: dict[int, list[Symbol]], cells: tuple[str, ...]) -> bool:
    places = [canonical(int(match.group(1).replace(":", ""), 16)) for match in map(_PLACE.match, cells) if match]
    if len(places) != 1 or not named.get(places[0]):
        return False
    said = _stems(" ".join(cell for cell in cells if not _PLACE.match(cell)))
    known = _stems(" ".join(f"{symbol.name} {meaning(symbol)}" for symbol in named[places[0]]))
    return bool(said) and not said & known


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in _PARTS.findall(text) if len(word) >= _STEM)
    return {word[:_STEM] for word in words if word not in _IDLE}
