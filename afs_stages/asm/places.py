"""The address space of the SNES: which numbers are one place, and what kind of memory
a place is.
"""

from __future__ import annotations

from functools import lru_cache

from afs_stages.asm.isa import REGISTERS

WORK_RAM = 0x7E0000


def canonical(value: int) -> int:
    """One number per place: mirrors of work RAM as $7Exxxx, registers in bank 0."""
    bank, low = value >> 16, value & 0xFFFF
    mirrored = bank < 0x40 or 0x80 <= bank < 0xC0
    if mirrored and low < 0x2000:
        return WORK_RAM | low
    return low if mirrored and low < 0x8000 else value


def is_saved(place: int) -> bool:
    """Whether an address is in SRAM."""
    return 0x700000 <= place <= 0x7DFFFF


@lru_cache(maxsize=1 << 16)  # asked for ten times of each
def region(value: int) -> str:
    """What kind of memory an address is in; "" where it is none of these."""
    place = canonical(value)
    if place in REGISTERS or 0x2100 <= place <= 0x21FF or 0x4200 <= place <= 0x43FF:
        return "hardware register"
    if is_saved(place):
        return "SRAM"
    if WORK_RAM <= place <= 0x7FFFFF:
        return "direct page" if place < 0x7E0100 else "WRAM"
    return "ROM" if value & 0x8000 and value >= 0x8000 else ""
