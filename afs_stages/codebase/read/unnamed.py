"""Lines of code that belong to no label: another routine that a table enters by its
address alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from afs_stages.asm.effects import BRANCHES, JUMPS, LEAVES, RETURNING
from afs_stages.asm.isa import DATA, MNEMONICS
from afs_stages.asm.lexer import Line, Statement
from afs_stages.codebase.read.choices import CHOICES

_BYTES_AHEAD = re.compile(r"(?i)(\*\s*\+\s*)?\$?[0-9A-F]{1,2}")
"""The operand of a branch that counts bytes: it may lead behind a return."""


def unnamed_lines(lines: Sequence[Line]) -> Iterator[int]:
    """The numbers of the lines that stand behind a return or a jump without a label,
    up to the next label the code above can come to; data behind a return among them.

        Init:
          RTS
          LDA $10    <- not of Init: nothing of it leads here
    """
    reader = _Ends()
    for line in lines:
        for statement in line.statements:
            reader.read(statement)
        if reader.unnamed and line.code:
            yield line.number


class _Ends:
    """Whether the code of the last label goes on, while a file is read."""

    def __init__(self) -> None:
        self.ended = False
        self.returned = False
        self.unnamed = False
        self.by_bytes = False
        self.led_to: set[str] = set()

    def read(self, statement: Statement) -> None:
        """Go past a statement."""
        word = statement.word.split(".", 1)[0]
        for label in statement.labels:
            if not label.startswith("#_"):  # the address of the line is no label
                self._label(label)
        if word in MNEMONICS:
            self._instruction(word, statement.rest.strip())
        elif word in DATA:
            # behind a jump it may be the table the jump is led by
            self.unnamed = self.unnamed or self.returned
        elif word and word != "{":
            # what a macro holds is not known here; a directive may begin other code,
            # and behind a brace an outer routine goes on
            self.ended = self.returned = False
            self.unnamed = self.unnamed and word in CHOICES

    def _label(self, label: str) -> None:
        local = label.startswith((".", "+", "-", "?"))
        if self.unnamed and not _comes_to(label, self.led_to):
            return
        if self.ended and _is_ahead(label) and label not in self.led_to:
            # a branch above another label comes here
            self.unnamed = not self.by_bytes
            return
        self.ended = self.returned = self.unnamed = False
        self.led_to.discard(label)
        if not local:
            self.by_bytes = False
            self.led_to.clear()

    def _instruction(self, word: str, rest: str) -> None:
        if self.ended and not self.by_bytes:
            self.unnamed = True
        if self.unnamed:
            return
        if word in BRANCHES or word in JUMPS:
            self.led_to.add(rest.split(" ", 1)[0])
            self.by_bytes = self.by_bytes or bool(_BYTES_AHEAD.fullmatch(rest))
        self.ended = word in LEAVES
        self.returned = word in RETURNING and not self.by_bytes


def _is_ahead(label: str) -> bool:
    """Whether a label is a nameless one that only code above goes to: `+`."""
    return set(label.strip("#:")) == {"+"}


def _comes_to(label: str, led_to: Set[str]) -> bool:
    """Whether code above may go to a label: to one with a name from anywhere, to a
    nameless one from where it was asked for.
    """
    nameless = set(label.strip("#:")) <= {"+", "-"}
    return not nameless or label.strip("#:") in led_to
