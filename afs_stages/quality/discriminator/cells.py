"""A statement at three grains, and the registers it reads and writes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from afs_stages.core.memo import ENTRIES
from afs_stages.quality.discriminator.tokens import operand_units, unit_class
from afs_stages.quality.registers import registers
from afs_stages.quality.syntax import Statement


class Cell(NamedTuple):
    """`exact` has the operand as written, `general` its form, `head` the mnemonic
    alone; registers are A X Y C N.
    """

    exact: str
    general: str
    head: str
    reads: str
    writes: str


@lru_cache(maxsize=ENTRIES)
def cell(statement: Statement) -> Cell:
    """The cell of a statement; labels, macros and data have no registers."""
    if statement.kind == "op":
        return _op_cell(statement)
    if statement.kind == "label":
        name = "local:" if statement.name[0] in ".+-?" else "global:"
    else:
        name = statement.kind + (
            statement.name.lower() if statement.kind in ("macro", "directive") else ""
        )
    return Cell(name, name, name, "", "")


def _op_cell(op: Statement) -> Cell:
    sized = f"{op.name}.{op.size}" if op.size else op.name
    if op.operand[:1] == ".":
        return Cell(
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
    return Cell(
        f"{sized} {op.operand.lower()}",
        f"{sized} {form}",
        op.name,
        *registers(op.name, op.operand),
    )
