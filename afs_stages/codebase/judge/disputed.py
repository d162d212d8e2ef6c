"""Rows of the docs that say of an address what the code says of another:
they are not taught.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import NamedTuple

from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.read.markdown import Table
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.memory_map import meaning

_PLACE = re.compile(r"^\$([0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}|[0-9A-Fa-f]{4})(,\s*[XYxy])?$")
_LONG = re.compile(r"^`?\$([0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4})`?$")
_COLUMN = re.compile(r"(?i)\b(addr\w*|s?ram|flags?|registers?|variables?)\b")
"""How a column of addresses is called; other tables have numbers of messages,
tiles and rooms.
"""

_BANK = re.compile(r"^`?\$([0-9A-Fa-f]{2})`?$")
_ORG = re.compile(r"\$([0-9A-Fa-f]{2})[0-9A-Fa-f]{4}\b")
_NAME = re.compile(r"[A-Z][a-z]+[A-Z]\w+|[A-Z]{3,}_[A-Z0-9_]+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SHORTEST = 3
"""Letters of the shortest word that tells what something is."""
_LONG_STEM = 4
"""Letters an abbreviation needs to stand for the word that begins with it."""
_COMMON = 8
"""Addresses: a word that more of them share tells none of them apart."""

_IDLE_WORDS = (
    "the and for with that this not are its from which used when into has was one all "
    "any but"
)
_IDLE = frozenset(_IDLE_WORDS.split())
_RAM = ("WRAM", "SRAM", "direct page")
_PROPERTY = re.compile(r"^[-*+] +\**`(!\w+)`\**:\**\s*`\$?([0-9A-Fa-f]{1,2})`")
_VALUED = re.compile(r"(![A-Za-z]\w+)`? *= *`?\$([0-9A-Fa-f]{1,6})\b")
_INDEXED = re.compile(r"`?\$([0-9A-Fa-f]{4}), ?[XY]\b`?")
_CODE = re.compile(r"\b[A-Z]{3}(\.[bwl])? [#$%!(A-Za-z]")


def disputed_rows(project: Project) -> set[tuple[str, int]]:
    """(page, line) of each table row whose words share nothing with the names and
    meanings of its address.

    A table in which a quarter of the addresses are disputed, and two at least, is not
    trusted at all. So are sentences about an indexed address, and properties the file
    of the page's name defines otherwise.
    """
    code = _code_of(project)
    defines = _defines(project)
    found: set[tuple[str, int]] = set()
    for document in project.documents:
        own = defines.get(_stem(document.path), {})
        wrong = [
            number
            for number, line in enumerate(document.lines, 1)
            if _misplaced(code, line)
            or _redefined(own, line)
            or _revalued(code.values, line)
        ]
        for section in document.sections:
            for table in section.tables:
                wrong += _wrong_rows(code, section.path, table)
        found.update((document.path, line) for line in wrong)
    return found


def _code_of(project: Project) -> _Code:
    """What the code of a project says."""
    named = _named(project)
    values = {
        name: symbol.value
        for name, symbol in project.best_symbol.items()
        if symbol.kind == "define"
    }
    names, patched = set(project.program.symbols), _patched(project)
    return _Code(named, _banks(project), names, patched, _shared(named), values)


class _Code(NamedTuple):
    """What the code says, for the rows of every table."""

    named: dict[int, list[Symbol]]
    banks: dict[str, set[str]]
    names: set[str]
    patched: set[int]
    common: frozenset[str]
    values: dict[str, int]

    def known(self, place: int) -> set[str]:
        """The telling words of the names and meanings of an address."""
        return _known(self.named.get(place, [])) - self.common

    def telling(self, text: str) -> set[str]:
        """The words of a text that tell one address from others."""
        return _words(text) - self.common


def _wrong_rows(code: _Code, path: tuple[str, ...], table: Table) -> list[int]:
    """The lines of a table, below the headings `path`, that the code contradicts."""
    wrong = [line for line, cells in table.rows if _elsewhere(code.banks, cells)]
    if any("hook" in name.lower() for name in (*table.header, *path)):
        wrong += [line for line, cells in table.rows if _unpatched(code.patched, cells)]
    if any(map(_COLUMN.search, table.header)):
        wrong += _disputed_rows(code, table)
    return wrong


def _disputed_rows(code: _Code, table: Table) -> list[int]:
    """The lines of a table of addresses that are not trusted: all that name an address
    where many are disputed.
    """
    disputed = [line for line, cells in table.rows if _disputed(code, cells)]
    placed = [line for line, cells in table.rows if any(map(_PLACE.match, cells))]
    many = len(disputed) >= 2 and len(disputed) * 4 >= len(placed)
    return placed if many else disputed


def _stem(path: str) -> str:
    """The name of a file as pages and code share it: `Bean_Vendor.asm` and
    `BeanVendor.md` are one.
    """
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", "").lower()


def _defines(project: Project) -> dict[str, dict[str, int]]:
    """Stem of a file -> its `!define`s and their values."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for symbol in project.program.all_symbols:
        if symbol.kind == "define":
            found[_stem(symbol.file)].setdefault(symbol.name.lstrip("!"), symbol.value)
    return found


