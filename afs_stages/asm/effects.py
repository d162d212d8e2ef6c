"""What instructions do: the registers they read and write, flags, widths, stack, and
where they lead.
"""

from __future__ import annotations

import re
from functools import lru_cache

from afs_stages.core.memo import ENTRIES

BRANCHES = frozenset(("beq", "bne", "bcc", "bcs", "bmi", "bpl", "bvc", "bvs"))
JUMPS = frozenset(("bra", "brl", "jmp", "jml"))
RETURNING = frozenset(("rts", "rtl", "rti"))
LEAVES = JUMPS | RETURNING | {"stp"}
"""Behind these no code runs but by a label."""
CALL_RETURNS = {"jsr": "rts", "jsl": "rtl"}
"""How a routine returns, by how it is called."""
PUSHES = {
    "pha": "a",
    "phx": "x",
    "phy": "y",
    "phb": "b",
    "phd": "d",
    "php": "p",
    "phk": "k",
}
PULLS = {"pla": "a", "plx": "x", "ply": "y", "plb": "b", "pld": "d", "plp": "p"}
MOVES_STACK = frozenset(("pea", "pei", "per", "tcs", "txs"))
"""What else changes the stack or where it is."""
_KEEPS_FLAGS_WORDS = """
    sta stx sty stz pha phx phy phb phd php phk pea pei per nop jmp jml bra brl jsr jsl
    rts rtl rti beq bne bcc bcs bmi bpl bvc bvs tcs txs
"""
KEEPS_FLAGS = frozenset(_KEEPS_FLAGS_WORDS.split())
WIDTH_OF_WORDS = {
    "m": "adc and bit cmp eor lda ora sbc",
    "x": "cpx cpy ldx ldy",
}
WIDTH_OF = {word: w for w, words in WIDTH_OF_WORDS.items() for word in words.split()}
"""Which width an immediate of the instruction has: `m` (of A) or `x` (of X and Y)."""
_FLAGS = {0x20: "m", 0x10: "x"}
_DIGITS = re.compile(r"#\$([0-9A-Fa-f]+)$")

_TOUCHES = {
    "LDA PLA TSC TDC": ("", "AN"),
    "LDX PLX TSX": ("", "XN"),
    "LDY PLY": ("", "YN"),
    "TAX": ("A", "XN"),
    "TXA": ("X", "AN"),
    "TAY": ("A", "YN"),
    "TYA": ("Y", "AN"),
    "TXY": ("X", "YN"),
    "TYX": ("Y", "XN"),
    "INX DEX": ("X", "XN"),
    "INY DEY": ("Y", "YN"),
    "ADC SBC": ("AC", "ACN"),
    "AND ORA EOR XBA": ("A", "AN"),
    "CMP": ("A", "CN"),
    "CPX": ("X", "CN"),
    "CPY": ("Y", "CN"),
    "BIT TSB TRB": ("A", "N"),
    "STA PHA TCD TCS": ("A", ""),
    "STX PHX TXS": ("X", ""),
    "STY PHY": ("Y", ""),
    "MVN MVP": ("AXY", "AXY"),
    "BEQ BNE BMI BPL": ("N", ""),
    "BCC BCS": ("C", ""),
    "CLC SEC": ("", "C"),
    "PHP": ("NC", ""),
    "PLP": ("", "NC"),
}
_REGISTERS_OF = {
    name: touched for names, touched in _TOUCHES.items() for name in names.split()
}
_ON_MEMORY_OR_A = {"ASL": "C", "LSR": "C", "ROL": "C", "ROR": "C", "INC": "", "DEC": ""}


@lru_cache(maxsize=ENTRIES)
def registers(name: str, operand: str) -> tuple[str, str]:
    """(registers read, registers written) of an instruction, of A X Y, carry C and the
    zero and sign flags N.
    """
    reads, writes = _REGISTERS_OF.get(name, ("", ""))
    if name in _ON_MEMORY_OR_A:
        # `DEC #2` is A counted down twice: asar repeats the instruction
        own = "A" if operand in ("", "A", "a") or operand[:1] == "#" else ""
        reads, writes = (
            own + ("C" if name in ("ROL", "ROR") else ""),
            own + "N" + _ON_MEMORY_OR_A[name],
        )
    return reads + index_of(operand), writes


def index_of(operand: str) -> str:
    """The index register of an operand, `X`, `Y` or none."""
    tail = (
        operand.rstrip(")]").rpartition(",")[2].strip().upper()
        if "," in operand
        else ""
    )
    return tail if tail in ("X", "Y") else ""


def switched_widths(word: str, operand: str) -> dict[str, str] | None:
    """The widths that REP or SEP puts in force (`{"m": "16"}`); None for an operand
    that is no number, which could switch anything.
    """
    value = _number(operand.strip().removeprefix("#"))
    if value is None:
        return None
    size = "16" if word == "rep" else "8"
    return {name: size for bit, name in _FLAGS.items() if value & bit}


def _number(text: str) -> int | None:
    base = {"$": 16, "%": 2}.get(text[:1], 10)
    try:
        return int(text if base == 10 else text[1:], base)
    except ValueError:
        return None


def shown_width(size: str, operand: str) -> str:
    """`8` or `16` where an immediate shows its width, by its suffix or its digits."""
    if operand[:1] != "#":
        return ""
    if size in ("b", "w"):
        return "8" if size == "b" else "16"
    digits = _DIGITS.match(operand)
    return {2: "8", 4: "16"}.get(len(digits[1]), "") if digits else ""
