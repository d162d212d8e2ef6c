"""Who reaches a routine, and how: read off every line of code, also of routines that
are too long to be told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from afs_stages.asm.isa import CALLS
from afs_stages.asm.lexer import Statement
from afs_stages.asm.operand import read_operand
from afs_stages.codebase.facts.machine import BRANCHES
from afs_stages.codebase.read.nodes import AsmFile, Label, Org

CALLED, GONE_TO, LISTED = "called", "gone to", "listed"
_ENDS = frozenset(("org", "pushpc", "pullpc"))


def references(file: AsmFile) -> Iterator[tuple[str, str, str]]:
    """(name, routine or table that names it, how) for every call, jump and table entry
    of a file; "" for what names it in code without a label. What stands behind an `org`
    without a label is a patch and no routine.
    """
    starts = [label.line for label in file.labels]
    cut, pool = 0, ""
    for line in file.lines:
        if line.number in file.macro_at or line.number in file.foreign:
            continue
        cut = line.number if _ends(line.statements) else cut
        above = file.labels[: bisect_right(starts, line.number)]
        known = pool or _owner(file, above, line.number, cut)
        owner = "" if line.number in file.unnamed else known
        for statement in line.statements:
            if statement.word == "pool":
                # data that the routine named here keeps for itself
                first = statement.rest.split()[:1]
                pool = "" if first == ["off"] else "".join(first)
            for name, how in _names(statement) if known else ():
                yield name, owner, how


def from_patches(file: AsmFile) -> Iterator[tuple[str, Org, int]]:
    """(name, the `org`, line) for what calls and jumps behind an `org` without a label
    lead to, however far behind it they stand.
    """
    orgs = {org.line: org for org in file.orgs}
    labels = {label.line for label in file.labels}
    org: Org | None = None
    for line in file.lines:
        if line.number in file.macro_at or line.number in file.foreign:
            continue
        moved = any(item.word in ("pushpc", "pullpc") for item in line.statements)
        org = None if moved or line.number in labels else org
        org = orgs.get(line.number, org)
        for statement in line.statements if org is not None else ():
            for name, how in _names(statement):
                if org is not None and name and how != LISTED:
                    yield name, org, line.number


def _owner(file: AsmFile, above: Sequence[Label], line: int, cut: int) -> str:
    """The last label above a line and behind `cut`, but for those of blocks that are
    closed already.
    """
    for label in reversed(above):
        if label.line <= cut:
            break
        if not file.is_closed(label, line):
            return label.name
    return ""


def _ends(statements: tuple[Statement, ...]) -> bool:
    return any(statement.word in _ENDS for statement in statements)


def _names(statement: Statement) -> Iterator[tuple[str, str]]:
    """The names a statement leads to, and how."""
    word = statement.word.split(".", 1)[0]
    if word in ("dw", "dl"):
        for part in statement.rest.split(","):
            yield read_operand(part.removesuffix("-1")).name, LISTED
    elif word in CALLS or word in BRANCHES:
        operand = read_operand(statement.rest)
        if operand.mode == "direct":
            yield operand.name, CALLED if word in ("jsr", "jsl") else GONE_TO
