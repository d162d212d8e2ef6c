"""The table assembler: each statement against the 65816's opcode matrix.
No assembler, and never called one.

It sees unknown mnemonics, addressing modes an instruction does not have, malformed
operands and local labels that are nowhere defined. It does not evaluate expressions,
macros or distances. The matrix (`data/65816_modes.json`) was compared with asar's
output byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from operator import itemgetter
from typing import Any, Literal

import msgspec

from afs_stages.asm.syntax import BLOCKS, DIRECTIVES, lines, parse_part
from afs_stages.core.memo import ENTRIES, LONGEST, Memo

State = Literal["ok", "stubs", "error", "lost"]

_SHAPES: dict[str, tuple[str, ...]] = {
    "plain": ("direct", "absolute", "long", "relative8", "relative16"),
    "x": ("direct_x", "absolute_x", "long_x"),
    "y": ("direct_y", "absolute_y"),
    "s": ("stack_relative",),
    "(x)": ("direct_x_indirect", "absolute_x_indirect"),
    "()": ("direct_indirect", "absolute_indirect"),
    "()y": ("direct_indirect_y",),
    "(s)y": ("stack_relative_indirect_y",),
    "[]": ("direct_indirect_long", "absolute_indirect_long"),
    "[]y": ("direct_indirect_long_y",),
    "#": ("immediate",),
    "A": ("accumulator",),
    "": ("implied", "accumulator"),
    "move": ("block_move",),
}
_WIDTHS = {1: "direct", 2: "absolute", 3: "long"}
_HEX = re.compile(r"\$([0-9A-Fa-f]+)$")
_BAD_NUMBER = re.compile(
    r"\$(?![0-9A-Fa-f!{<(])|\$[0-9A-Fa-f]+[G-Zg-z_]|(?<![\w$%.!])\d+[A-Za-z_]"
)
_BAD_COMMA = re.compile(r"^,|,\s*,|,\s*$")
_REFERENCE = re.compile(r"(?<![\w.!$%#\]])(\.+[A-Za-z_]\w*|[A-Za-z_][\w.]*)")
_ANONYMOUS = re.compile(r"^[+-]+$")
_REPEATABLE = frozenset(
    ("ASL", "LSR", "ROL", "ROR", "INC", "DEC", "INX", "DEX", "INY", "DEY", "NOP")
)
_OWN_WORDS = frozenset(("A", "X", "Y", "S", "PC", "a", "x", "y", "s", "pc"))


@dataclass(frozen=True)
class AssemblyResult:
    """Whether a snippet assembles: `ok`, `stubs` (that many outside names stubbed),
    `error` or `lost` (unknown).
    """

    state: State
    stubs: int = 0
    errors: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """1 for code that assembles, slightly less where outside names had to be taken
        on trust, 0 for an error.
        """
        return {"ok": 1.0, "stubs": 0.95}.get(self.state, 0.0)


@cache
def matrix() -> dict[str, frozenset[str]]:
    """mnemonic -> its addressing modes, of all 92 mnemonics."""
    raw: dict[str, Any] = msgspec.json.decode(
        (files("afs_stages.asm") / "data/65816_modes.json").read_bytes()
    )
    return {name: frozenset(modes) for name, modes in raw["modes"].items()}


def shape_of(operand: str) -> tuple[str, str]:
    """(shape, inner expression) of an operand: `($12),y` -> ("()y", "$12")."""
    if not operand:
        return "", ""
    if operand[0] == "#":
        return "#", operand[1:].strip()
    if operand in ("A", "a"):
        return "A", ""
    base, index = _split_index(operand)
    if base.startswith("[") and base.endswith("]"):
        return ("[]" + index), base[1:-1].strip()
    if base.startswith("(") and _closes_at_end(base):
        inner, inside = _split_index(base[1:-1].strip())
        return (f"({inside})" + index), inner
    return (index or "plain"), base


def _split_index(operand: str) -> tuple[str, str]:
    depth = 0
    for position in range(len(operand) - 1, -1, -1):
        char = operand[position]
        depth += (char in ")]") - (char in "([")
        if char == "," and depth == 0:
            index = operand[position + 1 :].strip().lower()
            return operand[:position].strip(), index if index in (
                "x",
                "y",
                "s",
            ) else "move"
    return operand, ""


def _closes_at_end(text: str) -> bool:
    depth = 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return position == len(text) - 1
    return False


def _modes_for(shape: str, inner: str, size: str) -> tuple[str, ...]:
    """Addressing modes an operand may mean: by suffix,
    else by the digits of a plain hex number.
    """
    modes = _SHAPES.get(shape, ())
    if shape not in ("plain", "x", "y"):
        return modes
    digits = _HEX.match(inner)
    if size in ("b", "w", "l"):
        width = " bwl".index(size)
    elif digits:
        width = (len(digits[1]) + 1) // 2
    else:
        return modes
    # the assembler widens a number where the instruction has no narrower form, and
    # never narrows one
    return tuple(
        m
        for m in modes
        if m.startswith("relative")
        or m.split("_")[0] in [_WIDTHS.get(w) for w in range(width, 4)]
    )


@lru_cache(maxsize=ENTRIES)
def fault(mnemonic: str, size: str, operand: str) -> str:
    """What is wrong with an instruction, or an empty string."""
    modes = matrix().get(mnemonic)
    if modes is None:
        return f"unknown mnemonic {mnemonic}"
    if size and size not in "bwl":
        return f"unknown size .{size}"
    if "!" in operand or "<" in operand:
        return ""  # a define or macro argument may stand for anything
    if len(operand) > 1 and operand.isidentifier():
        shape, inner = "plain", operand
    elif operand and (problem := _malformed(operand)):
        return problem
    else:
        shape, inner = shape_of(operand)
    if shape == "#" and mnemonic in _REPEATABLE:
        return ""
    allowed = _modes_for(shape, inner, size)
    if modes.intersection(allowed) or _quirk(mnemonic, shape):
        return ""
    return f"{mnemonic} has no such addressing mode: {operand or '(no operand)'}"


def _malformed(operand: str) -> str:
    if _BAD_NUMBER.search(operand):
        return f"malformed number in {operand}"
    if operand.count("(") != operand.count(")") or operand.count("[") != operand.count(
        "]"
    ):
        return f"unbalanced brackets in {operand}"
    if _BAD_COMMA.search(operand) or "##" in operand or operand in ("#", "$"):
        return f"malformed operand {operand}"
    return ""


_QUIRKS = {
    "": ("BRK", "COP", "WDM"),
    "()": ("PEI",),
    "[]": ("JMP",),
    "plain": ("MVN", "MVP", "REP"),
    "y": ("ORA", "AND", "EOR", "ADC", "STA", "LDA", "CMP", "SBC"),
}
"""Shape of the operand -> instructions that take it beyond the matrix."""


def _quirk(mnemonic: str, shape: str) -> bool:
    """What asar accepts beyond the matrix."""
    return mnemonic in _QUIRKS.get(shape, ())


def _references(operand: str) -> frozenset[str]:
    return frozenset(
        [name for name in _REFERENCE.findall(operand) if name not in _OWN_WORDS]
    )


references = Memo(_references).__getitem__
"""Labels and symbols an operand names; local ones with their dots."""


_NO_NAMES: frozenset[str] = frozenset()
_Part = tuple[
    tuple[str, ...],
    frozenset[str],
    frozenset[str],
    tuple[tuple[str, int], ...],
    tuple[tuple[str, int], ...],
]
"""(faults, names defined, names used, anonymous labels, uses of such) of a part of a
line between two ` : `.

