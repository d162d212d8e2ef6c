"""Where the direct page is known to be 0: only there is `$2E` the variable at $7E002E.

Code that moves the direct page, and all that it leads to, may work elsewhere. So may,
in a game that swaps stacks with the direct page on them, a routine that nothing known
leads to: it may be another thread's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from afs_stages.asm.lexer import Statement
from afs_stages.codebase.facts.operands import immediate
from afs_stages.codebase.read.nodes import AsmFile
from afs_stages.codebase.read.routines import CodeSpan

SOON = 60
"""Statements within which a direct page that is only borrowed is given back."""

Leads = Mapping[str, Iterable[str]]
"""Routine -> those that lead to it."""


@dataclass(frozen=True)
class DirectPage:
    """What is known of the direct page, by routine."""

    moved_for_good: bool
    """Whether some code sets it to another place than 0 and leaves it there."""
    unknown: frozenset[str]
    """The routines that run, or may run, with another one than 0."""

    def is_zero(self, name: str) -> bool:
        """Whether numbers of the direct page are variables in the code of a name."""
        return not self.moved_for_good and name not in self.unknown


def direct_page(
    files: Iterable[AsmFile], spans: Sequence[CodeSpan], leads: Leads
) -> DirectPage:
    """Read it off all code; `leads` tells who leads to a routine."""
    moving: set[str] = set()
    from_zero: set[str] = set()
    swapped = False
    for span in spans:
        words = [s.word for s in _code(span)]
        if "tcd" in words or "pld" in words:
            moving.add(span.name)
        if any(number != 0 for number in _set_to(_code(span))):
            from_zero.add(span.name)
        # PLD behind a change of the stack pointer pulls what another stack holds
        swapped = swapped or "pld" in words[_first(words, "tcs", "txs") :]
    unknown = _led_to(from_zero, leads)
    if swapped:
        unknown |= _led_to_by_nobody(spans, leads, moving)
    for_good = any(map(_leaves_it_moved, files))
    return DirectPage(for_good, frozenset(moving | unknown))


def _code(span: CodeSpan) -> list[Statement]:
    return [s for line in span.lines for s in line.statements if s.word]


def _first(words: list[str], *wanted: str) -> int:
    """Where one of some words stands first; behind the end where none does."""
    return next((at for at, word in enumerate(words) if word in wanted), len(words))


def _set_to(code: list[Statement]) -> Iterator[int | None]:
    """What each TCD sets the direct page to; None where that is no number."""
    loaded: int | None = None
    for statement in code:
        if statement.word.startswith("lda"):
            rest = statement.rest
            loaded = immediate(rest) if rest.startswith("#") else None
        elif statement.word == "tcd":
            yield loaded


def _led_to(starts: set[str], leads: Leads) -> set[str]:
    """Some routines, and all that they lead to."""
    led: dict[str, set[str]] = defaultdict(set)
    for name, others in leads.items():
        for other in others:
            led[other].add(name)
    found, waiting = set(starts), list(starts)
    while waiting:
        new = led[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _led_to_by_nobody(
    spans: Sequence[CodeSpan], leads: Leads, known: set[str]
) -> set[str]:
    """The routines that nothing leads to but others of this kind; what sets the direct
    page itself is `known`.
    """
    found: set[str] = set()
    waiting = {span.name for span in spans if span.kind == "routine"} - known
    while True:
        new = {name for name in waiting if found | {name} >= set(leads.get(name, ()))}
        if not new:
            return found
        found |= new
        waiting -= new


def _leaves_it_moved(file: AsmFile) -> bool:
    """Whether a file puts a number other than 0 into D that no PLD soon undoes."""
    code = [
        statement
        for line in file.lines
        if line.number not in file.foreign
        for statement in line.statements
        if statement.word
    ]
    for at, (before, statement) in enumerate(pairwise(code)):
        number = immediate(before.rest) if before.rest.startswith("#") else None
        loaded = before.word.startswith("lda") and number not in (None, 0)
        if statement.word == "tcd" and loaded:
            after = code[at : at + SOON]
            if not any(other.word == "pld" for other in after):
                return True
    return False
