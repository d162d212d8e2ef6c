"""A text as the finders read it: itself, in lower case, and which words stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

_WORDS_ONLY = bytes(
    code if chr(code).isalnum() and code < 128 else 32 for code in range(256)
)
_SHAPES = bytes(
    ord("0") if 48 <= code <= 57 else ord("A") if 65 <= code <= 90 else 32
    for code in range(256)
)
_RUN = "A-Za-z0-9+/_-"
_LONG_WORD = re.compile(
    # Short words and what stands between them are passed over at once. At the end it
    # matches too: a search that failed would begin again at every letter.
    rf"(?:[^{_RUN}]++|[{_RUN}]{{1,23}}+(?![{_RUN}]))*+"
    rf"(?:([{_RUN}]{{24,}}+)={{0,2}}|\Z)"
)


class Reading:
    """A text and what finders ask of it again and again.

    A finder first asks whether a word it needs stands in the text at all. The words are
    an eighth of the text, each held once, so that asking costs next to nothing: this is
    what makes redaction fast.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # Letter for letter: one capital letter of Turkish would become two.
        self.lower = text.replace("\u0130", "I").lower()
        words = self.lower.encode("ascii", "replace").translate(_WORDS_ONLY).split()
        self._words = set(words)
        self._joined = b" %b " % b" ".join(self._words)

    def has(self, *words: bytes) -> bool:
        """Whether one of these is a word of the text, in lower case."""
        return not self._words.isdisjoint(words)

    def holds(self, piece: bytes) -> bool:
        """Whether a word of the text holds this; a blank is a word's end."""
        return piece in self._joined

    def ends_of(self, literal: str) -> Iterator[int]:
        """Where each occurrence of a literal in lower case ends.

        Faster by far than a pattern that begins with one of several words.
        """
        place = self.lower.find(literal)
        while place >= 0:
            end = place + len(literal)
            yield end
            place = self.lower.find(literal, end)

    @cached_property
    def shape(self) -> bytes:
        """The text with `0` for a digit, `A` for a capital, a blank for the others."""
        return self.text.encode("ascii", "replace").translate(_SHAPES)

    @cached_property
    def long_words(self) -> list[tuple[int, int]]:
        """Where words of 24 letters of base64 or more stand."""
        # Nearly all of them have a part of ten letters and digits without sign.
        if not any(len(word) >= 10 and not word.isalpha() for word in self._words):
            return []
        return [
            (match.start(1), match.end())
            for match in _LONG_WORD.finditer(self.text)
            if match[1]
        ]
