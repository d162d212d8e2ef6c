"""Memory look-ups: where a variable lives and what it holds, what lives at an address,
what bits mean.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from afs_stages.asm.places import WORK_RAM, canonical, region
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import address, choose, quoted
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.read.vocabulary import OwnWords
from afs_stages.codebase.tell.draft import Draft
from afs_stages.codebase.tell.faults import (
    contradicts,
    leans_on_its_place,
    legend_incomplete,
    restates,
    run_together,
    vague,
)
from afs_stages.codebase.tell.wordings import (
    Wording,
    address_wordings,
    fact_id,
    meaning_wordings,
)
from afs_stages.core.sample import RECALL

IDLE_NAME = re.compile(
    r"(?i)(^|_)(unused|free|dummy|junk|pad|reserved|scrap|temp)\w*$|UNUSED|UNKNOWN|FREERAM|FREE_"
)
_BESIDE = re.compile(
    r"(?<!, )(?:(?<![/,\w`])`|(?<![/,\w`]))([A-Za-z_]\w{3,})`?(?: (?:is at |at "
    r"|lives at )|\s*[(@]\s*|(?<=`) )"
    r"`?\$([0-9A-Fa-f]{6}|[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{4})"
    r"(?:, ?[XYxy]\b)?`?(?![\w/]|,? *`?[/$])"
    r"|^\|\s*`?([A-Za-z_]\w{3,})`?\s*\|\s*`?\$([0-9A-Fa-f]{6}|[0-9A-Fa-f]{4})"
    r"(?:, ?[XYxy])?`?\s*\|"
    r"|^\|\s*`?\$([0-9A-Fa-f]{6}|[0-9A-Fa-f]{4})(?:, ?[XYxy])?`?\s*"
    r"\|\s*`?([A-Za-z_]\w{3,})`?\s*\|"
)
_PLACE_CELL = re.compile(
    r"^\$([0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})(,\s*[XYxy])?$"
)
_SIZE = re.compile(r"^\[0x[0-9A-Fa-f]+\]\s*")
"""How disassemblies mark the size of a variable."""
_LENGTH = re.compile(r"\bLENGTH: (0x[0-9A-Fa-f]+)")
_ARGS = re.compile(r"(?i)\n\s*args?:\s*$")
_ROW = re.compile(r",?(?<!\|) (?=[0-9A-F]{1,2}: ?[A-Za-z0-9])")
"""Where the next value of a row begins: `0: nothing 1: a hand`."""
Notes = dict[str, tuple[str, str]]
"""variable -> (what the docs say, the page)"""
Groups = dict[str, list[str]]
"""first of several names below one comment -> the names after it"""


@dataclass(frozen=True)
class Conflict:
    """Docs and code name different addresses for one variable."""

    symbol: Symbol
    file: str
    line: int
    claimed: int


_UNUSED = re.compile(
    r"(?i)\bunused\b|\b(never|not) (set|used|read|written|changed|referenced)\b"
)
"""Words by which a comment says that nobody uses a variable: it may be older than the
code that does.
"""
MOST_OF_A_CONSTANT = 0xFFFF
"""A larger define is a place in memory."""
MEANING = 4
"""Words a meaning needs where the docs add nothing."""
MOST_NAMES = 6
"""Names of one place of which is told what they mean; the others are listed."""
GROUP = 5
"""So many addresses under one sentence: it names their group and none of them."""


def drafts(
    project: Project, conflicts: list[Conflict], notes: Notes
) -> Iterator[Draft]:
    """Every memory sample of a codebase."""
    words = project.vocabulary
    variables = _own(variables_of(project, notes), notes)
    names = _names_at(project)
    at: dict[int, list[Symbol]] = defaultdict(list)
    groups = _groups(project, variables, notes)
    for symbol in variables:
        place = canonical(symbol.value)
        at[place].append(symbol)
        draft = _where(symbol, notes, groups, words)
        yield _with_names(draft, names[place])
    for place, symbols in sorted(at.items()):
        yield _what(place, symbols, names[place], notes, groups, words)
    for conflict in conflicts:
        yield _disagreement(conflict)


def _with_names(draft: Draft, names: list[str]) -> Draft:
    """An answer with the names of its place that it does not tell; a name with and
    without the mark of a define is one.
    """
    told = {name.lstrip("!") for name in names if f"`{name}`" in draft.answer}
    others = [name for name in names if name.lstrip("!") not in told]
    if not others:
        return draft
    return replace(
        draft, answer=f"{draft.answer}\n\nOther names of this place: {quoted(others)}."
    )


def wordings(project: Project, notes: Notes) -> Iterator[Draft]:
    """The short wordings of every fact told of a variable or a constant."""
    words = project.vocabulary
    told = [
        symbol
        for symbol in _own(variables_of(project, notes), notes)
        if not _fault(symbol, notes, words)
    ]
    at_place = Counter(
        canonical(symbol.value)
        for symbol in project.best_symbol.values()
        if symbol.kind != "foreign"
    )
    described = Counter(map(_one_line, told))
    shared = _groups(project, told, notes)
    for symbol in told:
        place, said = address(symbol.value), _one_line(symbol)
        alone = at_place[canonical(symbol.value)] == 1
        kind = region(symbol.value)
        for wording in address_wordings(symbol.name, place, kind, alone):
            yield worded("memory_address_fact", symbol, wording)
        # a comment above several names is no meaning of the first
        if said and symbol.name not in shared:
            only = described[said] == 1
            for wording in meaning_wordings(symbol.name, place, said, only):
                # this one says that the source has the text
                if wording.number != RECALL or _in_source(symbol, said):
                    yield worded("memory_meaning_fact", symbol, wording)


def _names_at(project: Project) -> dict[int, list[str]]:
    """Place -> every name the code has for it; a small number may be a constant."""
    found: dict[int, list[str]] = defaultdict(list)
    for symbol in project.best_symbol.values():
        constant = symbol.kind == "define" and symbol.value <= MOST_OF_A_CONSTANT
        # a small number that is set aside may lie in the sound CPU's memory
        elsewhere = symbol.kind == "reserved" and symbol.value < WORK_RAM
        foreign = symbol.kind == "foreign" or elsewhere
        if not foreign and not constant and is_memory(symbol):
            found[canonical(symbol.value)].append(symbol.name)
    return found


def _one_line(symbol: Symbol) -> str:
    """The meaning of a variable where it is one sentence that quotes nothing."""
    said = meaning(symbol)
    plain = "\n" not in said and "“" not in said and len(said) <= 160
    return said if plain else ""


def _in_source(symbol: Symbol, said: str) -> bool:
    """Whether a meaning is the comment's own, not what is known of the hardware."""
    text = said.rstrip(".").casefold()
    return text in symbol.comment.casefold() or text in symbol.header.casefold()


