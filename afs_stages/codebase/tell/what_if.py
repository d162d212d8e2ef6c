"""What if a branch is taken: where it leads, and what does not run then.

Told is what no path from the place the branch leads to can reach, read off the control
flow, whatever the values are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from afs_stages.asm.isa import WRITES
from afs_stages.asm.operand import Operand, read_operand
from afs_stages.asm.places import canonical
from afs_stages.codebase.facts.conditions import CONDITIONS
from afs_stages.codebase.facts.questions import choose, listing, only_if
from afs_stages.codebase.facts.sound import (
    Instruction,
    SoundRoutine,
    in_words,
)
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.tell.draft import Draft, about
from afs_stages.codebase.tell.name_lookup import NameLookup

_BRANCHES = frozenset(word for _, word in CONDITIONS)
_CONDITION = re.compile(r" (if .+)$")
LONGEST_CONDITION = 120
MOST_NAMED = 6
"""Calls and writes that an answer lists; where there are more, none is told whole."""
_JUMPS = frozenset(("bra", "brl", "jmp", "jml"))
_FRESH = {
    "a": frozenset(("lda", "inc", "dec", "jsr", "jsl")),
    "x": frozenset(("ldx", "inx", "dex")),
    "y": frozenset(("ldy", "iny", "dey")),
}
"""What gives a register or a place a new value to be tested."""
_COUNTED = frozenset(("inc", "dec", "inx", "dex", "iny", "dey"))
_TAKING = frozenset(("lda", "ldx", "ldy", "cmp", "cpx", "cpy", "bit", "inc", "dec"))

_QUESTIONS = (
    "What does {name} leave out {taken}?",
    "In {name}, what happens {taken}?",
    "When I step through {name}, {branch} is taken. What is skipped by that?",
    "Name a condition under which {name} comes past its {first}.",
    "Suppose the branch in line {row} of {name} is taken. What does not run then?",
)


@dataclass(frozen=True)
class _Branch:
    """A branch, when it is taken, and what runs only where it is not."""

    where: Instruction
    condition: str
    target: str
    skipped: tuple[str, ...]


def drafts(words: NameLookup, routines: Iterable[SoundRoutine]) -> Iterator[Draft]:
    """One branch a routine."""
    for routine in routines:
        branches = list(_branches(words, routine)) if routine.plain else []
        asked = Counter(branch.condition for branch in branches)
        written = Counter(one.written for one in routine.instructions)
        branches = [
            branch
            for branch in branches
            if asked[branch.condition] == written[branch.where.written] == 1
        ]
        if branches:
            names = [str(number) for number in range(len(branches))]
            chosen = branches[int(choose(names, routine.unit.block.name))]
            yield _draft(routine, chosen)


def _branches(words: NameLookup, routine: SoundRoutine) -> Iterator[_Branch]:
    """The branches that leave something out, with a condition that can be said."""
    acts = dict(routine.acts)
    per_line: dict[int, int] = {}
    for one in routine.instructions:
        per_line[one.row] = per_line.get(one.row, 0) + (one.word in _BRANCHES)
    for one in routine.instructions:
        if one.word not in _BRANCHES or per_line[one.row] != 1:
            continue
        last = acts.get(routine.line(one), ())[-1:]
        found = _CONDITION.search(in_words(last))
        condition = found.group(1) if found else ""
        vague = not condition or "the earlier" in condition
        vague = vague or any(act.vague or act.nowhere for act in last)
        if vague or len(condition) > LONGEST_CONDITION:
            continue
        following = routine.following[one.at]
        if len(following) != 2:
            continue
        if one.at > 0 and not _on_every_path(routine, one.at):
            continue
        gone, stayed = map(routine.reachable, following)
        if _leaves(routine, gone) or not _is_first_test(words, routine, one):
            continue
        # what may have run before the branch is not skipped by it
        left_out = _only_after(routine, one.at, stayed - gone)
        skipped = _effects(words, routine, left_out)
        # what is done elsewhere too is left out by no branch
        elsewhere = {other.at for other in routine.instructions} - left_out
        alone = not skipped.keys() & _effects(words, routine, elsewhere).keys()
        if alone and 0 < len(skipped) <= MOST_NAMED:
            told = tuple(skipped.values())
            yield _Branch(one, condition, one.statement.rest, told)


def _on_every_path(routine: SoundRoutine, at: int) -> bool:
    """Whether a routine cannot end without coming by a branch: else what is asked of
    the routine would hold on some of its paths alone.
    """
    others = routine.reachable(0, without=at)
    return all(routine.following[place] for place in others)


def _only_after(routine: SoundRoutine, at: int, places: frozenset[int]) -> set[int]:
    """Those places from which no path leads to a branch (again)."""
    return {place for place in places if at not in routine.reachable(place)}


def _leaves(routine: SoundRoutine, places: Iterable[int]) -> bool:
    """Whether a jump or a branch at one of these places goes out of the routine."""
    by_place = {one.at: one.word for one in routine.instructions}
    for at in places:
        word = by_place.get(at, "")
        if word in _BRANCHES and len(routine.following[at]) != 2:
            return True
        if word in _JUMPS and not routine.following[at]:
            return True
    return False


def _place(words: NameLookup, operand: Operand) -> str:
    """The place an operand names, one for all its spellings; "" for none."""
    if operand.mode in ("none", "immediate"):
        return ""
    value = evaluate(operand.base, words.project.program.value)
    return operand.base if value is None else str(canonical(value))


def _is_first_test(
    words: NameLookup, routine: SoundRoutine, branch: Instruction
) -> bool:
    """Whether what a branch tests is loaded right before, and no instruction that may
    run earlier takes the same place: no value has been sent elsewhere then.
    """
    by_place = {one.at: one for one in routine.instructions}
    if branch.at - 1 in by_place and by_place[branch.at - 1].word in _COUNTED:
        return False  # the question would be of the value before it was counted
    fresh: frozenset[str] = frozenset().union(*_FRESH.values())
    taken: set[str] = set()
    at, compared = branch.at, False
    while at in by_place:
        one = by_place[at]
        if one.word in _BRANCHES and one is not branch:
            return False
        if one.word in ("cmp", "cpx", "cpy", "bit", "and") and not compared:
            compared = True
            fresh = _FRESH[{"cpx": "x", "cpy": "y"}.get(one.word, "a")]
        if one is not branch:
            taken.add(_place(words, read_operand(one.statement.rest)))
        if one.word in fresh:
            before = (i for i in routine.instructions if i.word in _TAKING)
            before = (i for i in before if not one.at <= i.at <= branch.at)
            places = [i for i in before if one.at in routine.reachable(i.at)]
            met = {_place(words, read_operand(i.statement.rest)) for i in places}
            return not met & (taken - {""})
        if one.statement.labels:
            return False
        at -= 1
    return False


def _effects(
    words: NameLookup, routine: SoundRoutine, places: Iterable[int]
) -> dict[tuple[str, ...], str]:
    """What the statements at these places call and write, in order: what it is, the
    same for all spellings of a place, and as text.
    """
    wanted = set(places)
    found: dict[tuple[str, ...], str] = {}
    for one in routine.instructions:
        if one.at not in wanted:
            continue
        operand = read_operand(one.statement.rest)
        idle = operand.mode in ("none", "immediate") or operand.base.upper() == "A"
        if one.word in ("jsr", "jsl"):
            what = "call of"
        elif one.word in ("jmp", "jml") and not _is_inside(operand):
            what = "jump to"
        elif one.word in WRITES and not idle and "S" not in operand.index:
            what = "write to"
        else:
            continue
        place = _place(words, operand)
        key = (what, operand.mode, place, operand.inner, operand.index)
        found.setdefault(key, f"the {what} `{operand.text}`")
    return found


def _is_inside(operand: Operand) -> bool:
    """Whether a jump goes to a local label."""
    return operand.mode == "direct" and (
        operand.local or set(operand.base) <= {"+"} or set(operand.base) <= {"-"}
    )


def _draft(routine: SoundRoutine, branch: _Branch) -> Draft:
    block = routine.unit.block
    name, taken = f"`{block.name}`", branch.condition
    first = branch.skipped[0].removeprefix("the ")
    question = choose(_QUESTIONS, block.text).format(
        name=name,
        taken=taken,
        first=first,
        branch=branch.where.written,
        row=branch.where.row + 1,
    )
    line = routine.line(branch.where)
    place = f"(`{block.file}`, line {line}){only_if(block.condition)}"
    answer = (
        f"`{branch.where.written}` {place} is taken {taken} and leads to "
        f"`{branch.target}`. "
        f"That skips {listing(branch.skipped)}."
    )
    return about(block, "asm_what_if", question, answer, block.text)
