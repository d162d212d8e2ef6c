"""The remarks of a routine that may stand beside its steps, and at which."""

from __future__ import annotations

import re

from afs_stages.asm.effects import PULLS, PUSHES
from afs_stages.asm.isa import DATA, MNEMONICS
from afs_stages.asm.lexer import lex
from afs_stages.codebase.facts.actions import LineActions
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.read import comments

_SETS_UP = frozenset((*PUSHES, "rep", "sep"))
_KEEPS = _SETS_UP | frozenset(PULLS)
"""What only saves, restores or sets widths: what is remarked there is no step."""
_MOVES = frozenset(("tax", "tay", "txa", "tya", "txy", "tyx", *PUSHES, *PULLS))
_STAYS = _MOVES | {"rts", "rtl"}
"""A remark at these is about them and not about what follows."""
_PREPARES_WORDS = (
    "inx iny dex dey lda ldx ldy tcd tcs tdc tsc tsx txs clc cld cli clv sec sed sei"
)
_PREPARES = _KEEPS | _MOVES | frozenset(_PREPARES_WORDS.split())
"""What only prepares what follows: a remark there, too far from the act it is about,
would name the wrong one.
"""
_HOUSEKEEPING = re.compile(
    r"(?i)\b(preserve|flags?|bits?|(8|16)[- ]?bit|width|bank|keep|save|push|stack"
    r"|restore)\b"
)
_ELSEWHERE = re.compile(
    r"(?i)^see (notes?|comments?) (in|at|for) \S+:\s*|\s+(;|<-)\s.*$"
)
_DOUBT = re.compile(
    r"(?i).*\?[\s.]*$|(todo|fixme|xxx|hack|wtf|optimi\w+)\b"
    r"|[-\s]*udlr\b.*|.*\b(we don'?t|(don'?t|no) (even )?need|no idea|dunno"
    r"|i (think|guess)|hacky?)\b"
)
"""A question, and what an author tells himself."""
_COUNTING = frozenset(("inx", "iny", "dex", "dey", "bne", "bpl"))
_HALF = re.compile(
    r"(?i)\$[0-9a-f]{4}:|\.\.|.*\.\.\s*$|(that|which|than|of|and|or)\b"
    r"|(if|when|unless|until|while)\b(?!.*(,|:|\bthen\b))"
)
"""A remark that goes on at another line, or tells under which condition: of the act it
stands at it would say something else.
"""


def opening(unit: Unit) -> tuple[int, str]:
    """(line, text) of a comment that stands before the first instruction of a routine,
    where that only saves something: it is about the whole routine.
    """
    first = next((line for line in unit.block.lines[1:] if line.code.strip(" {")), None)
    line, code, said = next(iter(unit.block.remarks), (0, "", ""))
    fits = (
        first is not None
        and line == first.number
        and bool(_SETS_UP.intersection(mnemonics(code)[:1]))
    )
    fits = fits and comments.words(said) >= 3 and not _HOUSEKEEPING.search(said)
    return (line, comments.sentence(said[:1].upper() + said[1:])) if fits else (0, "")


def remarks_of(project: Project, unit: Unit) -> dict[int, tuple[str, str]]:
    """Line -> (code, remark) for the remarks a step may be told with."""
    own = {said for _, said in project.notes(unit)}
    remarks = {
        line: (code, _ELSEWHERE.sub("", _unboxed(said)))
        for line, code, said in unit.block.remarks
        if said in own and not _idle_remark(code, said)
    }
    for line in list(remarks):
        # a bracket beside a loop: its words are not about the line they stand at
        drawn = comments.drawn(unit.block.lines[line - unit.block.first].comment)
        if drawn and _COUNTING.intersection(mnemonics(remarks[line][0])[:1]):
            del remarks[line]
    # the opening remark is told above the steps
    remarks.pop(opening(unit)[0], None)
    return remarks


def _unboxed(said: str) -> str:
    """A remark without the edge of a box that is drawn around several: `#| text`."""
    text = said.lstrip("|\\/ ")
    drawn = text[:1] == "#" and text[1:2] in "|\\/ "
    return text.lstrip("#|\\/ ") if drawn else text


def _idle_remark(code: str, said: str) -> bool:
    """Whether a remark stands at data, doubts, is half of one, or tells only what is
    saved.
    """
    words = mnemonics(code)
    if DATA.keys() & words[:1] or _DOUBT.match(said) or _HALF.match(said):
        return True
    return bool(words) and _KEEPS.issuperset(words)


def mnemonics(code: str) -> list[str]:
    """The first words of the statements of a line of code, without sizes."""
    (line,) = lex((code,))
    return [s.word.split(".", 1)[0] for s in line.statements if s.word]


def moved(
    steps: list[LineActions], remarks: dict[int, tuple[str, str]]
) -> dict[int, tuple[str, str]]:
    """A remark at a line that only loads or compares belongs to the act that follows
    within two lines.
    """
    lines = [step.line for step in steps]
    moved: dict[int, tuple[str, str]] = {}
    for line, remark in remarks.items():
        target = next((other for other in lines if line <= other <= line + 2), line)
        if _STAYS.intersection(mnemonics(remark[0])[:1]):
            target = line
        code, said = moved.get(target, ("", ""))
        moved[target] = (
            code or remark[0],
            f"{said.rstrip('.')}; {remark[1]}" if said else remark[1],
        )
    return moved


def with_remarks(
    steps: list[LineActions], remarks: dict[int, tuple[str, str]]
) -> list[LineActions]:
    """The steps, and a step without acts for a remark of three words
    that stands at none.
    """
    lines = (
        (line, code)
        for line, (code, said) in remarks.items()
        if comments.words(said) >= 3
    )
    told = {step.line for step in steps}
    left = {line for line, code in lines if line not in told and _does_something(code)}
    return sorted(
        [*steps, *(LineActions(line, "", ()) for line in left)],
        key=lambda step: step.line,
    )


def _does_something(code: str) -> bool:
    """Whether a line begins with an instruction or a macro that more than prepares."""
    first = next(iter(mnemonics(code)), "")
    known = first in MNEMONICS or first.startswith("%")
    return known and first not in _PREPARES
