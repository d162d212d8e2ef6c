"""What a routine's instructions say one by one: calls, variables, returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from afs_stages.asm.isa import CALLS, DATA, READS, RETURNS, WRITES
from afs_stages.asm.lexer import Line, Statement
from afs_stages.asm.operand import Operand, read_operand

_ACCUMULATOR = "A"
_MOVES_DIRECT_PAGE = ("tcd", "pld")


@dataclass
class Contract:
    """Facts of a routine, each list in order of first appearance and
    without repetition.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    macros: list[str] = field(default_factory=list)
    reads: list[Operand] = field(default_factory=list)
    """What is read, with its index; a pointer is read too where it is gone through."""
    writes: list[Operand] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    pushes: list[str] = field(default_factory=list)
    """The registers that are pushed, as the last letters of the instructions."""
    indexes: list[str] = field(default_factory=list)
    """X and Y, where an operand is indexed by them."""
    indexed: list[str] = field(default_factory=list)
    """The operands that are indexed by them, as written."""
    instructions: int = 0
    moves_direct_page: bool = False
    """Whether it sets the direct page: then `$2E` need not be the variable at $2E."""


def contract(lines: tuple[Line, ...]) -> Contract:
    """Read the contract off the lines of a routine."""
    found = Contract()
    for line in lines:
        for statement in line.statements:
            _read(statement, found)
    if found.moves_direct_page:
        found.reads = [operand for operand in found.reads if not _in_page(operand)]
        found.writes = [operand for operand in found.writes if not _in_page(operand)]
    return found


def _in_page(operand: Operand) -> bool:
    """Whether an operand is a number that is counted from the direct page."""
    return operand.literal is not None and operand.literal < 0x100


def _read(statement: Statement, found: Contract) -> None:
    word, rest = statement.word.split(".", 1)[0], statement.rest
    if word.startswith("%"):
        _once(found.macros, statement.word[1:].partition("(")[0])
        return
    found.instructions += len(word) == 3
    found.moves_direct_page = found.moves_direct_page or word in _MOVES_DIRECT_PAGE
    if word in ("pha", "phx", "phy", "phb", "phd", "php"):
        _once(found.pushes, word[2])
    operand = read_operand(rest)
    for index in (operand.inner, operand.index):
        if index in ("X", "Y") and word not in DATA:
            _once(found.indexes, index)
            _once(found.indexed, operand.text)
    if word in CALLS:
        _call(word, rest, found)
    elif word in RETURNS:
        _once(found.returns, RETURNS[word])
    elif word in ("dw", "dl"):
        _pointers(rest, found)
    elif word in READS or word in WRITES:
        _access(operand, found, word in WRITES)


def _access(operand: Operand, found: Contract, writes: bool) -> None:
    """Note what an instruction reads or writes; the stack and A are no variables."""
    stack = "S" in (operand.inner, operand.index)
    idle = operand.mode in ("none", "immediate") or operand.local or stack
    if idle or operand.base.upper() == _ACCUMULATOR:
        return
    if operand.mode != "direct":
        _once(found.reads, Operand("direct", operand.base, "", operand.inner))
    _once(found.writes if writes else found.reads, operand)


def _call(word: str, rest: str, found: Contract) -> None:
    operand = read_operand(rest)
    if operand.name and operand.mode == "direct":
        _once(found.calls, (word, operand.name))
    elif operand.name:
        _once(found.tables, operand.name)


def _pointers(rest: str, found: Contract) -> None:
    for part in rest.split(",")[:32]:
        name = read_operand(part).name
        if name:
            _once(found.calls, ("table", name))


def _once(items: list, item: object) -> None:  # type: ignore[type-arg]
    if item not in items:
        items.append(item)