def _redefined(own: dict[str, int], line: str) -> bool:
    match = _PROPERTY.match(line)
    if match is None or match.group(1)[1:] not in own:
        return False
    return own[match.group(1)[1:]] != int(match.group(2), 16)


def _revalued(values: dict[str, int], line: str) -> bool:
    """Whether a line gives a constant another value than the code does."""
    return any(
        values.get(name, int(number, 16)) != int(number, 16)
        for name, number in _VALUED.findall(line)
    )


def _misplaced(code: _Code, line: str) -> bool:
    """Whether a sentence says of one indexed address what shares nothing with its
    names and meanings.
    """
    for sentence in re.split(r"(?<=[.;!?]) +", line) if "$" in line else ():
        places = _INDEXED.findall(sentence)
        if len(places) == 1 and sentence.count("$") == 1 and not _CODE.search(sentence):
            known = code.known(canonical(int(places[0], 16)))
            said = code.telling(_INDEXED.sub("", sentence))
            if known and len(said) > 1 and not _agree(said, known):
                return True
    return False


def _banks(project: Project) -> dict[str, set[str]]:
    """File -> the banks (two digits) that it, or a file included by it,
    names in an `org`.
    """
    banks: dict[str, set[str]] = defaultdict(set)
    for path, file in project.program.files.items():
        own = {
            match.group(1).upper()
            for org in file.orgs
            if (match := _ORG.match(org.address))
        }
        above, seen = [path], {path}
        while above:
            part = above.pop()
            banks[part] |= own
            above += [
                parent
                for parent in project.program.included_by.get(part, [])
                if parent not in seen
            ]
            seen.update(above)
    return banks


def _elsewhere(banks: dict[str, set[str]], cells: tuple[str, ...]) -> bool:
    """Whether a row gives a bank to a file that neither names it nor
    includes one that does.
    """
    bank = next(
        (match.group(1).upper() for match in map(_BANK.match, cells[:1]) if match), ""
    )
    files = [
        cell.strip("` ") for cell in cells[1:] if cell.strip("` ").endswith(".asm")
    ]
    return bool(bank and files) and not any(
        bank in banks[path] for path in files if path in banks
    )


def _patched(project: Project) -> set[int]:
    """The addresses the code puts something at."""
    orgs = (org.address for file in project.program.files.values() for org in file.orgs)
    return {
        int(address[1:], 16)
        for address in orgs
        if re.fullmatch(r"\$[0-9A-Fa-f]{6}", address)
    }


def _unpatched(patched: set[int], cells: tuple[str, ...]) -> bool:
    """Whether a row of a table of hooks names one address of the ROM,
    and no code is put there.
    """
    places = {
        int(match.group(1).replace(":", ""), 16)
        for match in map(_LONG.match, cells)
        if match
    }
    return bool(places) and region(min(places)) not in _RAM and not places & patched


def _named(project: Project) -> dict[int, list[Symbol]]:
    named: dict[int, list[Symbol]] = defaultdict(list)
    for group in project.program.symbols.values():
        for symbol in group:
            if (
                symbol.kind in ("equate", "reserved", "field")
                and region(symbol.value) in _RAM
            ):
                named[canonical(symbol.value)].append(symbol)
    return named


def _disputed(code: _Code, cells: tuple[str, ...]) -> bool:
    places = [
        canonical(int(match.group(1).replace(":", ""), 16))
        for match in map(_PLACE.match, cells)
        if match
    ]
    symbols = code.named.get(places[0], []) if len(places) == 1 else []
    if not symbols:
        return False
    own = {symbol.name for symbol in symbols}
    called = [cell for cell in cells if _NAME.fullmatch(cell) or cell in code.names]
    if called:
        # a name is right or wrong as a whole
        return not own.intersection(called)
    said = code.telling(" ".join(cell for cell in cells if not _PLACE.match(cell)))
    return bool(said) and not _agree(said, code.known(places[0]))


def _known(symbols: list[Symbol]) -> set[str]:
    """The stems of the names and meanings of an address."""
    said = (f"{symbol.name} {meaning(symbol)}" for symbol in symbols)
    return _words(" ".join(said))


def _words(text: str) -> set[str]:
    """The words of a text and of its names, in lower case and in the singular."""
    words = (word.lower() for word in _PARTS.findall(text) if len(word) >= _SHORTEST)
    return {word.removesuffix("s") for word in words if word not in _IDLE}


def _agree(said: set[str], known: set[str]) -> bool:
    """Whether two descriptions share a word, or an abbreviation of one that a name
    begins with (`accel`, acceleration).
    """
    if said & known:
        return True
    long = _LONG_STEM
    return any(
        min(len(one), len(other)) >= long
        and (one.startswith(other) or other.startswith(one))
        for one in said
        for other in known
    )


def _shared(named: dict[int, list[Symbol]]) -> frozenset[str]:
    """Words that the names and meanings of many addresses share."""
    counts = Counter(word for symbols in named.values() for word in _known(symbols))
    most = max(_COMMON, len(named) // 20)
    return frozenset(word for word, count in counts.items() if count > most)