def worded(kind: str, symbol: Symbol, wording: Wording) -> Draft:
    """A short wording of one fact about a symbol."""
    draft = _draft(kind, symbol, wording.question, wording.answer)
    return replace(draft, fact=wording.fact, wording=wording.number)


def documented(project: Project) -> Notes:
    """What rows of tables in the docs say of a variable whose name and address they
    give as the code does.
    """
    found: Notes = {}
    for document in project.documents:
        for section in document.sections:
            for table in section.tables:
                for _, cells in table.rows:
                    symbol = row_variable(project, cells)
                    rest = [
                        cell
                        for cell in cells
                        if symbol
                        and cell != symbol.name
                        and not _PLACE_CELL.match(cell)
                    ]
                    text = max(rest, key=comments.words, default="")
                    if symbol is not None and comments.words(text) >= 3:
                        found.setdefault(symbol.name, (text, document.path))
    return found


def row_variable(project: Project, cells: tuple[str, ...]) -> Symbol | None:
    """The variable a table row is about: one cell is its name, another its address,
    as in the code.
    """
    places = {
        canonical(int(m.group(1).replace(":", ""), 16))
        for m in map(_PLACE_CELL.match, cells)
        if m
    }
    if not places:
        return None
    symbols = (project.best_symbol.get(cell) for cell in cells)
    return next(
        (symbol for symbol in symbols if symbol and canonical(symbol.value) in places),
        None,
    )


def variables_of(project: Project, notes: Notes) -> list[Symbol]:
    """The names with an address in RAM, SRAM or the registers of which
    something is said.
    """
    found = []
    for symbol in project.best_symbol.values():
        stored = symbol.kind in ("equate", "reserved", "field") and region(
            symbol.value
        ) not in ("", "ROM")
        told = meaning(symbol) or symbol.name in notes
        if not told or not stored or not is_memory(symbol):
            continue
        if not IDLE_NAME.search(symbol.name) and not is_denied(project, symbol):
            found.append(symbol)
    return sorted(found, key=lambda symbol: (symbol.file, symbol.line, symbol.name))


def is_denied(project: Project, symbol: Symbol) -> bool:
    """Whether a comment says that nobody uses a variable that code works on."""
    used = canonical(symbol.value) in project.used_places
    return used and _UNUSED.search(meaning(symbol)) is not None


