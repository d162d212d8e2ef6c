"""Rows of the docs that say of an address what the code says of another:
they are not taught.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from afs_stages.asm.isa import MNEMONICS
from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.read.markdown import Table
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.memory_map import meaning

_INDEXED = re.compile(r"`?(\$[0-9A-Fa-f]{4}), ?[XY]\b`?")
_VALUED = re.compile(r"(!\w+)[`*]* *[:=][* ]*(?:`\$?|\$)([0-9A-Fa-f]{1,6})\b")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_COLUMNS = frozenset(("ram", "sram", "flag", "register", "variable"))
"""How a column of addresses is called, if not `Address`; other tables have numbers of
messages, tiles and rooms.
"""
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
        values = code.values | defines.get(_stem(document.path), {})
        wrong = [
            number
            for number, line in enumerate(document.lines, 1)
            if _misplaced(code, line) or _revalued(values, line)
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
    orgs = (org.address for file in project.program.files.values() for org in file.orgs)
    return _Code(
        named=named,
        banks=_banks(project),
        names=set(project.program.symbols),
        patched=set(_places(orgs)),
        common=_shared(named),
        values=values,
    )


class _Code(NamedTuple):
    """What the code says, for the rows of every table."""

    named: dict[int, list[Symbol]]
    banks: dict[str, set[int]]
    names: set[str]
    patched: set[int]
    """The addresses the code puts something at."""
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
    if any(map(_holds_addresses, table.header)):
        wrong += _disputed_rows(code, table)
    return wrong


def _holds_addresses(heading: str) -> bool:
    words = _words(heading)
    return not words.isdisjoint(_COLUMNS) or any(w.startswith("addr") for w in words)


def _number(text: str, *digits: int) -> int | None:
    """The number of so many digits that a text is (`$0DA0,X`, `$7E:0DA0`), its index
    left away; None where it is anything else.
    """
    operand = read_operand(text.strip("`").replace(":", ""))
    known = operand.mode == "direct" and len(operand.base) - 1 in digits
    return operand.literal if known else None


def _places(cells: Iterable[str]) -> list[int]:
    """The addresses among the cells of a row."""
    numbers = (_number(cell, 4, 6) for cell in cells)
    return [number for number in numbers if number is not None]


def _disputed_rows(code: _Code, table: Table) -> list[int]:
    """The lines of a table of addresses that are not trusted: all that name an address
    where many are disputed.
    """
    disputed = [line for line, cells in table.rows if _disputed(code, cells)]
    placed = [line for line, cells in table.rows if _places(cells)]
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
            found[_stem(symbol.file)].setdefault(symbol.name, symbol.value)
    return found


def _revalued(values: dict[str, int], line: str) -> bool:
    """Whether a line gives a constant another value than the code does."""
    given = _VALUED.findall(line) if "!" in line else ()
    numbers = ((name, int(digits, 16)) for name, digits in given)
    return any(values.get(name, number) != number for name, number in numbers)


def _misplaced(code: _Code, line: str) -> bool:
    """Whether a sentence says of one indexed address what shares nothing with its
    names and meanings.
    """
    for sentence in re.split(r"(?<=[.;!?]) +", line) if "$" in line else ():
        places = _INDEXED.findall(sentence)
        if len(places) != 1 or sentence.count("$") > 1 or _quotes_code(sentence):
            continue
        known = code.known(canonical(int(places[0][1:], 16)))
        said = code.telling(_INDEXED.sub("", sentence))
        if known and len(said) > 1 and not _agree(said, known):
            return True
    return False


def _quotes_code(sentence: str) -> bool:
    """Whether an instruction stands in a sentence."""
    return any(
        part.isupper() and part.lower() in MNEMONICS
        for part in _PARTS.findall(sentence)
    )


def _banks(project: Project) -> dict[str, set[int]]:
    """File -> the banks that it, or a file included by it, names in an `org`."""
    banks: dict[str, set[int]] = defaultdict(set)
    for path, file in project.program.files.items():
        # an address may go on as an expression: `$1E8000+$20`
        places = (_number(org.address[:7], 6) for org in file.orgs)
        own = {place >> 16 for place in places if place is not None}
        above, seen = [path], {path}
        while above:
            part = above.pop()
            banks[part] |= own
            parents = project.program.included_by.get(part, [])
            above += [parent for parent in parents if parent not in seen]
            seen.update(above)
    return banks


def _elsewhere(banks: dict[str, set[int]], cells: tuple[str, ...]) -> bool:
    """Whether a row gives a bank to a file that neither names it nor
    includes one that does.
    """
    bank = _number("".join(cells[:1]), 2)
    names = [cell.strip("` ") for cell in cells[1:]]
    files = [name for name in names if name.endswith(".asm")]
    wrong = all(bank not in banks.get(path, ()) for path in files)
    return bank is not None and bool(files) and wrong


def _unpatched(patched: set[int], cells: tuple[str, ...]) -> bool:
    """Whether a row of a table of hooks names one address of the ROM,
    and no code is put there.
    """
    places = _places(cells)
    rom = bool(places) and region(min(places)) not in _RAM
    return rom and patched.isdisjoint(places)


def _named(project: Project) -> dict[int, list[Symbol]]:
    named: dict[int, list[Symbol]] = defaultdict(list)
    for symbol in project.program.all_symbols:
        stored = symbol.kind in ("equate", "reserved", "field")
        if stored and region(symbol.value) in _RAM:
            named[canonical(symbol.value)].append(symbol)
    return named


def _disputed(code: _Code, cells: tuple[str, ...]) -> bool:
    places = list(map(canonical, _places(cells)))
    symbols = code.named.get(places[0], []) if len(places) == 1 else []
    if not symbols:
        return False
    own = {symbol.name for symbol in symbols}
    called = [cell for cell in cells if _is_name(cell) or cell in code.names]
    if called:
        # a name is right or wrong as a whole
        return not own.intersection(called)
    said = code.telling(" ".join(cell for cell in cells if not _places([cell])))
    return bool(said) and not _agree(said, code.known(places[0]))


def _is_name(cell: str) -> bool:
    """Whether a cell is written as code writes names: `SprHealth`, `SPR_HEALTH`."""
    return cell.isidentifier() and len(_PARTS.findall(cell)) > 1


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
    for one, other in product(said, known):
        shorter = min(len(one), len(other))
        if shorter >= _LONG_STEM and one[:shorter] == other[:shorter]:
            return True
    return False


def _shared(named: dict[int, list[Symbol]]) -> frozenset[str]:
    """Words that the names and meanings of many addresses share."""
    counts = Counter(word for symbols in named.values() for word in _known(symbols))
    most = max(_COMMON, len(named) // 20)
    return frozenset(word for word, count in counts.items() if count > most)
