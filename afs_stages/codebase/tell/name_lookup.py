"""What operands mean: names for addresses, addresses for names, and the role a routine
has in a jump table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from afs_stages.asm.hardware import register_meaning
from afs_stages.asm.operand import Operand, read_operand
from afs_stages.asm.places import canonical, region
from afs_stages.codebase.facts.flow import table
from afs_stages.codebase.facts.machine import BRANCHES
from afs_stages.codebase.facts.mentions import Mentions, mentions
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import address, listing
from afs_stages.codebase.read.program import Symbol
from afs_stages.codebase.tell.faithfulness import Steps
from afs_stages.codebase.tell.memory_map import (
    IDLE_NAME,
    is_memory,
    meaning,
)

_THROUGH_TABLE = re.compile(r"(?im)\bj(?:sr|mp)(?:\.w)?\s+\((\.\w+),\s*x\)")
_DOUBLED = re.compile(
    r"(?i)\blda(?:\.\w)?\s+([^\s:#]+)\s*(?::|\n)\s*asl(?:\s+a)?\s*(?::|\n)\s*tax\s*(?::\s*)?\Z"
)
"""What is loaded, doubled and taken for an index right before the jump."""
_GOES = BRANCHES | {"jsr", "jsl", "jml", "pea"}
_STORED = ("equate", "reserved", "field")


@dataclass
class NameLookup:
    """Look-ups over a codebase, made once."""

    project: Project
    roles: dict[str, str] = field(default_factory=dict)
    """routine -> which entry of whose jump table it is"""
    tables: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """routine in a jump table -> what chooses, and the entries of that table"""
    owned: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """routine -> what chooses, and the entries of the jump table it ends in"""
    entered: set[str] = field(default_factory=set)
    """the labels inside of routines that other routines go to, as `Routine_label`"""
    mentions: Mentions = field(default_factory=Mentions)
    """who names which variable, table or routine"""
    steps: dict[Unit, Steps] = field(default_factory=dict)
    """the steps of the routines that were asked about so far"""
    _at: dict[int, Symbol] = field(default_factory=dict)
    _code: dict[int, str] = field(default_factory=dict)

    def naming(self, name: str) -> str:
        """An operand as shown: in backquotes."""
        return f"`{name}`"

    def value(self, name: str) -> int | None:
        """The place a name or `$address` means, mirrors as one;
        None where it is unknown.
        """
        if re.fullmatch(r"\$[0-9A-Fa-f]+", name):
            return canonical(int(name[1:], 16))
        symbol = self.project.best_symbol.get(name)
        return None if symbol is None else canonical(symbol.value)

    def symbol(self, operand: Operand, owner: str) -> Symbol | None:
        """The variable an operand means in the code of `owner`, or the one its index
        counts from; None where an index is added to a number of the direct page, which
        may lead anywhere.
        """
        if operand.mode != "direct":
            return None
        place = operand.literal
        if place is not None:
            moved = not self.project.direct_page.is_zero(owner)
            anywhere = place < 0x100 and (moved or operand.indexed)
            return None if anywhere else self._at.get(canonical(place))
        found = self.project.best_symbol.get(operand.name)
        return found if found is not None and is_memory(found) else None

    def name_of(self, value: int) -> str:
        """The one name of a place, "" where it has none or several."""
        symbol = self._at.get(canonical(value))
        return symbol.name if symbol is not None else self._code.get(value, "")

    def register(self, place: int) -> tuple[str, str]:
        """The name of a hardware register, and what it does by that name."""
        symbol = self._at.get(canonical(place))
        said = symbol.hardware if symbol is not None else ""
        return self.name_of(place), said or register_meaning(place)

    def next_of(self, name: str, what: str, number: str) -> str:
        """Which entry of its jump table a routine selects by setting `what` to
        `number`, or "".
        """
        index, entries = self.tables.get(name, ("", []))
        if (
            not index
            or self.value(index) is None
            or self.value(index) != self.value(what)
        ):
            return ""
        at = (
            int(number[1:], 16)
            if re.fullmatch(r"\$[0-9A-Fa-f]+", number)
            else int(number)
            if number.isdigit()
            else -1
        )
        return entries[at] if 0 <= at < len(entries) else ""

    def place(self, name: str) -> str:
        """Where a label is in the ROM, where the source says so."""
        symbol = self.project.best_symbol.get(name)
        known = (
            symbol is not None
            and symbol.kind == "label"
            and region(symbol.value) == "ROM"
        )
        return address(symbol.value, 6) if known and symbol is not None else ""


def vocabulary(project: Project) -> NameLookup:
    """Read names of places and the jump tables of a codebase."""
    found = NameLookup(project, _at=_places(project), _code=_routines_named(project))
    found.mentions = mentions(project)
    for unit in project.units:
        if unit.block.kind == "routine":
            _enter(found, unit)
        for statement in (
            statement for line in unit.block.lines for statement in line.statements
        ):
            if "_" in statement.rest and statement.word[:3] in _GOES:
                found.entered.add(read_operand(statement.rest).place)
    return found


def _enter(found: NameLookup, unit: Unit) -> None:
    """Note the role of each routine in the jump table of `unit`, if it has one."""
    index, entries = table(unit.block.lines, found.naming)
    if not entries:
        index, entries = _table_macro(found, unit)
    if not entries:
        index, entries = _table_of_its_own(unit)
    if any(entries):
        found.owned.setdefault(unit.block.name, (index, entries))
    for name in dict.fromkeys(entries):
        target = (
            found.project.find(name)
            if name and not name.startswith((".", "$"))
            else None
        )
        if target is not None and target is not unit:
            chosen = f", chosen by {index}" if index else ""
            said = f" ({unit.summary.rstrip('.')})" if unit.summary else ""
            role = (
                f"{_numbers(entries, name)} of the jump table in "
                f"`{unit.block.name}`{said}{chosen}"
            )
            found.roles.setdefault(target.block.name, role)
            found.tables.setdefault(
                target.block.name,
                (read_operand(index.partition("` ")[0].strip("`")).place, entries),
            )


def _numbers(entries: Sequence[str], name: str) -> str:
    """`entry 2 ($02)`, or all the entries that a routine is in a table."""
    found = [f"{at} (${at:02X})" for at, entry in enumerate(entries) if entry == name]
    return f"{'entry' if len(found) == 1 else 'entries'} {listing(found)}"


def _table_macro(found: NameLookup, unit: Unit) -> tuple[str, list[str]]:
    """A jump table written as a macro call: `%JumpTable(index, A, B)` or
    `%SpriteJumpTable(A, B)`.
    """
    for call in (call for line in unit.block.lines for call in line.statements):
        macro, _, given = f"{call.word} {call.rest}".partition("(")
        if not macro.startswith("%") or "jumptable" not in macro.lower():
            continue
        names = [name.strip() for name in given.strip().removesuffix(")").split(",")]
        inside = found.project.expand(call) or []
        loads = [read_operand(s.rest).name for s in inside if s.word[:3] == "lda"]
        chooser = next(filter(None, loads), "")
        given_index = not chooser and found.project.find(names[0]) is None
        if chooser == names[0] or given_index:
            return f"`{names[0]}`", names[1:]
        return f"`{chooser}`" if chooser else "", names
    return "", []


def _table_of_its_own(unit: Unit) -> tuple[str, list[str]]:
    """A jump through a local table: `LDA x : ASL : TAX : JSR (.vectors,X)`, and
    `.vectors` in the same routine.
    """
    code = "\n".join(line.code for line in unit.block.lines)
    jump = _THROUGH_TABLE.search(code)
    listed = jump and re.search(
        rf"(?m)^\s*{re.escape(jump.group(1))}:?\s*\n((?:\s*d[wl]\s.*\n?)+)", code, re.I
    )
    if not jump or not listed:
        return "", []
    chooser = _DOUBLED.search(code[: jump.start()])
    rows = [row.split(None, 1)[1] for row in listed.group(1).split("\n") if row.strip()]
    entries = [read_operand(name).place for row in rows for name in row.split(",")]
    return f"`{chooser.group(1)}`" if chooser else "", entries


def _routines_named(project: Project) -> dict[int, str]:
    """Place in the ROM -> the one name an equate gives it:
    routines of the game that is patched.
    """
    names: dict[int, set[str]] = {}
    for symbol in project.best_symbol.values():
        if (
            symbol.kind == "equate"
            and region(symbol.value) == "ROM"
            and symbol.value > 0xFFFF
        ):
            names.setdefault(symbol.value, set()).add(symbol.name)
    return {
        place: next(iter(group)) for place, group in names.items() if len(group) == 1
    }


def _places(project: Project) -> dict[int, Symbol]:
    """Place -> the name code uses most; none for scratch and for places with
    more than two names.
    """
    used = Counter(
        operand.place
        for unit in project.units
        for operand in (*unit.contract.reads, *unit.contract.writes)
    )
    groups: dict[int, list[Symbol]] = {}
    for symbol in project.best_symbol.values():
        stored = (
            symbol.kind in _STORED
            and region(symbol.value) not in ("", "ROM")
            and is_memory(symbol)
        )
        if stored and not IDLE_NAME.search(symbol.name):
            groups.setdefault(canonical(symbol.value), []).append(symbol)
    best: dict[int, Symbol] = {}
    for place, group in groups.items():
        scratch = 0x7E0000 <= place < 0x7E0010
        if (len(group) <= 2 or place < 0x5000) and not scratch:
            found = _best(group, used)
            best |= {place: found} if found is not None else {}
    return best


def _best(group: list[Symbol], used: Counter[str]) -> Symbol | None:
    """The name of a place: that the code uses, of this place alone and not of any
    channel; None where two names of different files say different things and neither
    is used more, since then one of them is of another game than the code.
    """

    def rank(symbol: Symbol) -> tuple[bool, bool, int]:
        alone = "(n for X" not in symbol.hardware
        return bool(meaning(symbol)), alone, used[symbol.name]

    first, *others = sorted(
        group, key=lambda symbol: (rank(symbol), symbol.name), reverse=True
    )
    rivals = [
        other
        for other in others
        if rank(other) == rank(first)
        and other.file != first.file
        and meaning(other) != meaning(first)
    ]
    place = canonical(first.value)
    names = {symbol.name.lstrip("!") for symbol in group}
    if region(place) != "hardware register" and len(names) > 1 and not used[first.name]:
        return None  # code that writes numbers does not say which of them it means
    return None if rivals else first
