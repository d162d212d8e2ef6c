"""Change the routine so that …: a request and the changed routine.

Each change is checked before it is told: the new text assembles by the table, and what
its lines do differs from the old one as asked and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from afs_stages.asm.isa import WRITES
from afs_stages.asm.lexer import split_comment
from afs_stages.asm.opcode_table import assemble
from afs_stages.asm.operand import read_operand
from afs_stages.asm.places import region
from afs_stages.codebase.facts.operands import immediate
from afs_stages.codebase.facts.project import Project
from afs_stages.codebase.facts.questions import choose
from afs_stages.codebase.facts.sound import (
    Acts,
    Instruction,
    SoundRoutine,
    replaced,
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


def drafts(project: Project, routines: Iterable[SoundRoutine]) -> Iterator[Draft]:
    """One change of each routine, where one can be told for certain: another value for
    a variable.
    """
    for routine in routines:
        yield from _other_value(project, routine)


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
        alone = _goes_nowhere_else(routine, one)
        if not alone or not _sets_a_variable_once(project, routine, one):
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
        chosen = choose(_OF_A_VALUE, unit.block.text)
        question = chosen.format(name=name, place=place, old=old, now=now)
        yield _draft(routine, question, answer, _uncommented(text, one.row))
        return


def _uncommented(text: str, row: int) -> str:
    """A text without the comment of one line and the comments right above it: they are
    about what stood there.
    """
    rows = text.split("\n")
    rows[row] = split_comment(rows[row])[0].rstrip()
    while row > 0 and rows[row - 1].lstrip().startswith(";"):
        del rows[row - 1]
        row -= 1
    return "\n".join(rows)


def _goes_nowhere_else(routine: SoundRoutine, load: Instruction) -> bool:
    """Whether a loaded value is replaced behind the one store that follows, and nothing
    else may use it, a label, a macro or a caller among them.
    """
    register = load.word[2]
    by_place = {one.at: one for one in routine.instructions}
    stores, at = 0, load.at + 1
    while at in by_place and not by_place[at].statement.labels:
        one = by_place[at]
        if one.word == f"st{register}" and not stores:
            stores = 1
        elif one.word == f"ld{register}":
            return bool(stores)
        elif one.word not in _LEAVE_ALONE[register] or _by(one, register):
            return False
        at += 1
    return False


def _sets_a_variable_once(
    project: Project, routine: SoundRoutine, load: Instruction
) -> bool:
    """Whether the store of a loaded value is the routine's only write to its place,
    and the place is a variable with a name: a number of a register or a part of a
    pointer is nobody's to change.
    """
    stores = [one for one in routine.instructions if one.word in WRITES]
    storing = f"st{load.word[2]}"
    store = next(one for one in stores if one.at > load.at and one.word == storing)
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
