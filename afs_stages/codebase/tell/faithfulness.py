"""Whether the steps of a routine tell every number and name of its instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afs_stages.asm.lexer import Line, Statement
from afs_stages.codebase.facts.machine import BRANCHES

_WIDTHS_AND_SHIFTS_WORDS = "rep sep pea per pei asl lsr rol ror"
_WIDTHS_AND_SHIFTS = frozenset(_WIDTHS_AND_SHIFTS_WORDS.split())
_UNTOLD_WORDS = "txy tyx tcd tdc tcs tsc tsx txs mvn mvp brk cop wai stp wdm xce"
_UNTOLD = frozenset(_UNTOLD_WORDS.split())
"""Moves between registers and of blocks, and what stops or interrupts: no step tells of
these, nor of a define in an instruction's place.
"""

_TOLD = re.compile(r"`[^`]*`|[$%]\w+|\d+")
"""Names of the code and numbers: words between them, and remarks, tell no operand."""

_INDEX = re.compile(r"(?i),\s*[xys]$")


@dataclass(frozen=True)
class Steps:
    """The steps of a routine: as sentences, and what is unsure about them."""

    rows: list[str]
    vague: bool
    """Whether one tells where a result goes and not what it is: too little to write
    code from.
    """
    complete: bool
    """Whether the steps tell all of the routine; where they do not, only its header
    explains it.
    """


def left_out(lines: tuple[Line, ...], steps: list[str]) -> list[str]:
    """The numbers, names and moves of a routine's instructions that its steps do
    not tell, in order.
    """
    told = "\n".join(_TOLD.findall("\n".join(steps))).lower()
    found = []
    statements = [
        statement for line in lines for statement in line.statements if statement.word
    ]
    for at, statement in enumerate(statements, 1):
        following = statements[at] if at < len(statements) else None
        word = statement.word.split(".", 1)[0]
        name = _operand(word, statement.rest)
        if (
            (name and name.lower() not in told)
            or word in _UNTOLD
            or word.startswith("!")
            or _answers(word, following)
        ):
            found.append(name or word)
    return found


def _answers(word: str, following: Statement | None) -> bool:
    """Whether a routine returns with what a comparison found in the flags."""
    return (
        word in ("cmp", "cpx", "cpy", "bit")
        and following is not None
        and following.word in ("rts", "rtl")
    )


def _operand(word: str, rest: str) -> str:
    """What an instruction says of its operand, "" where steps need not repeat it
    (widths, targets).
    """
    if (
        len(word) != 3
        or word in _WIDTHS_AND_SHIFTS
        or word in BRANCHES
        or (word.startswith("b") and word != "bit")
    ):
        return ""
    rest = rest.strip()
    if "jumptable" in rest.lower() or set(rest) <= {"+", "-"}:
        return ""
    bare = _INDEX.sub("", _INDEX.sub("", rest).strip("()[] ")).strip("()[] #")
    return "" if bare.lower() == "a" else bare
