"""Passwords among the words of a command, whatever its option is called.

Every tool calls its option otherwise, and some take a password by its place. What a
person or a generator made up as one, with letters of both cases, digits and a sign, is
known by itself where an option stands in the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span

_OPTION = re.compile(r"[ \t](?:-{1,2}[A-Za-z]|/[a-z]{1,4}:)")
_WORD = re.compile(
    r"(?:(?<=[\s\"'=,%])|(?<= /[a-z]:)|(?<=[\s\"'][-\w]{2}))"
    r"[A-Za-z0-9][A-Za-z0-9!*@#%^&+?~_.-]{6,62}[A-Za-z0-9!*@#%^&+?~](?=[\s\"',;|]|\Z)"
)
_SIGN = re.compile(r"[!*@#%^&+?~]")
_CHANGES = re.compile(
    r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]|(?<=[A-Z])[a-z]"
    r"|(?<=\w)[!*@#%^&+?~](?=\w)"
)
_PIPED = re.compile(
    r"(?:echo|printf|print)[ \t](?:-\w{1,3}[ \t])?[\"']?(?P<value>[^\s\"'|]{8,64})"
    r"[\"']?[ \t]{0,3}\|"
)
_LONGEST_LINE = 400


def find(reading: Reading) -> Iterator[Span]:
    """Words of command lines that are made as passwords are."""
    text = reading.text
    for piped in _PIPED.finditer(text) if reading.has(b"echo", b"printf") else ():
        if is_made_up(piped["value"]):
            yield Span(*piped.span("value"), "password")
    end = 0
    for option in (" -", " /"):
        end = 0
        place = text.find(option)
        while place >= 0:
            if place >= end and _OPTION.match(text, place):
                start = text.rfind("\n", 0, place) + 1
                stop = text.find("\n", place)
                end = len(text) if stop < 0 else stop
                if end - start <= _LONGEST_LINE:
                    yield from _in_line(text, start, end)
            place = text.find(option, max(end, place + 1))


def _in_line(text: str, start: int, end: int) -> Iterator[Span]:
    if _SIGN.search(text, start, end):
        for word in _WORD.finditer(text, start, end):
            if is_made_up(word[0]):
                yield Span(*word.span(), "password")


def is_made_up(word: str) -> bool:
    """Letters of both cases, digits and a sign, changing more often than words do."""
    kinds = (str.islower, str.isupper, str.isdigit)
    has_all = all(any(map(is_one, word)) for is_one in kinds) and _SIGN.search(word)
    if not has_all or ".*" in word:  # `.*` stands in a regular expression
        return False
    return len(_CHANGES.findall(word)) * 3 >= len(word)
