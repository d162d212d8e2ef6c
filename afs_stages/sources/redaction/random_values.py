"""Values made at random beside a name that says nothing of a secret.

No list can name every secret's name. So the other way round: what looks made at random
and stands as the value of a name is one, unless the name says that everybody may see it
(a hash, an id, a path).
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
    r"(?:[\"'`]{1,2}\\{0,2})?"
    r"(?:\s{0,4}>?[=:]{1,2}\s{0,4}|[ \t]{1,4}(?=[\w-]{1,40}-{1,2}(?!\S))|>)"
    r"\\{0,2}[\"'`\])}]{0,2}(?P<name>[\w.-]{1,48})"
)
_END = re.compile(r"[\"'`\\\s&;,)}\]<|#]|\Z")
_UPPER_CHANGES = re.compile(
    r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]|(?<=[A-Z]{2})[a-z]"
)
_HEX = re.compile(r"[0-9a-f]+\Z|[0-9A-F]+\Z")
_CHANGES_OF_CASES, _CHANGES_OF_DIGITS = 3, 4
"""One change of kind in so many letters: random letters and digits of both cases change
at every second, those of one case at 2 of 5; words joined as in `camelCase2` at 1 of 5.
"""
_REACH = 64


def find(reading: Reading) -> Iterator[Span]:
    """The values made at random that a name stands beside."""
    text = reading.text
    for start, end in reading.long_words:
        word = text[start:end]
        if len(word) >= LONG_BASE64 or not is_random(word):
            continue
        if _has_label(text, start) and _END.match(text, end) and not plain_text(word):
            yield Span(start, end, "secret")


def _has_label(text: str, start: int) -> bool:
    backwards = text[max(0, start - _REACH) : start][::-1]
    label = _LABEL_BACKWARDS.match(backwards)
    return label is not None and not is_open(label["name"][::-1])


def is_random(word: str) -> bool:
    """Whether letters and digits change as they do only by chance."""
    plain = word.rstrip("=")
    if _HEX.match(plain) or ("/" in plain and plain.count("/") * 12 > len(plain)):
        return False
    has_cases = any(map(str.isupper, plain)) and any(map(str.islower, plain))
    changes = len(_UPPER_CHANGES.findall(plain))
    every = _CHANGES_OF_CASES if has_cases else _CHANGES_OF_DIGITS
    return sum(map(str.isdigit, plain)) >= 2 and changes * every >= len(plain)
