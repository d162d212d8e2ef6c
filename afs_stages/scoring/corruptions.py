"""Single-edit corruptions of real assembly, of eleven kinds, formatting preserved byte
for byte outside the edit.

Four kinds an assembler can see, seven it cannot:
`fake_mnemonic`, `foreign_isa`, `bad_mode`, `undef_label`; `index_swap`, `op_swap`,
`imm_width`, `sep_rep_flip`, `ret_mismatch`, `drop_pull`, `reorder`. Some edits of
`reorder`, `index_swap` and `op_swap` leave code that still works, which bounds what any
judge can reach on them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from afs_stages.asm.lexer import parse, split_comment
from afs_stages.asm.opcode_table import assemble, matrix

SYNTACTIC = ("fake_mnemonic", "foreign_isa", "bad_mode", "undef_label")
SEMANTIC = (
    "index_swap",
    "op_swap",
    "imm_width",
    "sep_rep_flip",
    "ret_mismatch",
    "drop_pull",
    "reorder",
)
KINDS = (*SYNTACTIC, *SEMANTIC)

_OP = re.compile(
    r"(?:(?<=\s)|^)([A-Za-z]{3})((?:\.[bwlBWL])?)(?=\s|$)([ \t]*)((?:[^:;\n]"
    r"|:(?!\s|$))*)"
)
_FAKES = (
    "LDM",
    "STQ",
    "LDB",
    "ADX",
    "SUX",
    "CMA",
    "JPR",
    "TXB",
    "PHQ",
    "PLQ",
    "INB",
    "DEB",
    "BGT",
    "BLE",
    "MOD",
    "RTX",
)
_FOREIGN = (
    "MOV A, $12",
    "ADD HL, DE",
    "LD A, (HL)",
    "mov eax, ebx",
    "addi $t0, $t1, 4",
    "DJNZ loop",
    "PUSH AX",
    "BLT .next",
    "ldr r0, [r1]",
    "move.w d0, d1",
    "CALL routine",
    "XOR A",
    "lea a0, buffer",
    "STM r0, {r1}",
    "RET",
    "SUB B",
)
_SWAPS = {
    "LDA": "STA",
    "STA": "LDA",
    "ADC": "SBC",
    "SBC": "ADC",
    "AND": "ORA",
    "ORA": "AND",
    "INC": "DEC",
    "DEC": "INC",
    "ASL": "LSR",
    "LSR": "ASL",
    "ROL": "ROR",
    "ROR": "ROL",
    "INX": "DEX",
    "DEX": "INX",
    "INY": "DEY",
    "DEY": "INY",
    "BEQ": "BNE",
    "BNE": "BEQ",
    "BCC": "BCS",
    "BCS": "BCC",
    "BMI": "BPL",
    "BPL": "BMI",
    "CLC": "SEC",
    "SEC": "CLC",
    "TAX": "TXA",
    "TXA": "TAX",
    "TAY": "TYA",
    "TYA": "TAY",
    "CMP": "ADC",
}
_FAMILY = {
    "PLA": "PHA",
    "PLX": "PHX",
    "PLY": "PHY",
    "PLP": "PHP",
    "PLB": "PHB",
    "PLD": "PHD",
}


# By mnemonic, what an operand can never be.
_NEVER_IMMEDIATE = ("STA", "STX", "STY", "STZ", "JSR", "JSL", "JMP")
_NEVER_LONG_INDIRECT = ("LDX", "LDY", "CPX", "CPY", "INC", "DEC", "ASL", "LSR")
_OF_A = ("LDA", "CMP", "AND", "ORA", "ADC", "SBC", "EOR")
_STACK_TRANSFERS = ("PHA", "PLA", "PHX", "PLX", "TAX", "TAY", "TXA")
_NEVER_AN_OPERAND = (*_STACK_TRANSFERS, "CLC", "SEC", "RTS", "RTL")


@dataclass(frozen=True)
class Op:
    """One instruction of a text with the places of its parts."""

    mnemonic: str
    start: int
    mnemonic_end: int
    operand: str
    operand_start: int
    end: int


Edit = tuple[int, int, str]
"""(start, end, replacement) in the text."""


def ops(text: str) -> list[Op]:
    """The instructions of a text, in order; comments are left out."""
    found, offset = [], 0
    for line in text.split("\n"):
        code, _ = split_comment(line)
        for match in _OP.finditer(code):
            if match[1].upper() in matrix():
                found.append(_op(match, offset))
        offset += len(line) + 1
    return found


def _op(match: re.Match[str], offset: int) -> Op:
    operand = match[4].rstrip()
    operand_start = offset + match.start(4)
    return Op(
        mnemonic=match[1].upper(),
        start=offset + match.start(1),
        mnemonic_end=offset + match.end(1),
        operand=operand,
        operand_start=operand_start,
        end=operand_start + len(operand),
    )


def _renamed(text: str, op: Op, name: str) -> Edit:
    """Another mnemonic, in small letters where the text's is."""
    if text[op.start : op.mnemonic_end].islower():
        name = name.lower()
    return op.start, op.mnemonic_end, name