def _own(symbols: list[Symbol], notes: Notes) -> list[Symbol]:
    """Those of which something of their own is said,
    not the one sentence of a whole group.
    """
    places: dict[str, set[int]] = defaultdict(set)
    for symbol in symbols:
        places[meaning(symbol)].add(canonical(symbol.value))
    shared = {said for said, at in places.items() if len(at) >= GROUP}
    return [
        symbol
        for symbol in symbols
        if symbol.name in notes or meaning(symbol) not in shared
    ]


def _groups(project: Project, symbols: list[Symbol], notes: Notes) -> Groups:
    """The names that share the comment of the one before them,
    of which nothing else is said.
    """
    at = {(symbol.file, symbol.line): symbol for symbol in project.program.all_symbols}
    found = {}
    for first in symbols:
        told = meaning(first) not in ("", _of_hardware(first))
        if not first.header or first.comment or first.name in notes or not told:
            continue
        after: list[str] = []
        while (
            next := at.get((first.file, first.line + len(after) + 1))
        ) and _is_silent(next, first, notes):
            after.append(next.name)
        if after:
            found[first.name] = after
    return found


def _is_silent(symbol: Symbol, first: Symbol, notes: Notes) -> bool:
    said = symbol.comment or symbol.header or symbol.name in notes
    return not said and symbol.kind == first.kind


def is_memory(symbol: Symbol) -> bool:
    """Small numbers without a word on their size are constants as often as addresses:
    only `$00xx` with RAM files.
    """
    return symbol.value >= 0x100 or bool(
        re.search(r"(?i)ram|symbols|memory|wram", symbol.file)
    )


@lru_cache(maxsize=1 << 14)  # asked for five times of each
def meaning(symbol: Symbol) -> str:
    """What is said of a symbol: its comment, then its header;
    "" when that says nothing.
    """
    parts = []
    for text in (symbol.comment, symbol.header):
        doubtful = text.rstrip().endswith("?") or (
            text.startswith("These ") and len(text) > 120
        )
        text = _LENGTH.sub("", _ARGS.sub("", _SIZE.sub("", text)))
        text = _ROW.sub("\n", text) if len(_ROW.findall(text)) >= 2 else text
        new = (
            text
            and text not in parts
            and text.strip(" .") != symbol.section.strip(" .")
        )
        if (
            new
            and not doubtful
            and comments.says_something(text, 2)
            and len(text) <= 900
        ):
            parts.append(comments.sentence(comments.capital(text)))
    said = "\n".join(parts)
    if not said and symbol.kind == "equate":
        said = _of_hardware(symbol)
    idle = (
        re.search(r"(?i)\bunused\b|\buse !\w+\* ", said) and comments.words(said) < 10
    )
    return said if comments.words(said) >= 3 and not idle else ""


def _of_hardware(symbol: Symbol) -> str:
    """What is known of the hardware register of a name; "" where it is none."""
    return comments.capital(comments.sentence(symbol.hardware))


def _context(symbol: Symbol) -> str:
    section = symbol.section if symbol.kind != "field" else ""
    useful = comments.says_something(section, 2) and len(section) < 70
    useful = useful and "notes" not in section.lower()  # what a box is about, not who
    return f" It belongs to “{section.rstrip('.')}”." if useful else ""


def _said(symbol: Symbol, notes: Notes, groups: Groups) -> str:
    """The code's words, of whom else they speak,
    then the docs' where they say more than the same.
    """
    own = meaning(symbol)
    if after := groups.get(symbol.name):
        gap = "\n" if "\n" in own else " "
        own += f"{gap}Its comment also covers {quoted(after, 8)}."
    text, path = notes.get(symbol.name, ("", ""))
    new = set(text.lower().split()) - set(own.lower().replace(".", "").split())
    extra = f"`{path}` says: {comments.sentence(text)}" if len(new) >= 3 else ""
    return "\n".join(filter(None, (own, extra))) or comments.sentence(text)


def _where(
    symbol: Symbol,
    notes: Notes,
    groups: Groups,
    words: OwnWords,
) -> Draft:
    place, kind = address(symbol.value), region(symbol.value)
    size = f", {symbol.size} byte(s) reserved" if symbol.kind == "reserved" else ""
    answer = (
        f"`{symbol.name}` is at {place} ({kind}{size}), "
        f"defined in `{symbol.file}`.{_context(symbol)}"
    )
    phrasings = [
        f"Where is `{symbol.name}` in memory, and what is it for?",
        f"What address stores `{symbol.name}`, and what does it hold?",
        f"Which address is `{symbol.name}`, and what is kept there?",
    ]
    question = choose(phrasings, symbol.name + answer)
    said = _said(symbol, notes, groups)
    draft = _draft(
        "memory_name",
        symbol,
        question,
        f"{answer}\n\n{said}",
        _fault(symbol, notes, words),
    )
    return replace(draft, fact=fact_id("address", symbol.name, place), wording="1")


