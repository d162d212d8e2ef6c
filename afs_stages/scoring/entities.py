"""Known names and addresses in a sample: what it refers to, and how much of that the
code base knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib.resources import files

import msgspec

from afs_stages.asm.lexer import BLOCKS, parse
from afs_stages.asm.opcode_table import references
from afs_stages.core.memo import ENTRIES, Memo

# a number behind `#` is a value, not an address; two digits mean an address in code
# only; what stands before the `$` is looked at after it, so that a search leaps from
# one `$` to the next
_ADDRESS = re.compile(
    r"\$(?<![#\w$&]\$)([0-9A-Fa-f]{4,6}|[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4})(?!\w)"
)
_QUOTED = re.compile(r"`([A-Za-z_][\w.]{2,60})`")
_SHORT = re.compile(r"\$(?<![#\w$]\$)([0-9A-Fa-f]{2,6})(?!\w)")
_NAME = re.compile(r"\b[A-Za-z]\w*(?:_\w+|[a-z0-9][A-Z]\w*)|\b[A-Z][A-Z0-9_]{3,}\b")
_PLACED = re.compile(
    r"`([A-Za-z_][\w.]{2,60})` (?:\(|is at |at |= )\$([0-9A-Fa-f]{2,6}"
    r"|[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4})(?!\w)"
)
"""A name with its address beside it."""
MAX_CHARS = 100_000


@cache
def registers() -> dict[str, str]:
    """Official hardware register names -> `$2100`-style addresses."""
    raw = msgspec.json.decode(
        (files("afs_stages.asm") / "data/hardware_registers.json").read_bytes()
    )
    return dict(raw["registers"])


@lru_cache(maxsize=ENTRIES)
def normalise(digits: str) -> str | None:
    """The one form of an address: `22`, `0022`,
    `7E0022` and `00:0022` are all `7E0022`.

    None for what names no place by itself: a 16-bit ROM address without its bank.
    """
    digits = digits.replace(":", "")
    value = int(digits, 16)
    bank, offset = (value >> 16, value & 0xFFFF) if len(digits) > 4 else (0, value)
    if bank in (0x7E, 0x7F) or 0x70 <= bank <= 0x7D:
        return f"{value:06X}"
    bank &= 0x7F
    if bank < 0x40 and offset < 0x2000:
        return f"7E{offset:04X}"
    if bank < 0x40 and 0x2000 <= offset < 0x6000:
        return f"00{offset:04X}"
    return f"{bank:02X}{offset:04X}" if len(digits) > 4 else None


@dataclass(frozen=True)
class Known:
    """What a code base defines: names, and addresses in normal form."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=dict)
    """name -> address, where that is defined and all definitions agree"""

    @property
    def empty(self) -> bool:
        """Whether nothing beyond the hardware is known."""
        return not self.names and not self.addresses

    @cached_property
    def entities(self) -> frozenset[str]:
        """Every entity (`$7E0022` or a name) that is known here or is hardware."""
        places = self.addresses | _hardware_addresses()
        names = {name for name in self.names if name[:1] != "$"}
        return frozenset(names.union(registers(), (f"${place}" for place in places)))

    def place(self, name: str) -> str | None:
        """The address of a name, of the code base's or the hardware's,
        in normal form.
        """
        return self.places.get(name) or _register_places().get(name)

    def holds(self, entity: str) -> bool:
        """Whether an entity is known here or is hardware."""
        return entity in self.entities


@cache
def _register_places() -> dict[str, str]:
    return {name: f"00{address[1:]}" for name, address in registers().items()}


@cache
def _hardware_addresses() -> frozenset[str]:
    return frozenset(_register_places().values())


def in_code(codes: Iterable[str]) -> set[str]:
    """Entities that code uses: operand addresses and names it does
    not define itself.
    """
    parts = list(map(_in_block, codes))
    return (
        set().union(*[used for used, _ in parts]).difference(*[own for _, own in parts])
    )


@lru_cache(maxsize=BLOCKS)
def _in_block(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """(entities used, names defined) of a block."""
    used: set[str] = set()
    own: set[str] = set()
    for statement in parse(code):
        if statement.kind in ("label", "assign"):
            own.add(statement.name.lstrip("!"))
        elif (
            statement.kind == "op" and statement.operand and statement.operand[0] != "#"
        ):
            used.update(_operand(statement.operand))
    return frozenset(used), frozenset(own)


def _entities_of(operand: str) -> frozenset[str]:
    found = {
        f"${place}"
        for digits in _SHORT.findall(operand)
        if (place := normalise(digits))
    }
    return frozenset(
        found
        | {name for name in references(operand) if name[0] != "." and len(name) > 2}
    )


_operand = Memo(_entities_of).__getitem__


def in_prose(text: str) -> set[str]:
    """Entities that prose names: addresses of four digits and more,
    and identifiers in backticks.
    """
    if "$" not in text and "`" not in text:
        return set()
    found = {
        f"${place}" for digits in _ADDRESS.findall(text) if (place := normalise(digits))
    }
    return found | {
        name.removesuffix("()")
        for name in _QUOTED.findall(text)
        if _NAME.fullmatch(name)
    }


def placed(text: str) -> set[tuple[str, str]]:
    """(name, address) where prose gives a name's address beside it: `` `Name`
    ($7E0022)``, `` `Name` is at $22``.
    """
    if "` " not in text or "$" not in text:
        return set()
    return {
        (name, place)
        for name, digits in _PLACED.findall(text)
        if (place := normalise(digits))
    }


def _agreement(text: str, known: Known) -> float:
    """Share of the names given with an address that the code base gives the same; 1
    where it knows none of them.
    """
    told = [
        known.place(name) == place for name, place in placed(text) if known.place(name)
    ]
    return sum(told) / len(told) if told else 1.0


def coverage(
    prose: str, codes: Iterable[str], known: Known
) -> tuple[float | None, int, int]:
    """(known over used, used, known among them); None where nothing is named.

    The first falls where prose gives known names addresses that are not theirs.
    """
    prose = prose[:MAX_CHARS]
    used = in_prose(prose) | in_code(codes)
    if not used:
        return None, 0, 0
    hits = len(used & known.entities)
    return hits / len(used) * _agreement(prose, known), len(used), hits