def _fake_mnemonic(text: str, op: Op, rng: random.Random) -> Edit:
    return _renamed(text, op, rng.choice(_FAKES))


def _foreign_isa(text: str, op: Op, rng: random.Random) -> Edit:
    return op.start, op.end, rng.choice(_FOREIGN)


def _bad_mode(text: str, op: Op, rng: random.Random) -> Edit | None:
    name, operand = op.mnemonic, op.operand
    first = operand[:1]
    if name in _NEVER_IMMEDIATE and first not in ("(", "[", "#", ""):
        return op.operand_start, op.operand_start, "#"
    if name.startswith("B") and name not in ("BIT", "BRK") and operand:
        return op.operand_start, op.end, f"({operand}),y"
    if name in _NEVER_LONG_INDIRECT and first not in ("#", "(", "", "A"):
        return op.operand_start, op.end, f"[{operand.split(',')[0]}],y"
    if name in _OF_A and first == "#":
        more = ",x,y" if rng.random() < 0.5 else "),y"
        return op.end, op.end, more
    if name in _NEVER_AN_OPERAND and not operand:
        return op.mnemonic_end, op.mnemonic_end, " #$12"
    return None


def _undef_label(text: str, op: Op, rng: random.Random) -> Edit | None:
    match = re.fullmatch(r"\.[A-Za-z_]\w*", op.operand)
    if not match or not op.mnemonic.startswith(("B", "J")):
        return None
    return op.end, op.end, rng.choice(("_end", "2", "_next", "_loop"))


def _index_swap(text: str, op: Op, rng: random.Random) -> Edit | None:
    match = re.search(r",\s*([XYxy])$", op.operand)
    if not match or "(" in op.operand or "[" in op.operand:
        return None
    other = {"X": "Y", "Y": "X", "x": "y", "y": "x"}[match[1]]
    at = op.operand_start + match.start(1)
    return at, at + 1, other


def _op_swap(text: str, op: Op, rng: random.Random) -> Edit | None:
    other = _SWAPS.get(op.mnemonic)
    if other is None:
        return None
    return _renamed(text, op, other)


def _imm_width(text: str, op: Op, rng: random.Random) -> Edit | None:
    match = re.fullmatch(r"#\$([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})", op.operand)
    if not match or op.mnemonic in ("REP", "SEP", "BRK", "COP", "WDM"):
        return None
    digits = match[1]
    start = op.operand_start + 2
    # a size suffix is part of the immediate's width, so it follows the number
    end = start + len(digits)
    suffix = text[op.mnemonic_end : op.mnemonic_end + 2].lower()
    if suffix not in (".b", ".w"):
        return start, end, _resize(digits)
    swapped = ".w" if suffix == ".b" else ".b"
    between = text[op.mnemonic_end + 2 : start]
    return op.mnemonic_end, end, swapped + between + _resize(digits)


def _resize(digits: str) -> str:
    return "00" + digits if len(digits) == 2 else digits[2:]


