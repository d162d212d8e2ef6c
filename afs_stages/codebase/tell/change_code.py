"""Change the routine so that …: a request and the changed routine.

Each change is checked before it is told: the new text assembles by the table, and the
walk over all paths, or what the lines do, differs from the old one as asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from afs_stages.asm.isa import WRITES
from afs_stages.asm.opcode_table import assemble
from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import region
from afs_stages.codebase.facts.callers import CALLED, GONE_TO, LISTED
from afs_stages.codebase.facts.operands import immediate
from afs_stages.codebase.facts.project import Project, Unit
from afs_stages.codebase.facts.questions import choose, quoted
from afs_stages.codebase.facts.sound import (
    Acts,
    Instruction,
    SoundRoutine,
    calls_come_back,
    flow_of,
    looks_at_stack,
    replaced,
    returns_of,
    ways_of,
    written_like,
)
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.tell.draft import Draft, about, fenced

VARIABLES = ("direct page", "WRAM", "SRAM")
"""Where a variable can be; a register or a byte of code is none."""
_LEAVE_ALONE = {
    "a": frozenset(
        ["stz", "inx", "iny", "dex", "dey", "ldx", "ldy", "stx", "sty", "clc", "sec"]
    ),
    "x": frozenset(["stz", "lda", "sta", "iny", "dey", "ldy", "sty", "clc", "sec"]),
    "y": frozenset(["stz", "lda", "sta", "inx", "dex", "ldx", "stx", "clc", "sec"]),
}
"""Instructions that neither use nor change a register, unless an operand is indexed by
it.
"""

_OF_A_VALUE = (
    "Change {name} so that it sets {place} to {now} instead of {old}.",
    "{name} puts {old} into {place}. I want {now} there. What do I edit?",
    "How do I make {name} write {now} to {place} where it writes {old} now?",
    "Let {place} get {now} rather than {old} in {name}.",
)
_OF_A_RETURN = (
    "Change {name} so that code in another bank can call it.",
    "I want to call {name} with JSL. What has to change?",
    "Turn {name} into a routine for long calls.",
    "Which edits make {name} callable from every bank?",
)


def drafts(project: Project, routines: Iterable[SoundRoutine]) -> Iterator[Draft]:
    """The changes of each routine that can be told for certain: one of a value, else
    one of what its caller may rely on.
    """
    entered_from_above = _fallen_into(project)
    for routine in routines:
        made = [
            *_other_value(project, routine),
            *_long_return(project, routine, entered_from_above),
        ]
        if made:
            yield made[_pick(routine.unit, len(made))]


def _fallen_into(project: Project) -> set[str]:
    """The routines that the code right before them may run into."""
    found = set()
    for before, unit in pairwise(project.units):
        if before.block.file != unit.block.file or before.block.kind != "routine":
            continue
        flow = project.control_flow(before)
        if not flow.whole or any(e.kind == "fall" for e in flow.exits):
            found.add(unit.block.name)
    return found


def _pick(unit: Unit, count: int) -> int:
    return int(choose([str(number) for number in range(count)], unit.block.name))


def _draft(routine: SoundRoutine, question: str, answer: str, text: str) -> Draft:
    block = routine.unit.block
    return about(
        block, "asm_change", question, f"{answer}\n\n{fenced(text)}", block.text
    )


def _assembles(text: str) -> bool:
    return assemble(text).state in ("ok", "stubs")


def _other_value(project: Project, routine: SoundRoutine) -> Iterator[Draft]:
    """Another constant for a variable, where the constant goes nowhere else and the
    routine sets the variable nowhere else.
    """
    unit = routine.unit
    for one in routine.instructions:
        number = immediate(one.statement.rest)
        literal = re.fullmatch(r"#\$([0-9A-Fa-f]{2})", one.statement.rest)
        if one.word not in ("lda", "ldx", "ldy") or literal is None or not number:
            continue
        returned = _straight_use(routine, one)
        if returned is None or not _sets_a_variable_once(project, routine, one):
            continue
        new = f"#${(number + 1) & 0xFF:02X}"
        text = replaced(unit.block.text, one.row, one.rest_start, one.rest_end, new)
        change = _one_set(routine.acts, routine.acts_with(text))
        if change is None or not _assembles(text):
            continue
        place, old, now = change
        if old != one.statement.rest[1:] or now != new[1:]:
            continue
        name = f"`{unit.block.name}`"
        line = routine.line(one)
        changed = one.written.replace(one.statement.rest, new)
        answer = (
            f"Line {line} of `{unit.block.file}` loads the value: `{one.written}` "
            f"becomes `{changed}`."
        )
        if returned:
            answer += f" The routine returns with that value in {returned} as well."
        chosen = choose(_OF_A_VALUE, unit.block.text)
        question = chosen.format(name=name, place=place, old=old, now=now)
        yield _draft(routine, question, answer, text)
        return


def _straight_use(routine: SoundRoutine, load: Instruction) -> str | None:
    """The register in which a loaded value is returned beside the one store that
    follows, "" where it is replaced there; None where something else may use it, a
    label or a macro among them.
    """
    register = load.word[2]
    by_place = {one.at: one for one in routine.instructions}
    stores, at = 0, load.at + 1
    while at in by_place and not by_place[at].statement.labels:
        one = by_place[at]
        if one.word == f"st{register}" and not stores:
            stores = 1
        elif one.word == f"ld{register}":
            return "" if stores else None
        elif one.word in ("rts", "rtl"):
            return register.upper() if stores else None
        elif one.word not in _LEAVE_ALONE[register] or _by(one, register):
            return None
        at += 1
    return None


def _sets_a_variable_once(
    project: Project, routine: SoundRoutine, load: Instruction
) -> bool:
    """Whether the first store behind a load is the routine's only write to that place,
    and the place is a variable with a name: a number of a register or a part of a
    pointer is nobody's to change.
    """
    stores = [one for one in routine.instructions if one.word in WRITES]
    store = next(one for one in stores if one.at > load.at)
    place = read_operand(store.statement.rest).base
    value = evaluate(place, project.program.value)
    if place[:1] in ("", "$") or value is None or region(value) not in VARIABLES:
        return False
    return sum(read_operand(o.statement.rest).base == place for o in stores) == 1


def _by(one: Instruction, register: str) -> bool:
    """Whether an operand is indexed by a register."""
    operand = read_operand(one.statement.rest)
    return register.upper() in (operand.index, operand.inner)


def _one_set(before: Acts, after: Acts) -> tuple[str, str, str] | None:
    """(variable, old, new) where two texts differ in what one act sets and in nothing
    else.
    """
    if [line for line, _ in before] != [line for line, _ in after]:
        return None
    differing = []
    for (_, old_acts), (_, new_acts) in zip(before, after, strict=True):
        if len(old_acts) != len(new_acts):
            return None
        pairs = zip(old_acts, new_acts, strict=True)
        differing += [(old, new) for old, new in pairs if old != new]
    if len(differing) != 1:
        return None
    old, new = differing[0]
    both_set = old.verb == new.verb == "sets" and old.what == new.what
    if not both_set or not old.value or not new.value:
        return None
    return old.what, old.value, new.value


def _reaches_each_return(routine: SoundRoutine) -> bool:
    """Whether each return of the text is one that a path comes to."""
    met = {found.last.at for found in routine.flow.exits}
    return met == {one.at for one in returns_of(routine)}


def _long_return(
    project: Project, routine: SoundRoutine, fallen_into: set[str]
) -> Iterator[Draft]:
    """RTL for RTS, for a routine that code of other banks is to call."""
    unit = routine.unit
    returns = returns_of(routine)
    name = unit.block.name
    short = routine.plain and all(e.kind == "RTS" for e in routine.flow.exits)
    short = short and _reaches_each_return(routine)
    callers = project.reached_from(name, CALLED)
    elsewhere = project.reached_from(name, GONE_TO) + project.reached_from(name, LISTED)
    others = elsewhere or project.hooks.get(name) or name in fallen_into
    if not short or not callers or others or routine.entered_inside:
        return
    if not calls_come_back(project, routine) or looks_at_stack(routine):
        return
    if ways_of(project, name, callers) != {"jsr"}:
        return
    rows = unit.block.text.split("\n")
    for one in reversed(list(returns)):
        row = rows[one.row]
        rts = row[one.start : one.end]
        rows[one.row] = f"{row[: one.start]}{written_like(rts, 'rtl')}{row[one.end :]}"
    text = "\n".join(rows)
    after = flow_of(project, unit, text)
    if not _assembles(text) or not all(e.kind == "RTL" for e in after.exits):
        return
    question = choose(_OF_A_RETURN, unit.block.text).format(name=f"`{name}`")
    many = "its return becomes RTL" if len(returns) == 1 else "each RTS becomes RTL"
    answer = (
        f"JSL pushes three bytes, so {many}. JSR becomes JSL in {quoted(callers, 5)}. "
        "Its data bank stays its caller's."
    )
    yield _draft(routine, question, answer, text)
