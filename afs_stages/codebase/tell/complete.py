"""Complete the code: the beginning of a routine, what is still to do, and the rest.

Asked only where what is to be done tells every number and name of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from afs_stages.asm.effects import PULLS, PUSHES
from afs_stages.codebase.facts.questions import choose, listing, only_if
from afs_stages.codebase.facts.sound import Acts, SoundRoutine, in_words
from afs_stages.codebase.read.routines import dedent
from afs_stages.codebase.tell.draft import Draft, about, fenced
from afs_stages.codebase.tell.faithfulness import left_out

ONE_IN = 3
"""Of so many routines one is asked for."""
LEAST_LEFT, MOST_LEFT = 3, 8
"""Lines that do something, in the part that is missing."""
LEAST_SHOWN = 3
"""Lines that do something, in the part that is shown."""

_UNASKED = frozenset(("rep", "sep", *PUSHES, *PULLS))
"""Widths and the stack: what is to be done does not tell when they change."""

_QUESTIONS = (
    "Complete {name} ({place}). What is still missing, in order:",
    "I have written the beginning of {name} for {place}. Go on from here; it still has "
    "to do this:",
    "Finish this routine, {name} of {place}. The rest:",
    "{name} ({place}) breaks off in my copy. Write what follows. Left to do:",
)


def drafts(routines: Iterable[SoundRoutine]) -> Iterator[Draft]:
    """One in three of the routines that can be told so."""
    numbers = [str(number) for number in range(ONE_IN)]
    for routine in routines:
        if choose(numbers, f"complete {routine.unit.block.name}") != "0":
            continue
        acts = routine.acts
        at = _cut(routine, acts)
        if at:
            yield _draft(routine, acts, at)


def _cut(routine: SoundRoutine, acts: Acts) -> int:
    """How many of the acts are shown: as near to half of them as what follows can be
    told whole; 0 where it cannot anywhere.
    """
    half = len(acts) // 2
    first = max(LEAST_SHOWN, len(acts) - MOST_LEFT)
    places = range(first, len(acts) - LEAST_LEFT + 1)
    fitting = [at for at in places if _is_told(routine, acts, at)]
    return min(fitting, key=lambda at: (abs(at - half), at), default=0)


def _is_told(routine: SoundRoutine, acts: Acts, at: int) -> bool:
    """Whether the acts from one on tell all that stands below the act before it."""
    last = acts[at - 1][0]
    following = acts[at:]
    unsure = any(act.vague or act.nowhere for _, done in following for act in done)
    lines = tuple(line for line in routine.unit.block.lines if line.number > last)
    words = {s.word.split(".", 1)[0] for line in lines for s in line.statements}
    inside = following[0][0] == last  # of a line with a label in its middle
    if inside or unsure or not routine.plain or words & _UNASKED:
        return False
    return not left_out(lines, _to_do(routine, following, last))


def _to_do(routine: SoundRoutine, acts: Acts, above: int) -> list[str]:
    """What is to be done below a line, an entry a line of code, with the labels it
    stands at.
    """
    found = []
    for number, done in acts:
        lines = (li for li in routine.unit.block.lines if above < li.number <= number)
        found_there = (
            label for li in lines for s in li.statements for label in s.labels
        )
        labels = [label for label in found_there if not label.startswith("#_")]
        at = f"at {listing([f'`{label}`' for label in labels])}: " if labels else ""
        found.append(f"{at}{in_words(done)}")
        above = number
    return found


def _draft(routine: SoundRoutine, acts: Acts, at: int) -> Draft:
    block = routine.unit.block
    last = acts[at - 1][0]
    shown = [line.text for line in block.lines if line.number <= last]
    rest = [line.text for line in block.lines if line.number > last]
    name = f"`{block.name}`{only_if(block.condition)}"
    lead = choose(_QUESTIONS, block.text).format(name=name, place=f"`{block.file}`")
    to_do = _to_do(routine, acts[at:], last)
    listed = "\n".join(f"{number}. {said}" for number, said in enumerate(to_do, 1))
    return about(
        block, "asm_complete", f"{lead}\n{listed}", fenced(dedent(rest)), dedent(shown)
    )
