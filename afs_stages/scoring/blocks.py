"""Assembly in a sample: fenced blocks, and unfenced text that is code line by line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from afs_stages.asm.opcode_table import matrix
from afs_stages.asm.syntax import DIRECTIVES, SPLIT, bare, parse_line
from afs_stages.core.memo import Memo

if TYPE_CHECKING:
    from afs_stages.core.sample import TrainingSample

_FENCE = re.compile(
    r"^[ \t]*(`{3,}+|~{3,}+)[ \t]*([\w+-]*)[^\n]*\n"
    r"((?:[^\n]*\n)*?(?:(?=[ \t]*\1[ \t]*$)|[^\n]*\Z))(?:[ \t]*\1[ \t]*$)?",
    re.MULTILINE,
)
"""Fence, tag, code line by line to the fence that closes it or to the end."""
ASM_TAGS = frozenset(
    (
        "asm",
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


def _kinds(line: str) -> tuple[int, int]:
    """(instructions, statements that are no assembly) of a line."""
    if _is_words(line):
        return 0, 1
    good = bad = 0
    for statement in parse_line(bare(line)):
        if statement.kind == "op":
            known = statement.name in matrix()
            good += known
            bad += not known
        elif statement.kind == "unknown":
            bad += 1
    return good, bad


_JOINED = re.compile("[:;{}]")


def _is_words(line: str) -> bool:
    """Whether it shows without parsing that a line is one statement,
    and none of assembly.
    """
    text = line.lstrip()
    if not text or (":" in text and SPLIT.search(text)):
        return False
    first = text.split(None, 1)[0]
    if first[0].isalpha():
        return (
            "=" not in text
            and not _JOINED.search(first)
            and first.lower() not in DIRECTIVES
            and first[:3].upper() not in matrix()
        )
    return first[0] in "`*|>(0123456789" or not first.strip("#")


_line_kind = Memo(_kinds)


def is_assembly(text: str, tolerance: float = 0.34) -> bool:
    """Whether a text is 65816 code: at least two instructions and few lines that
    could not be any.
    """
    good = bad = 0
    # a line holds one statement and one more for each `:`;
    # prose is known by its first few
    most_bad = tolerance * (text.count("\n") + text.count(":") + 1)
    for line in text.split("\n"):
        a, b = _line_kind[line]
        good, bad = good + a, bad + b
        if bad > most_bad:
            return False
    return good >= MIN_INSTRUCTIONS and bad <= tolerance * (good + bad)


def assembly_in(text: str) -> list[str]:
    """The assembly blocks of one text: tagged fences, untagged fences that are code,
    or the whole text.
    """
    text = text[:MAX_CHARS]
    blocks = fenced(text)
    if blocks:
        return [code.strip("\n") for tag, code in blocks if _counts(tag, code)]
    return [text.strip("\n")] if "\n" in text and is_assembly(text, 0.1) else []


def _counts(tag: str, code: str) -> bool:
    if tag in ASM_TAGS:
        # a tagged block of another processor or of noise is assembly that is wrong,
        # not absent
        return _has_statements(code, MIN_INSTRUCTIONS)
    return not tag and is_assembly(code)


def _has_statements(code: str, least: int) -> bool:
    count = 0
    for line in code.split("\n"):
        good, bad = _line_kind[line]
        count += good + bad
        if count >= least:
            return True
    return False


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
