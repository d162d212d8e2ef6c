"""What the hardware registers of the SNES do, in a few words each, for code that names
them without explaining.
"""

from __future__ import annotations

import re
from collections.abc import Set

LOW_BYTE = "low byte of "

MEANINGS = {
    0x2100: "screen display: forced blank (bit 7) and brightness (0-15)",
    0x2101: "object size and the base of the object tiles in VRAM",
    0x2102: "low byte of the OAM address",
    0x2103: "high bit of the OAM address, and object priority rotation",
    0x2104: "writes a byte to OAM",
    0x2105: "background mode (0-7) and tile size of each background",
    0x2106: "mosaic size and which backgrounds it applies to",
    0x2107: "tilemap base and size of background 1",
    0x2108: "tilemap base and size of background 2",
    0x2109: "tilemap base and size of background 3",
    0x210A: "tilemap base and size of background 4",
    0x210B: "tile base of backgrounds 1 and 2",
    0x210C: "tile base of backgrounds 3 and 4",
    0x210D: "horizontal scroll of background 1 (written twice)",
    0x210E: "vertical scroll of background 1 (written twice)",
    0x210F: "horizontal scroll of background 2 (written twice)",
    0x2110: "vertical scroll of background 2 (written twice)",
    0x2111: "horizontal scroll of background 3 (written twice)",
    0x2112: "vertical scroll of background 3 (written twice)",
    0x2115: "how the VRAM address steps after an access",
    0x2116: "low byte of the VRAM word address",
    0x2117: "high byte of the VRAM word address",
    0x2118: "low byte of the data written to VRAM",
    0x2119: "high byte of the data written to VRAM",
    0x211A: "mode 7 settings: flips and what lies outside the map",
    0x211B: (
        "mode 7 matrix A, and the 16-bit factor of the fast multiplication "
        "(written twice)"
    ),
    0x211C: (
        "mode 7 matrix B (written twice), and the 8-bit factor of the fast "
        "multiplication"
    ),
    0x211D: "mode 7 matrix C (written twice)",
    0x211E: "mode 7 matrix D (written twice)",
    0x211F: "mode 7 centre X (written twice)",
    0x2120: "mode 7 centre Y (written twice)",
    0x2121: "address in palette memory (CGRAM)",
    0x2122: "data written to palette memory (CGRAM), low byte first",
    0x2123: "windows of backgrounds 1 and 2",
    0x2124: "windows of backgrounds 3 and 4",
    0x2125: "windows of objects and of colour math",
    0x2126: "left edge of window 1",
    0x2127: "right edge of window 1",
    0x2128: "left edge of window 2",
    0x2129: "right edge of window 2",
    0x212A: "how the two windows combine on backgrounds",
    0x212B: "how the two windows combine on objects and colour math",
    0x212C: "layers shown on the main screen",
    0x212D: "layers shown on the subscreen",
    0x212E: "layers the windows cut out of the main screen",
    0x212F: "layers the windows cut out of the subscreen",
    0x2130: (
        "where colour math applies, and whether it adds the subscreen or "
        "the fixed colour"
    ),
    0x2131: "colour math: add or subtract, half, and on which layers",
    0x2132: "the fixed colour for colour math",
    0x2133: "screen mode: interlace, overscan, pseudo high resolution",
    0x2134: "low byte of the fast multiplication's result",
    0x2135: "middle byte of the fast multiplication's result",
    0x2136: "high byte of the fast multiplication's result",
    0x2137: "reading it latches the H and V counters",
    0x2138: "reads a byte from OAM",
    0x2139: "reads the low byte from VRAM",
    0x213A: "reads the high byte from VRAM",
    0x213B: "reads a byte from palette memory (CGRAM)",
    0x213C: "latched horizontal position (read twice)",
    0x213D: "latched vertical position (read twice)",
    0x213E: "status of PPU 1: object overflow and version",
    0x213F: "status of PPU 2: field, latch, 50 or 60 Hz, version",
    0x2140: "port 0 to the sound CPU",
    0x2141: "port 1 to the sound CPU",
    0x2142: "port 2 to the sound CPU",
    0x2143: "port 3 to the sound CPU",
    0x2180: "reads or writes work RAM at the address in $2181-$2183",
    0x2181: "low byte of the work RAM address for $2180",
    0x2182: "middle byte of the work RAM address for $2180",
    0x2183: "bank bit of the work RAM address for $2180",
    0x4016: "controller port 1: strobe and serial data",
    0x4017: "controller port 2: serial data",
    0x4200: "which are on of NMI, the H/V timers' IRQ and automatic controller reading",
    0x4201: "output of the programmable I/O port",
    0x4202: "first 8-bit factor of the multiplication",
    0x4203: "second 8-bit factor; writing it starts the multiplication",
    0x4204: "low byte of the dividend",
    0x4205: "high byte of the dividend",
    0x4206: "divisor; writing it starts the division",
    0x4207: "low byte of the H timer",
    0x4208: "high bit of the H timer",
    0x4209: "low byte of the V timer",
    0x420A: "high bit of the V timer",
    0x420B: "starts general DMA on the channels whose bits are set",
    0x420C: "enables HDMA on the channels whose bits are set",
    0x420D: "speed of ROM access in banks $80-$FF",
    0x4210: "NMI flag; reading it acknowledges the NMI",
    0x4211: "IRQ flag; reading it acknowledges the timer's IRQ",
    0x4212: "status: vertical blank, horizontal blank, automatic controller reading",
    0x4213: "input of the programmable I/O port",
    0x4214: "low byte of the quotient",
    0x4215: "high byte of the quotient",
    0x4216: "low byte of the product or the remainder",
    0x4217: "high byte of the product or the remainder",
    0x4218: "low byte of controller 1: A, X, L, R",
    0x4219: "high byte of controller 1: B, Y, Select, Start and the directions",
    0x421A: "low byte of controller 2: A, X, L, R",
    0x421B: "high byte of controller 2: B, Y, Select, Start and the directions",
}
"""Register -> what it does, after Nintendo's development manual."""

