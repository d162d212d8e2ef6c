"""The conditions of the assembler under which a line is there."""

from __future__ import annotations

from itertools import chain

CHOICES = frozenset(("if", "elseif", "else", "endif"))
"""Directives by which the assembler chooses which lines it takes."""


class Conditions:
    """The conditions that hold at a line, while a file is read from its beginning.

    if !A        `!A`
    elseif !B    not `!A` and `!B`
    else         not `!A` and not `!B`
    endif
    """

    def __init__(self) -> None:
        # one list for each open `if`: the choices passed by, and the one taken
        self.open: list[list[str]] = []

    @property
    def told(self) -> str:
        """All of them, as written; "" where a line is always there."""
        return " and ".join(chain.from_iterable(self.open))

    def read(self, word: str, condition: str) -> None:
        """Go past a directive; one that belongs to no `if` changes nothing."""
        condition = f"`{condition.strip()}`"
        if word == "if":
            self.open.append([condition])
        elif self.open and word == "endif":
            self.open.pop()
        elif self.open:
            self.open[-1][-1] = f"not {self.open[-1][-1]}"
            self.open[-1] += [condition] if word == "elseif" else []
