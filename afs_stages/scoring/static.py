"""What no assembler checks: register widths, the stack, returns, flags, values that
nobody reads. Only contradictions within a snippet count, as `asm.linear` reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Any

from afs_stages.asm.effects import (
    BRANCHES,
    JUMPS,
    KEEPS_FLAGS,
    PULLS,
    RETURNING,
    WIDTH_OF,
    index_of,
    registers,
    shown_width,
    switched_widths,
)
from afs_stages.asm.lexer import Statement
from afs_stages.asm.linear import START, LinearStep, called_by, read_through
from afs_stages.asm.opcode_table import references

PENALTIES: dict[str, float] = {
    "imm_width": 1.2,
    "exit_width": 0.7,
    "repeated_width": 0.6,
    "left_on_stack": 1.2,
    "pull_from_empty": 0.9,
    "mixed_returns": 1.2,
    "return_unlike_calls": 1.6,
    "undefined_local": 2.0,
    "unused_local": 0.5,
    "unreachable": 0.4,
    "carry": 0.9,
    "no_carry": 0.3,
    "undone": 0.5,
    "idle_compare": 0.8,
    "idle_branch": 0.3,
    "store_back": 0.7,
    "stale_index": 0.3,
    "lost_return": 0.3,
    "lost_value": 0.9,
    "constant_branch": 0.9,
    "other_index": 0.4,
}
"""Log-penalty of one finding of each kind; the score is exp(-sum). Set by eye, by how
seldom real routines show the finding (docs/quality/discriminator.md).
"""

FINDINGS = tuple(PENALTIES)
MOST_COUNTED = 2
"""Findings of one kind that count: a third says the same again."""
_COMPARES = frozenset(("cmp", "cpx", "cpy", "bit"))
_LOADS = frozenset(("lda", "ldx", "ldy"))
_ENDS = JUMPS | RETURNING | {"stp"}
_ON_ZERO_OR_SIGN = frozenset(("beq", "bne", "bmi", "bpl"))
_AFTER_COMPARE = KEEPS_FLAGS | {"rol", "ror", "adc", "sbc", "lda"}
"""What may stand between a comparison and who reads it; LDA keeps its carry."""
_UNDOES = (
    {"inx", "dex"},
    {"iny", "dey"},
    {"clc", "sec"},
    {"pha", "pla"},
    {"tax", "txa"},
)
_MAKES_VALUE_WORDS = """
    lda ldx ldy tax txa tay tya txy tyx adc sbc and ora eor asl lsr inc dec inx dex iny
    dey