What it says, whatever stands around it; labels and uses with the number of their
statement in it.
"""
_NOTHING: _Part = ((), _NO_NAMES, _NO_NAMES, (), ())
_faults, _defined, _used, _labels, _uses = map(itemgetter, range(5))
_PLAIN = re.compile(
    r"(?:#?([A-Za-z_]\w*(?=:)|\.+\w+(?=:|\s|$)):?(?![=:])\s*)?"
    r"(?:([A-Za-z]{3})(?:\.([A-Za-z]))?(?:\s+([#(\[]*)"
    r"(?:\$([0-9A-Fa-f]+)(?!\w)|([%]?[0-9]+(?!\w)|!\w+)|(\.+[A-Za-z_]\w*|[A-Za-z_][\w.]*))"
    r"((?:[+-]|>>)[0-9]+(?!\w))?((?: ?[,)\]]| ?[xyXYsS]\b)*))?)?$"
)
"""A label, then an instruction: mnemonic, size, what opens its operand, its hex digits
or another number or a name, what is added, what closes it. Most parts have this form.
"""


def _is_sound(form: str) -> bool:
    mnemonic, size, operand = form.split("|")
    return mnemonic.upper() in matrix() and not fault(
        mnemonic.upper(), size.lower(), operand
    )


_sound = Memo(_is_sound).__getitem__
"""Whether `mnemonic|size|operand` is an instruction."""


def _read_plain(part: str) -> _Part | None:
    """A part of the plain form that is right, or None; which name or digits an operand
    has makes no difference.
    """
    if part[:1] == "%":
        return _NOTHING
    match = _PLAIN.match(part)
    if match is None:
        word = part.partition(" ")[0].lower()
        return (
            _NOTHING
            if word in DIRECTIVES and ":" not in part and "=" not in part
            else None
        )
    label, mnemonic, size, opening, digits, other, name, added, closing = match.groups(
        ""
    )
    used = _NO_NAMES
    if mnemonic:
        if digits:
            base = "$0000000"[: len(digits) + 1]
        elif not name:
            base = other and f"{other[0]}0"
        elif name in _OWN_WORDS:
            base = name
        else:
            base = ".n" if name[0] == "." else "name"
            used = _NO_NAMES if opening[-1:] == "#" else frozenset((name,))
        if len(digits) > 6 or not _sound(
            f"{mnemonic}|{size}|{opening}{base}{added and '+0'}{closing}"
        ):
            return None
    return (), frozenset((label,)) if label else _NO_NAMES, used, (), ()


def _read_part(part: str) -> _Part:
    if len(part) <= LONGEST and (plain := _read_plain(part)):
        return plain
    faults: list[str] = []
    defined: set[str] = set()
    used: set[str] = set()
    labels: list[tuple[str, int]] = []
    uses: list[tuple[str, int]] = []
    for place, (kind, name, size, operand) in enumerate(parse_part(part)):
        if kind == "op":
            check = fault if len(operand) <= LONGEST else fault.__wrapped__
            if problem := check(name, size, operand):
                faults.append(problem)
            if _ANONYMOUS.match(operand):
                uses.append((operand, place))
            else:
                used |= references(operand)
        elif kind == "unknown":
            faults.append(f"not a statement: {name}")
        elif kind == "label" and _ANONYMOUS.match(name):
            labels.append((name, place))
        elif kind in ("label", "assign"):
            defined.add(name)
    return (
        tuple(faults),
        frozenset(defined),
        frozenset(used),
        tuple(labels),
        tuple(uses),
    )


_part = Memo(_read_part).__getitem__
"""A part's faults and names; remembered, since code repeats itself."""


