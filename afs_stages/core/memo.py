"""Results remembered by argument, for functions that are called with the same short
texts again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")
ENTRIES = 16_384
LONGEST = 200


class Memo(dict[str, V]):
    """What a function of a text gave: `memo[text]`,
    a dictionary's speed where the text was met before.

    Memory is bounded: texts beyond `LONGEST` characters are not kept, and a memo of
    `ENTRIES` starts anew.
    """

    def __init__(self, function: Callable[[str], V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> V:
        value = self._function(text)
        if len(text) <= LONGEST:
            if len(self) >= ENTRIES:
                self.clear()
            self[text] = value
        return value
