"""Which registers an instruction reads and writes."""

from __future__ import annotations

from functools import lru_cache

from afs_stages.core.memo import ENTRIES

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
        own = "A" if operand in ("", "A", "a") else ""
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
