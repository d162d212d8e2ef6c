"""Find the bug: a routine with one instruction made wrong, what it should do and what
it does instead, and the fix.

The fix is the routine as the codebase has it. Each slip is checked: the steps of the
two texts differ in one step, or the walk over all paths finds what the slip breaks.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple

from afs_stages.asm.effects import PULLS
from afs_stages.asm.opcode_table import assemble
from afs_stages.codebase.facts.actions import Action
from afs_stages.codebase.facts.callers import CALLED
from afs_stages.codebase.facts.operands import immediate
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import choose, quoted
from afs_stages.codebase.facts.sound import (
    Instruction,
    SoundRoutine,
    flow_of,
    in_words,
    replaced,
    returns_of,
    ways_of,
    written_like,
)
from afs_stages.codebase.tell.draft import Draft, about, fenced

LONGEST_STEP = 200
"""Characters of a step that is told as what should happen."""
MOST_TRIES = 6
MOST_ALIKE = 2
"""Routines in which the same instruction was changed, with the same words for it."""
"""Slips that are tried in one routine."""

_SWAPS = {
    "beq": "bne",
    "bne": "beq",
    "bcc": "bcs",
    "bcs": "bcc",
    "bmi": "bpl",
    "bpl": "bmi",
    "inc": "dec",
    "dec": "inc",
    "inx": "dex",
    "dex": "inx",
    "iny": "dey",
    "dey": "iny",
    "adc": "sbc",
    "sbc": "adc",
    "and": "ora",
    "ora": "and",
    "asl": "lsr",
    "lsr": "asl",
}
_REGISTERS = {
    "plx": "X",
    "ply": "Y",
    "pla": "A",
    "plb": "the data bank",
    "plp": "the status flags",
    "pld": "the direct page",
}

_OF_A_WRONG = (
    "I typed {name} from memory and made one mistake. {should} Find the mistake.",
    "This version of {name} misbehaves. {should} Which instruction is at fault?",
    "Somebody changed one instruction of {name}. {should} What has to be mended?",
    "One line of this copy of {name} is wrong. {should} Say which, and mend it.",
)
_OF_A_LOST = (
    "My copy of {name} crashes on its way back. What did I forget?",
    "After a call of this {name} the game jumps nowhere. What is missing?",
    "Why does this version of {name} not return to its caller?",
    "There is an instruction missing in this {name}. {should} Which one?",
)


class _Slip(NamedTuple):
    """A wrong text, what is right and wrong at the place, and why."""

    text: str
    where: Instruction
    wrong: str
    right: str
    should: str
    does: str


@dataclass(frozen=True)
class _Case:
    """A routine and what is needed to judge a slip in it."""

    project: Project
    routine: SoundRoutine

    @property
    def unit(self) -> Unit:
        return self.routine.unit


_Make = Callable[[_Case, Instruction], _Slip | None]


def drafts(
    project: Project,
    routines: Iterable[SoundRoutine],
    asked: Set[str],
) -> Iterator[Draft]:
    """One bug a routine, where one can be told for certain; of the routines that are
    `asked` about otherwise, by name, every third. Of slips that are alike, a few.
    """
    told: Counter[tuple[str, str, str]] = Counter()
    for routine in routines:
        name = routine.unit.block.name
        if name in asked and choose(("yes", "no", "no"), name) == "no":
            continue
        slip = _slip(_Case(project, routine))
        if slip is None:
            continue
        kind = (slip.wrong, slip.right, slip.should)
        told[kind] += 1
        if told[kind] <= MOST_ALIKE:
            yield _draft(routine, slip)


def _slip(case: _Case) -> _Slip | None:
    """The first slip that can be told, tried in an order that its name decides."""
    tried: list[tuple[str, _Make, Instruction]] = []
    for make, mnemonics in _TRIED_AT.items():
        for one in case.routine.instructions:
            if one.word in mnemonics:
                key = f"{case.unit.block.name} {make.__name__} {one.at}"
                tried.append((_hash(key), make, one))
    tried.sort(key=lambda entry: entry[0])
    for _, make, one in tried[:MOST_TRIES]:
        slip = make(case, one)
        if slip is not None and assemble(slip.text).state in ("ok", "stubs"):
            return slip
    return None


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _swapped(case: _Case, one: Instruction) -> _Slip | None:
    """The opposite instruction, where what the two texts do differs in one line."""
    text, right = case.unit.block.text, case.routine.acts
    place = case.routine.line(one)
    if place not in (line for line, _ in right):
        return None  # what is told of the line would not be what is wrong
    if immediate(one.statement.rest) == 0xFF:
        return None  # a mask of all bits is told by no word
    written = text.split("\n")[one.row][one.start : one.end]
    size = written[len(one.word) :]
    other = written_like(written[: len(one.word)], _SWAPS[one.word]) + size
    wrong_text = replaced(text, one.row, one.start, one.end, other)
    wrong = case.routine.acts_with(wrong_text)
    if [line for line, _ in right] != [line for line, _ in wrong]:
        return None
    differing = [at for at in range(len(right)) if right[at] != wrong[at]]
    if len(differing) != 1:
        return None
    line, acts = right[differing[0]]
    pair = _one_act(acts, wrong[differing[0]][1])
    if pair is None:
        return None
    should, does = in_words(pair[:1]), in_words(pair[1:])
    told = not any(act.vague or act.nowhere for act in pair)
    if not told or not _is_short(should) or not _is_short(does) or line != place:
        return None
    instead = other + one.written[len(written) :]
    if any(found.written == instead for found in case.routine.instructions):
        return None  # the answer would name two lines
    return _Slip(
        text=wrong_text,
        where=one,
        wrong=instead,
        right=one.written,
        should=f"The right one {should}.",
        does=f"Now it {does}.",
    )


def _one_act(
    right: tuple[Action, ...], wrong: tuple[Action, ...]
) -> tuple[Action, Action] | None:
    """The one act in which two lines differ, where the right line does it once."""
    if len(right) != len(wrong):
        return None
    pairs = [(a, b) for a, b in zip(right, wrong, strict=True) if a != b]
    if len(pairs) != 1 or right.count(pairs[0][0]) != 1:
        return None
    return pairs[0]


def _is_short(clause: str) -> bool:
    """Whether a clause can stand in a question, and asks for no half of A."""
    return len(clause) <= LONGEST_STEP and " on B" not in clause


def _lost_pull(case: _Case, one: Instruction) -> _Slip | None:
    """A pull left out, where a register is saved and restored on every path."""
    routine, unit = case.routine, case.unit
    rows = unit.block.text.split("\n")
    before, behind = rows[one.row][: one.start], rows[one.row][one.end :]
    alone = not before.strip() and not behind.split(";")[0].strip()
    saved = one.word[2] in routine.flow.saves
    once = sum(other.word == one.word for other in routine.instructions) == 1
    # the next pull would take what this one leaves
    last = not any(o.word in PULLS and o.at > one.at for o in routine.instructions)
    if not (alone and saved and once and last):
        return None
    wrong_text = "\n".join(rows[: one.row] + rows[one.row + 1 :])
    flow = flow_of(case.project, unit, wrong_text)
    left = [found for found in flow.exits if found.last.stack]
    if not flow.whole or len(left) != len(flow.exits):
        return None
    register, push = _REGISTERS[one.word], f"PH{one.word[2].upper()}"
    returned = " or ".join(sorted({found.kind for found in left}))
    return _Slip(
        text=wrong_text,
        where=one,
        wrong="",
        right=one.written,
        should=f"It should give {register} back to its caller as it was.",
        does=(
            f"{push} leaves {register} on the stack, where {returned} looks for the "
            "return address."
        ),
    )


def _wrong_return(case: _Case, one: Instruction) -> _Slip | None:
    """RTS for RTL or the reverse, where the only return answers how it is called."""
    if len(returns_of(case.routine)) != 1 or not case.routine.returns_only:
        return None
    calling = {"rtl": "jsl", "rts": "jsr"}[one.word]
    name = case.unit.block.name
    callers = case.project.reached_from(name, CALLED)
    if not callers or ways_of(case.project, name, callers) != {calling}:
        return None
    other = "rts" if one.word == "rtl" else "rtl"
    text = case.unit.block.text
    written = text.split("\n")[one.row][one.start : one.end]
    pushed, taken = ("three", "two") if calling == "jsl" else ("two", "three")
    new = written_like(written, other)
    wrong_text = replaced(text, one.row, one.start, one.end, new)
    call, wrong = calling.upper(), other.upper()
    should = f"It is called by {call}, from {quoted(callers, 3)}."
    does = f"{call} pushes {pushed} bytes, {wrong} takes {taken}."
    return _Slip(wrong_text, one, new, one.written, should, does)


_TRIED_AT: dict[_Make, frozenset[str]] = {
    _swapped: frozenset(_SWAPS),
    _lost_pull: frozenset(_REGISTERS),
    _wrong_return: frozenset(("rts", "rtl")),
}


def _draft(routine: SoundRoutine, slip: _Slip) -> Draft:
    block = routine.unit.block
    name = f"`{block.name}`"
    phrasings = _OF_A_WRONG if slip.wrong else _OF_A_LOST
    if slip.wrong:
        fix = f"`{slip.wrong}` has to be `{slip.right}`."
    else:
        fix = f"A `{slip.right}` is missing."
    question = choose(phrasings, block.text).format(name=name, should=slip.should)
    place = f"`{block.file}`, line {routine.line(slip.where)}"
    answer = f"{fix} {slip.does}\n\nRight ({place}):\n\n{fenced(block.text)}"
    return about(block, "asm_bug", question, answer, slip.text)
