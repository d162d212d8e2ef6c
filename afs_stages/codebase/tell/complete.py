"""Complete the code: the beginning of a routine, what is still to do, and the rest.

Asked only where what is to be done tells every number and name of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from afs_stages.asm.effects import CALL_RETURNS, LEAVES, PULLS, PUSHES, RETURNING
from afs_stages.asm.lexer import Line
from afs_stages.codebase.facts.questions import choose, listing, only_if
from afs_stages.codebase.facts.sound import Acts, SoundRoutine, in_words
from afs_stages.codebase.tell.draft import Draft, about, fenced
from afs_stages.codebase.tell.faithfulness import left_out

ONE_IN = 3
"""Of so many routines one is asked for."""
LEAST_LEFT, MOST_LEFT = 3, 8
"""Lines that do something, in the part that is missing."""
LEAST_SHOWN = 3
"""Lines that do something, in the part that is shown."""

_UNASKED = frozenset(("rep", "sep", "xba", *PUSHES, *PULLS))
"""Widths, the other half of A and the stack: what is to be done does not tell when
they change.
"""

_WAYS = RETURNING | CALL_RETURNS.keys()
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
    found = [s.word.split(".", 1)[0] for line in lines for s in line.statements]
    words = [word for word in found if word not in ("", "{", "}")]
    inside = following[0][0] == last  # of a line with a label in its middle
    runs_on = not LEAVES.intersection(words[-1:])
    if inside or runs_on or unsure or not routine.plain:
        return False
    if _UNASKED.intersection(words):
        return False
    return not left_out(lines, _to_do(routine, following, last))


def _to_do(routine: SoundRoutine, acts: Acts, above: int) -> list[str]:
    """What is to be done below a line, an entry a line of code, with the labels it
    stands at.
    """
    found = []
    for number, done in acts:
        every = routine.unit.block.lines
        lines = [line for line in every if above < line.number <= number]
        statements = (s for line in lines for s in line.statements)
        there = (label for statement in statements for label in statement.labels)
        labels = [label for label in there if not label.startswith("#_")]
        at = f"at {listing([f'`{label}`' for label in labels])}: " if labels else ""
        found.append(f"{at}{in_words(done)}{_ways(lines)}")
        above = number
    return found


def _ways(lines: Iterable[Line]) -> str:
    """How lines call and return: a far call answered by a near return crashes."""
    words = (s.word.split(".", 1)[0] for line in lines for s in line.statements)
    ways = [word.upper() for word in words if word in _WAYS]
    return f" ({', '.join(ways)})" if ways else ""


def _draft(routine: SoundRoutine, acts: Acts, at: int) -> Draft:
    block = routine.unit.block
    last = acts[at - 1][0]
    rows = block.text.split("\n")
    cut = last - block.first + 1
    shown, rest = "\n".join(rows[:cut]), "\n".join(rows[cut:]).strip("\n")
    name = f"`{block.name}`{only_if(block.condition)}"
    lead = choose(_QUESTIONS, block.text).format(name=name, place=f"`{block.file}`")
    to_do = _to_do(routine, acts[at:], last)
    listed = "\n".join(f"{number}. {said}" for number, said in enumerate(to_do, 1))
    return about(block, "asm_complete", f"{lead}\n{listed}", fenced(rest), shown)