_CHANNEL = {
    0: "direction, step and pattern of DMA channel {0}",
    1: "the B-bus register ($21xx) DMA channel {0} reads or writes",
    2: "low byte of the A-bus address of DMA channel {0}",
    3: "high byte of the A-bus address of DMA channel {0}",
    4: "bank of the A-bus address of DMA channel {0}",
    5: (
        "low byte of DMA channel {0}'s number of bytes (in HDMA: of its indirect "
        "address)"
    ),
    6: (
        "high byte of DMA channel {0}'s number of bytes (in HDMA: of its indirect "
        "address)"
    ),
    7: "bank of the indirect address of HDMA channel {0}",
}


def register_meaning(place: int) -> str:
    """What a register does, or "" where the place is none that is known."""
    if 0x4300 <= place <= 0x437F:
        return _CHANNEL.get(place & 0xF, "").format(place >> 4 & 7)
    return MEANINGS.get(place, "")


def register_place(value: int) -> int | None:
    """The register an address reaches, whatever bank of the system area it is written
    with; None where it reaches none.
    """
    bank, low = value >> 16, value & 0xFFFF
    reached = bank & 0x7F < 0x40 and (low in MEANINGS or 0x4300 <= low <= 0x437F)
    return low if reached else None


def register_named(name: str, place: int, names: Set[str]) -> str:
    """What a register does under this name, where `names` are all names of its place.

    Where the low byte has a name of its own (`DMA0ADDRL`), a name without the L
    (`DMA0ADDR`) is the whole word; where a channel's digit could stand, an X stands
    for any channel (`DMAXADDR` beside `DMA0ADDR`).
    """
    said = register_meaning(place)
    low = any(other.endswith("L") for other in names) and not name.endswith("L")
    if low and said.startswith(LOW_BYTE):
        said = said.removeprefix(LOW_BYTE).removeprefix("the ") + ", as a whole"
    if "channel" in said and _any_channel(name, names):
        said = re.sub(r"(H?DMA) channel \d", r"any \1 channel", said)
        said += f" (n for X: ${place & 0xFF0F:04X} + $10 times n)"
    return said


def _any_channel(name: str, names: Set[str]) -> bool:
    """Whether an X in a name stands where other names have a channel's digit."""
    return any(
        other.startswith(name[:at] + "0")
        for at, letter in enumerate(name)
        if letter == "X"
        for other in names
    )
