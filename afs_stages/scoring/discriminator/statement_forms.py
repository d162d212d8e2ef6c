"""A statement at three grains, and the registers it reads and writes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from afs_stages.asm.effects import registers
from afs_stages.asm.lexer import Statement
from afs_stages.core.memo import ENTRIES
from afs_stages.scoring.discriminator.tokens import operand_units, unit_class


class StatementForm(NamedTuple):
    """`exact` has the operand as written, `general` its form, `head` the mnemonic
    alone; registers are A X Y C N.
    """

    exact: str
    general: str
    head: str
    reads: str
    writes: str


@lru_cache(maxsize=ENTRIES)
def statement_form(statement: Statement) -> StatementForm:
    """The cell of a statement; labels, macros and data have no registers."""
    if statement.kind == "op":
        return _op_cell(statement)
    if statement.kind == "label":
        name = "local:" if statement.name[0] in ".+-?" else "global:"
    else:
        name = statement.kind + (
            statement.name.lower() if statement.kind in ("macro", "directive") else ""
        )
    return StatementForm(name, name, name, "", "")


def _op_cell(op: Statement) -> StatementForm:
    sized = f"{op.name}.{op.size}" if op.size else op.name
    if op.operand[:1] == ".":
        return StatementForm(
            sized + " .", sized + " .", op.name, *registers(op.name, op.operand)
        )
    units = operand_units(op.operand)
    forms = [
        unit if unit in ("x", "y", "s", "a") else unit_class(unit) for unit in units
    ]
    form = " ".join(
        unit if kind == "<unk>" else kind
        for unit, kind in zip(units, forms, strict=True)
    )
    return StatementForm(
        f"{sized} {op.operand.lower()}",
        f"{sized} {form}",
        op.name,
        *registers(op.name, op.operand),
    )
