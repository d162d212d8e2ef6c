"""Assembly in a sample: in fences, in lines among prose, in quotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from afs_stages.asm.lexer import Statement, parse, split_comment, statements
from afs_stages.asm.opcode_table import matrix
from afs_stages.core.memo import ENTRIES

if TYPE_CHECKING:
    from afs_stages.core.sample import TrainingSample

_FENCE = re.compile(
    r"^[ \t]*(`{3,}+|~{3,}+)[ \t]*([\w+-]*)[^\n]*\n"
    r"((?:[^\n]*\n)*?(?:(?=[ \t]*\1[ \t]*$)|[^\n]*\Z))(?:[ \t]*\1[ \t]*$)?",
    re.MULTILINE,
)
"""Fence, tag, code line by line to the fence that closes it or to the end."""
_QUOTED = re.compile(r"`([^`\n]+)`")
ASM_TAGS = frozenset(
    (
        "asm",
        "6502",
        "65c02",
        "65816",
        "asm65816",
        "65c816",
        "snes",
        "asar",
        "assembly",
        "nasm",
        "s",
        "x86asm",
        "ca65",
    )
)
MIN_INSTRUCTIONS = 2
MIN_UNFENCED = 3
"""In lines among prose, since a line of prose may look like an instruction."""
MAX_CHARS = 200_000
"""A sample's code beyond this is not read: no routine is that long,
and time per sample stays bounded.
"""


def fenced(text: str) -> list[tuple[str, str]]:
    """(tag, code) of each fenced block; an unclosed fence runs to the end."""
    return list(_parted(text)[1]) if "```" in text or "~~~" in text else []


def without_code(text: str) -> str:
    """The prose of a text: fenced blocks cut out."""
    return _parted(text)[0] if "```" in text or "~~~" in text else text


@lru_cache(maxsize=8)
def _parted(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(prose, fenced blocks); the texts of the sample in hand are remembered, since
    each signal reads them.
    """
    prose, blocks, end = [], [], 0
    for match in _FENCE.finditer(text):
        prose.append(text[end : match.start()])
        blocks.append((match[2].lower(), match[3]))
        end = match.end()
    return "\n".join([*prose, text[end:]]), tuple(blocks)


@lru_cache(maxsize=ENTRIES)
def _line_kind(line: str) -> tuple[int, int]:
    """(instructions, statements that are no assembly) of a line."""
    good = bad = 0
    for statement in statements(split_comment(line)[0]):
        if statement.kind == "op":
            known = statement.name in matrix()
            good += known
            bad += not known
        elif statement.kind == "unknown":
            bad += 1
    return good, bad


def is_assembly(text: str, tolerance: float = 0.34) -> bool:
    """Whether a text is 65816 code: at least two instructions and few lines that
    could not be any.
    """
    kinds = [_line_kind(line) for line in text.split("\n")]
    good = sum(instructions for instructions, _ in kinds)
    bad = sum(others for _, others in kinds)
    return good >= MIN_INSTRUCTIONS and bad <= tolerance * (good + bad)


def assembly_in(text: str) -> list[str]:
    """The assembly of one text, wherever it stands: in fences, whatever their tag,
    in lines among prose, and several statements in one quotation.
    """
    text = text[:MAX_CHARS]
    blocks = [code.strip("\n") for tag, code in fenced(text) if _counts(tag, code)]
    prose = without_code(text)
    return [*blocks, *_unfenced(prose), *_inline(prose)]


def _counts(tag: str, code: str) -> bool:
    if tag in ASM_TAGS:
        # a tagged block of another processor or of noise is assembly that is wrong,
        # not absent; a list of names is none
        return any(map(_says_something, parse(code)))
    return is_assembly(code)


def _says_something(statement: Statement) -> bool:
    """Whether a statement is an instruction, or several words that are none."""
    if statement.kind == "op":
        return statement.name in matrix() or statement.operand != ""
    return statement.kind == "unknown" and " " in statement.text


def _unfenced(prose: str) -> Iterator[str]:
    """Runs of lines that hold nothing but assembly, and enough of it."""
    run: list[str] = []
    for line in [*prose.split("\n"), "."]:
        good, bad = _line_kind(line)
        if not bad and (good or run):
            run.append(line)
            continue
        if sum(_line_kind(one)[0] for one in run) >= MIN_UNFENCED:
            yield "\n".join(run).strip("\n")
        run = []


def _inline(prose: str) -> Iterator[str]:
    for quoted in _QUOTED.findall(prose):
        code = quoted.replace(" : ", "\n")
        # without any operand, instructions are named rather than written
        written = any(statement.operand for statement in parse(code))
        if " : " in quoted and written and is_assembly(code, 0):
            yield code


def sample_assembly(sample: TrainingSample) -> list[str]:
    """Every distinct assembly block of a sample,
    of its input and its answer, in order.
    """
    found: dict[str, None] = {}
    for text in (sample.instruction, sample.input, sample.output):
        if text:
            found.update(
                dict.fromkeys(block for block in assembly_in(text) if block.strip())
            )
    return list(found)