def _fault(symbol: Symbol, notes: Notes, words: OwnWords) -> str:
    """Why what is said of a variable is no meaning, or ""."""
    own, text = meaning(symbol), notes.get(symbol.name, ("", ""))[0]
    if leans_on_its_place(own):
        return "leans_on_its_place"
    if run_together(own) or legend_incomplete(own):
        return "values_run_together" if run_together(own) else "legend_incomplete"
    if contradicts(symbol.name, own):
        return "contradicts_the_name"
    if own and not text and (vague(own, words) or comments.words(own) < MEANING):
        return "vague_meaning"
    return (
        "restates_the_name"
        if all(not said or restates(symbol.name, said) for said in (own, text))
        else ""
    )


def _what(
    place: int,
    symbols: list[Symbol],
    names: list[str],
    notes: Notes,
    groups: Groups,
    words: OwnWords,
) -> Draft:
    """What is at a place: each name of which something is said, then the others."""
    symbols = [
        symbol for symbol in symbols if not _fault(symbol, notes, words)
    ] or symbols
    symbols = _by_name(symbols)
    first = symbols[0]
    told = {symbol.name for symbol in symbols[:MOST_NAMES]}
    bare = {name.lstrip("!") for name in told}
    others = [name for name in names if name.lstrip("!") not in bare]
    said = [
        f"`{symbol.name}` (`{symbol.file}`): {_said(symbol, notes, groups)}"
        for symbol in symbols[:MOST_NAMES]
    ]
    phrasings = [
        f"What is stored at {address(place)}?",
        f"I see {address(place)} in a trace. What lives at that address?",
        f"Which variable is at {address(place)}, and what does it mean?",
    ]
    lead = f"{address(place)} ({region(place)}) is "
    if others:
        said.append(f"also {quoted(others)}")
    body = (
        said[0]
        if len(said) == 1
        else "shared by several names:\n- " + "\n- ".join(said)
    )
    draft = _draft(
        "memory_address",
        first,
        choose(phrasings, f"{place}"),
        lead + body,
        _fault(first, notes, words),
    )
    if len({name.lstrip("!") for name in names}) > 1:
        return draft
    fact = fact_id("address", first.name, address(first.value))
    return replace(draft, fact=fact, wording="2")


def _by_name(symbols: list[Symbol]) -> list[Symbol]:
    """The first symbol of each name; the mark of a define makes no other name."""
    found: dict[str, Symbol] = {}
    for symbol in symbols:
        found.setdefault(symbol.name.lstrip("!"), symbol)
    return list(found.values())


def _draft(
    kind: str, symbol: Symbol, question: str, answer: str, fault: str = ""
) -> Draft:
    group = f"variable:{address(canonical(symbol.value))}"
    return Draft(
        kind,
        question,
        answer,
        symbol.file,
        symbol.line,
        symbol.line,
        group,
        fault=fault,
    )


def conflicts(project: Project) -> list[Conflict]:
    """Where a line of the docs puts a variable at another address
    than the code does.
    """
    known = {
        s.name: s
        for s in project.best_symbol.values()
        if s.kind not in ("define", "foreign") and region(s.value) in _RAM
    }
    found = []
    for document in project.documents:
        for number, line in enumerate(document.lines, 1):
            if "$" not in line:
                continue
            for match in _BESIDE.finditer(line):
                name = match.group(1) or match.group(3) or match.group(6)
                symbol = known.get(name)
                claimed = int(
                    (match.group(2) or match.group(4) or match.group(5)).replace(
                        ":", ""
                    ),
                    16,
                )
                if (
                    symbol is not None
                    and region(claimed) in _RAM
                    and canonical(claimed) != canonical(symbol.value)
                ):
                    found.append(Conflict(symbol, document.path, number, claimed))
    return found


_RAM = ("WRAM", "SRAM", "direct page")


def _disagreement(conflict: Conflict) -> Draft:
    symbol, true = conflict.symbol, address(conflict.symbol.value)
    code = f"`{symbol.file}` (line {symbol.line}) defines it as {true}"
    page = f"`{conflict.file}` (line {conflict.line}) says {address(conflict.claimed)}"
    answer = (
        f"The sources disagree about `{symbol.name}`. {code}; {page}. The code is what "
        f"gets assembled, so use {true} and treat the page as out of date."
    )
    question = (
        f"The docs and the code name different addresses for `{symbol.name}` "
        f"(`{conflict.file}`). Which is right?"
    )
    return _draft("memory_conflict", symbol, question, answer)
