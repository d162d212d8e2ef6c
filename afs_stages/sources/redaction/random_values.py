"""Values made at random beside a name that says nothing of a secret.

No list can name every secret's name. So the other way round: what looks made at random
and stands as the value of a name, or in the path of an address, is one, unless the name
says that everybody may see it (a hash, an id, a path).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.encoded import LONG_BASE64, plain_text
from afs_stages.sources.redaction.names import is_open
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span

_LABEL_BACKWARDS = re.compile(
    # Read from the value to the left: a quote, what separates, and the name.
    r"(?:[\"'`]{1,2}\\{0,2})?\[?"
    r"(?:[ \t]{0,4}>?[=:]{1,2}[ \t]{0,4}|\(|[ \t]{1,4}(?=[\w-]{1,40}-{1,2}(?!\S))|>)"
    r"\\{0,2}[\"'`\])}]{0,2}(?P<name>[\w.-]{1,48})"
)
_END = re.compile(r"[\"'`\\\s&;,)}\]<|#?]|\Z")
_ADDRESS_BEFORE = re.compile(r"[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>]{1,200}\Z")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]{16,200}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,4}(?![\w-])")
_DOCUMENT_BEFORE = re.compile(r"/(?:d|file|design|board|folders|proto|e)/\Z")
"""How services for documents and drawings address one."""
_PARTS_BEFORE = re.compile(r"(?:[\w~-]{1,100}\.){1,3}\Z")
_PARTS_AFTER = re.compile(r"(?:\.[\w~-]{1,200}){0,3}")
_CHANGES = re.compile(
    r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]|(?<=[A-Z]{2})[a-z]"
)
_HEX = re.compile(r"[0-9a-f]+\Z|[0-9A-F]+\Z")
_ACCOUNT_IN_HEX = re.compile(r"0x[0-9a-fA-F]{40}\Z")
"""An account of a chain, which everybody may see."""
_KEY_IN_HEX = re.compile(r"0x[0-9a-f]{64}\Z")
_CHANGES_OF_CASES, _CHANGES_OF_DIGITS = 3, 4
"""One change of kind in so many letters: random letters and digits of both cases change
at every second, those of one case at 2 of 5; words joined as in `camelCase2` at 1 of 5.
"""
_HEX_PART = re.compile(
    r"(?<![A-Za-z0-9.])(?:[0-9a-f]{16,}|[0-9A-F]{16,})(?![A-Za-z0-9])"
)
_SHORTEST = 12
"""Letters and digits that tell chance from a word."""
_REACH = 64


def find(reading: Reading) -> Iterator[Span]:
    """The values made at random that a name or an address stands before."""
    text = reading.text
    end = 0
    for begin, stop in reading.long_words:
        if begin < end:
            continue
        if "/" in text[begin:stop] and _ADDRESS_BEFORE.search(
            text, max(0, begin - 220), begin + 1
        ):
            yield from _segments(text, begin, stop)
            continue
        start, end = _whole(text, begin, stop)
        word = text[start:end]
        if len(word) < LONG_BASE64 and is_random(word):
            named = _is_named(text, start) and _END.match(text, end)
            if named and not plain_text(word):
                yield Span(start, end, "secret")


def _segments(text: str, begin: int, stop: int) -> Iterator[Span]:
    """Parts of an address's path: an invitation, a way to reset a password."""
    for segment in _SEGMENT.finditer(text, begin, stop):
        if _names_a_thing(text, *segment.span()):
            continue
        if is_random(segment[0]):
            yield Span(*segment.span(), "secret")


def _names_a_thing(text: str, start: int, end: int) -> bool:
    """Whether a part of a path is an object's number, a file or a document."""
    is_file = bool(_FILE_ENDING.match(text, end))
    is_document = bool(_DOCUMENT_BEFORE.search(text, max(0, start - 24), start))
    return is_file or is_document or bool(_UUID.fullmatch(text, start, end))


def _whole(text: str, begin: int, stop: int) -> tuple[int, int]:
    """From where to where a word goes of which dots separate the parts."""
    if text[begin - 1 : begin] == ".":
        before = _PARTS_BEFORE.search(text, max(0, begin - 220), begin)
        begin = before.start() if before else begin
    after = _PARTS_AFTER.match(text, stop)
    return begin, after.end() if after else stop


def _is_named(text: str, start: int) -> bool:
    """Whether a name stands before, of which not everybody may see the value."""
    backwards = text[max(0, start - _REACH) : start][::-1]
    label = _LABEL_BACKWARDS.match(backwards)
    return label is not None and not is_open(label["name"][::-1])


def is_random(word: str) -> bool:
    """Whether letters and digits change as they do only by chance.

    A hash that stands behind other words, as in `cache-<hash>`, makes none of them so.
    """
    plain = _HEX_PART.sub("", word.rstrip("="))
    if len(plain) < _SHORTEST and plain != word.rstrip("="):
        return bool(_KEY_IN_HEX.match(word))
    if _ACCOUNT_IN_HEX.match(word):
        return False
    if _HEX.match(plain) or plain.count("/") * 12 > len(plain):
        return False
    has_cases = any(map(str.isupper, plain)) and any(map(str.islower, plain))
    every = _CHANGES_OF_CASES if has_cases else _CHANGES_OF_DIGITS
    changes = len(_CHANGES.findall(plain))
    return sum(map(str.isdigit, plain)) >= 2 and changes * every >= len(plain)
