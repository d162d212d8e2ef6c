"""Secrets that stand on the lines below what names them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import looks_random

_SEED = re.compile(r"(?<![\w-])[a-zA-Z2-7]{4}(?:[ -][a-zA-Z2-7]{4}){4,15}(?![\w-])")
"""A key in base32, in groups of four, as it is shown to be typed into a telephone."""
_GROUPS = re.compile(
    # Keys of licences, of FileVault and BitLocker: groups of one length.
    r"(?<![\w-])(?:(?=[A-Z0-9-]{0,24}[A-Z])(?=[A-Z0-9-]{0,24}\d)"
    r"(?:[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3,7}|[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,5})"
    r"|\d{6}(?:-\d{6}){7})(?![\w-])"
)
_OF_GROUPS = (
    *("licen", "lizenz", "serial", "bitlocker", "filevault", "recovery", "product key"),
    *("activat", "/ipk", "voucher", "gift", "gutschein"),
)
_NEAR = 120
"""Letters between the word and the groups."""
_HEADINGS = ("codes", "keys", "passwords")
_KIND_BACKWARDS = re.compile(
    r"[ _-](?:yrevocer|pukcab|hctarcs|emit[ -]eno|af2|afm)", re.IGNORECASE
)
"""`recovery`, `backup` … before a heading, read to the left."""
_REST_OF_HEADING = re.compile(r"[^\n\\]{0,60}(?:\n|\\n)")
_LINE = re.compile(r"[^\n\\]{0,200}(?:\n|\\n|\Z)")
_CODE = re.compile(r"[A-Za-z0-9]{4,12}(?:[- ][A-Za-z0-9]{4,12}){0,5}(?![\w-])")
_COMMANDS = ("cat", "type", "head", "tail", "less", "more", "get-content", "bat")
_SHOWN = re.compile(
    r"[ \t]{1,4}(?:-\w{1,4} ){0,2}"
    r"[^\s|;&<>]{0,200}(?:key|secret|token|passw|credential|\.pem|pgpass)[^\s|;&<>]{0,60}"
    r"[ \t]{0,4}(?:\n|\\n)(?P<value>[^\s\"'\\<>]{8,400})[ \t]{0,4}(?:\n|\\n|\Z)",
    re.IGNORECASE,
)
"""A file that is named after what it holds, and the one word in it."""


def find(reading: Reading) -> Iterator[Span]:
    """Codes below their heading, and a key that is all a file holds."""
    text = reading.text
    if reading.has(b"setup", b"totp", b"otp", b"2fa", b"mfa", b"authenticator", b"qr"):
        for seed in _SEED.finditer(text):
            if sum(map(str.isdigit, seed[0])) >= 2:
                yield Span(*seed.span(), "secret")
    yield from _grouped(reading)
    for word in _HEADINGS:
        if not reading.has(word.encode()):
            continue
        for end in reading.ends_of(word):
            rest = _REST_OF_HEADING.match(text, end)
            before = text[max(0, end - len(word) - 12) : end - len(word)]
            if rest and _KIND_BACKWARDS.match(before[::-1]):
                yield from _codes(text, rest.end())
    for command in _COMMANDS:
        if not reading.has(command.rpartition("-")[2].encode()):
            continue
        for end in reading.ends_of(command):
            shown = _SHOWN.match(text, end)
            if shown and looks_random(shown["value"]):
                yield Span(*shown.span("value"), "secret")


def _grouped(reading: Reading) -> Iterator[Span]:
    """Keys in groups near a word that says what they are."""
    for word in _OF_GROUPS:
        for end in reading.ends_of(word):
            key = _GROUPS.search(reading.text, end, end + _NEAR)
            if key:
                yield Span(*key.span(), "secret")


def _codes(text: str, place: int) -> Iterator[Span]:
    """The codes of a list, to the first line that holds none."""
    while place < len(text):
        line = _LINE.match(text, place)
        if line is None:
            return
        codes = [code for code in _CODE.finditer(text, *line.span()) if _is_code(code)]
        if not codes:
            return
        for code in codes:
            yield Span(*code.span(), "number")
        place = line.end()


def _is_code(code: re.Match[str]) -> bool:
    return any(map(str.isdigit, code[0])) and len(code[0]) >= 6