def _sep_rep_flip(text: str, op: Op, rng: random.Random) -> Edit | None:
    if op.mnemonic not in ("SEP", "REP"):
        return None
    return _renamed(text, op, "REP" if op.mnemonic == "SEP" else "SEP")


def _ret_mismatch(text: str, op: Op, rng: random.Random) -> Edit | None:
    if op.mnemonic not in ("RTS", "RTL"):
        return None
    return _renamed(text, op, "RTL" if op.mnemonic == "RTS" else "RTS")


def _drop_pull(text: str, op: Op, rng: random.Random) -> Edit | None:
    if op.mnemonic not in _FAMILY:
        return None
    line_start = text.rfind("\n", 0, op.start) + 1
    line_end = text.find("\n", op.end)
    line_end = len(text) if line_end < 0 else line_end
    if split_comment(text[line_start:line_end])[0].strip().upper() == op.mnemonic:
        return line_start, min(line_end + 1, len(text)), ""
    after = re.compile(r"\s+:\s+").match(text, op.end)
    if after and after.end() <= line_end:
        return op.start, after.end(), ""
    before = re.search(r"\s+:\s+$", text[line_start : op.start])
    return (line_start + before.start(), op.end, "") if before else None


def _reorder(text: str, op: Op, rng: random.Random) -> Edit | None:
    """The instruction and the next one of the text change places."""
    later = [other for other in ops(text) if other.start > op.start]
    following = next((other for other in later if other.start >= op.end), None)
    if following is None or _transfers(op) or _transfers(following):
        return None
    between = text[op.end : following.start]
    if any(split_comment(line)[0].strip(" \t:") for line in between.split("\n")):
        return None
    first = text[op.start : op.end]
    second = text[following.start : following.end]
    if first.split() == second.split():
        return None
    return op.start, following.end, second + between + first


def _transfers(op: Op) -> bool:
    """Whether the instruction may go elsewhere:
    swapping across it would change more than an order.
    """
    name = op.mnemonic
    return name in ("RTS", "RTL", "RTI", "JMP", "JML", "BRA", "BRL")


_EDITS: dict[str, Callable[[str, Op, random.Random], Edit | None]] = {
    "fake_mnemonic": _fake_mnemonic,
    "foreign_isa": _foreign_isa,
    "bad_mode": _bad_mode,
    "undef_label": _undef_label,
    "index_swap": _index_swap,
    "op_swap": _op_swap,
    "imm_width": _imm_width,
    "sep_rep_flip": _sep_rep_flip,
    "ret_mismatch": _ret_mismatch,
    "drop_pull": _drop_pull,
    "reorder": _reorder,
}


def corrupt(text: str, kind: str, seed: str) -> str | None:
    """One edit of a kind at a place drawn from `seed`,
    or None where the text offers none.

    The result differs from the text in more than spaces; for the kinds an assembler can
    see, the table assembler accepts the text and refuses the result.
    """
    rng = random.Random(f"{kind}:{seed}")
    places = ops(text)
    rng.shuffle(places)
    for op in places:
        edit = _EDITS[kind](text, op, rng)
        if edit is None:
            continue
        start, end, replacement = edit
        result = text[:start] + replacement + text[end:]
        if _is_wrong(text, result, kind):
            return result
    return None


def _is_wrong(text: str, result: str, kind: str) -> bool:
    if _statements(text) == _statements(result):
        return False
    if kind == "drop_pull":
        return bool(parse(result))
    if kind in SYNTACTIC:
        return assemble(result).state == "error"
    return assemble(result).state != "error" or assemble(text).state == "error"


def _statements(text: str) -> list[tuple[str, ...]]:
    return [statement.parts for statement in parse(text)]


def corruptions(
    text: str, seed: str, kinds: tuple[str, ...] = KINDS
) -> Iterator[tuple[str, str]]:
    """(kind, corrupted text) for every kind the text has a place for."""
    for kind in kinds:
        if (result := corrupt(text, kind, seed)) is not None:
            yield kind, result
