"""What no reader should see in an answer: characters that were decoded wrongly, turns
of a chat template, tags of the page it came from, places that nobody filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TURN = re.compile(
    r"<\|[\w ]{2,24}\|>|\[/?INST\]|</?s>|^\W{0,4}(?:user|human|assistant)\W{0,2}:",
    re.IGNORECASE | re.MULTILINE,
)
"""How chat templates, and logs of chats, begin and end turns."""
_TAG = re.compile(
    r"</[a-z][a-z0-9]*>|<br ?/?>|&(?:[a-z]{2,6}|#\d{2,5});", re.IGNORECASE
)
"""What HTML closes with, and its entities."""
_UNFILLED = re.compile(
    r"\{\{ ?[\w.]+ ?\}\}|(?<![\w!$])\$?\{[a-z][a-z_.]*\}|%\([a-z_]+\)s"
    r"|<[A-Z][A-Z_]{3,}>|\[(?:insert|your|todo)\b[^\]]*\]"
)
"""Places of the templates of Jinja, Python and shells, and those that people write."""
_FOREIGN = re.compile(r"[^\x00-\x7f]{2,}")
_QUOTED = re.compile(r"`[^`\n]+`")
REPLACEMENT = "\ufffd"
"""What a decoder puts where bytes mean nothing."""


def residue(question: str, prose: str) -> bool:
    """Whether an answer's prose (without fenced code) holds what its making left
    behind; what the question holds, too, is its subject.
    """
    text = _QUOTED.sub(" ", prose)
    if any(mark not in question for mark in _marks(text)):
        return True
    return any(map(encoded_twice, _FOREIGN.findall(text)))


def _marks(text: str) -> Iterator[str]:
    if REPLACEMENT in text:
        yield REPLACEMENT
    for pattern in (_TURN, _TAG, _UNFILLED):
        yield from (found[0] for found in pattern.finditer(text))


def encoded_twice(run: str) -> bool:
    """Whether letters are the bytes of UTF-8, read as Western text: such a run can be
    decoded once more, which text of any language cannot.
    """
    for encoding in ("cp1252", "latin-1"):
        try:
            return run.encode(encoding).decode("utf-8") != run
        except UnicodeError:
            continue
    return False