"""
_MAKES_VALUE = frozenset(_MAKES_VALUE_WORDS.split())
"""What is there to be used; a pull may only tidy the stack, XBA keeps half."""


def findings(text: str, calls: Mapping[str, str] | None = None) -> Counter[str]:
    """Contradictions in a snippet, counted by kind (`FINDINGS`).

    `calls` says of a routine how the code base calls it:
    its name -> "RTS" (by JSR) or "RTL" (by JSL).
    """
    steps = read_through(text)
    statements = [step.statement for step in steps]
    expected = {**called_by(statements), **(calls or {})}
    found: Counter[str] = Counter()
    returns: dict[str, set[str]] = {}
    for at, step in enumerate(steps):
        if step.statement.kind == "label":
            found["left_on_stack"] += _stacks_differ(step)
            continue
        if step.statement.kind != "op":
            continue
        last = statements[at - 1] if at else None
        if last is not None and last.kind == "op":
            found.update(_beside(last, step.statement))
        found.update(_alone(step, statements))
        name = step.statement.name
        if name in ("RTS", "RTL"):
            returns.setdefault(step.routine, set()).add(name)
            found.update(_leaving(step, expected.get(step.routine, name)))
    found["mixed_returns"] += sum(len(ways) > 1 for ways in returns.values())
    found["lost_return"] += _runs_on(steps, returns)
    return +(found + _local_labels(statements))


def _word(statement: Statement) -> str:
    return statement.word.partition(".")[0]


def _stacks_differ(step: LinearStep) -> bool:
    """Whether paths meet at a label with more pushed on one of them."""
    other = step.other
    if other is None or other.stack is None or step.stack is None or not step.reached:
        return False
    return len(other.stack) != len(step.stack)


def _alone(step: LinearStep, statements: Sequence[Statement]) -> Iterator[str]:
    """What contradicts an instruction in what is known before it."""
    op, widths = step.statement, step.widths
    word = _word(op)
    if not step.reached:
        yield "unreachable"
    width = shown_width(op.size, op.operand)
    if word in WIDTH_OF and width and widths[WIDTH_OF[word]] == _opposite(width):
        yield "imm_width"
    if word in ("rep", "sep"):
        switched = switched_widths(word, op.operand)
        if switched and all(widths[name] == size for name, size in switched.items()):
            yield "repeated_width"
    if word in PULLS and step.stack == ():
        yield "pull_from_empty"
    if word in ("adc", "sbc"):
        carry = step.values["C"]
        wrong = "sec" if word == "adc" else "clc"
        if carry.writer == START and not carry.read:
            yield "no_carry"
        elif _made_here(step, "C") and _word(statements[int(carry.writer)]) == wrong:
            yield "carry"
    yield from _values(step, statements)


def _opposite(width: str) -> str:
    return "16" if width == "8" else "8"


def _made_here(step: LinearStep, register: str) -> bool:
    """Whether the straight stretch that leads here wrote a register."""
    writer = step.values[register].writer
    return isinstance(writer, int) and writer >= step.straight


def _unread(step: LinearStep, register: str, statements: Sequence[Statement]) -> bool:
    """Whether a register holds a value made on this stretch that nobody has read."""
    value = step.values[register]
    if value.read or not _made_here(step, register):
        return False
    return _word(statements[int(value.writer)]) in _MAKES_VALUE


def _values(step: LinearStep, statements: Sequence[Statement]) -> Iterator[str]:
    """Values that are overwritten unread, and an index set beside the one used."""
    op = step.statement
    reads, writes = registers(op.name, op.operand)
    index = index_of(op.operand)
    never_set = index != "" and step.values[index].writer == START
    if never_set and _unread(step, "Y" if index == "X" else "X", statements):
        yield "other_index"
    for register in writes:
        overwritten = register in "AXY" and register not in reads
        if overwritten and _unread(step, register, statements):
            yield "lost_value"


def _beside(last: Statement, op: Statement) -> Iterator[str]:
    """What two instructions side by side show."""
    before, word = _word(last), _word(op)
    if before in _COMPARES and word not in BRANCHES and word not in _AFTER_COMPARE:
        yield "idle_compare"
    if word in BRANCHES and word == before:
        yield "idle_branch"
    stored_back = {before[:2], word[:2]} == {"st", "ld"} and before[2:] == word[2:]
    if stored_back and op.operand == last.operand:
        yield "store_back"
    if {before, word} in _UNDOES:
        yield "undone"
    sets_index = before in ("ldx", "ldy") and word in ("lda", "sta")
    if sets_index and index_of(op.operand) not in ("", last.name[2]):
        yield "stale_index"
    if before in _LOADS and last.operand[:1] == "#" and word in _ON_ZERO_OR_SIGN:
        yield "constant_branch"


def _leaving(step: LinearStep, expected: str) -> Iterator[str]:
    """What a return contradicts; `expected` is the one that the calls ask for."""
    if step.stack:
        yield "left_on_stack"
    for name, width in step.entry.items():
        if width and step.widths[name] == _opposite(width):
            yield "exit_width"
    if expected != step.statement.name:
        yield "return_unlike_calls"


def _runs_on(steps: Sequence[LinearStep], returns: Mapping[str, set[str]]) -> bool:
    """Whether the last routine ends without a return or a jump."""
    if not steps:
        return True
    last = steps[-1]
    ends = last.statement.kind == "op" and _word(last.statement) in _ENDS
    return not ends and not returns.get(last.routine)


def _local_labels(statements: Sequence[Statement]) -> Counter[str]:
    """Local labels used but not defined, and defined but not used."""
    defined: set[str] = set()
    used: set[str] = set()
    for statement in statements:
        if statement.kind == "label" and statement.name[0] == ".":
            defined.add(statement.name)
        if "." in statement.operand:
            names = references(statement.operand)
            used.update([name for name in names if name[0] == "."])
    if not defined and not used:
        return Counter()
    everywhere = " ".join(s.operand for s in statements if s.kind != "op")
    unused = [name for name in defined - used if name[1:] not in everywhere]
    return Counter(
        undefined_local=len(used - defined), unused_local=min(len(unused), 2)
    )


def static_score(found: Mapping[str, Any], length: int) -> float:
    """1 where nothing was found, falling with each finding;
    a long routine is forgiven a little more.
    """
    total = sum(
        PENALTIES[kind] * min(count, MOST_COUNTED) for kind, count in found.items()
    )
    return exp(-total * 8 / (8 + max(length, 8) ** 0.5))