_BORDER = re.compile(r"[^\S\n]:(?:[^\S\n]|$)|\n", re.MULTILINE)
"""Between two parts: the end of a line, or what `SPLIT` finds within one."""
_BLANKS = (*"\t\v\f\r\x1c\x1d\x1e\x1f", " :\n")


@lru_cache(maxsize=BLOCKS)
def assemble(text: str, known: frozenset[str] = frozenset()) -> AssemblyResult:
    """Check a snippet by the table; `known` names do not count as stubs."""
    text = "\n".join(lines(text))
    met = list(map(_part, map(str.strip, _parts(text))))
    missing = set().union(*map(_used, met)).difference(*map(_defined, met))
    errors = list(_located(text, met)) if any(map(_faults, met)) else []
    local = {name for name in missing if name[0] == "."}
    errors += [f"label {name} wasn't found" for name in (*sorted(local), *_astray(met))]
    outside = len(missing - local - known)
    if errors:
        return AssemblyResult("error", outside, tuple(errors[:8]))
    return AssemblyResult("stubs" if outside else "ok", outside)


def _parts(text: str) -> list[str]:
    """The parts of lines; where no blank is anything but a space, as nearly always,
    without a pattern.
    """
    if (
        text.isascii()
        and not any(map(text.__contains__, _BLANKS))
        and not text.endswith(" :")
    ):
        return text.replace(" : ", "\n").split("\n")
    return _BORDER.split(text)


def _located(text: str, met: list[_Part]) -> Iterator[str]:
    """The faults with the lines they are in."""
    number = 1
    for part, border in zip(met, (*_BORDER.findall(text), ""), strict=True):
        yield from (f"line {number}: {fault}" for fault in _faults(part))
        number += border == "\n"


def _astray(met: list[_Part]) -> list[str]:
    """Anonymous labels that are branched to where none lies ahead or behind: no outside
    code can define one.
    """
    if not any(map(_uses, met)):
        return []
    uses = [
        (name, (at, place))
        for at, part in enumerate(met)
        for name, place in _uses(part)
    ]
    labels = [
        (name, (at, place))
        for at, part in enumerate(met)
        for name, place in _labels(part)
    ]
    return [
        name
        for name, at in uses
        if not any(
            label == name and (where > at) == (name[0] == "+")
            for label, where in labels
        )
    ]
