"""What hides a secret: colours of a terminal, percent and other escapes, base64, hex.

A text is read once as it stands. The lines that hold an escape are read again without
it, and long words once more decoded; what is found there is traced back to the place in
the text. `View` is such a reading.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span

_VEIL = re.compile(
    r"(?P<colour>(?:\x1b|\\x1b|\\u001b|\\033|\\e|\^\[)\[[0-9;?]{0,16}[A-Za-z])"
    r"|%(?P<percent>[2-7][0-9A-Fa-f])"
    r"|\\u00(?P<unicode>[2-7][0-9A-Fa-f])"
    r"|&(?P<entity>quot|amp|lt|gt|apos|#\d{2,3});"
    r"|\\{1,8}(?P<quote>[\"'/])"
    r"|\\{1,8}(?P<blank>[nrt])"
)
_HINTS = {
    "\x1b": re.compile(r"\x1b\["),
    "^[[": re.compile(r"\^\[\["),
    "\\e[": re.compile(r"\\e\["),
    "%": re.compile(r"%[2-7][0-9A-Fa-f]"),
    '\\"': re.compile(r"\\\""),
}
"""What tells that a line holds an escape: a literal, and the pattern to be sure."""
_HINTS_OF_WORDS = {
    b"x1b": re.compile(r"\\x1b\["),
    b"u001b": re.compile(r"\\u001b\["),
    b"033": re.compile(r"\\033\["),
    b" u00": re.compile(r"\\u00[2-7]"),
    b"quot ": re.compile(r"&quot;"),
    b" amp ": re.compile(r"&amp;"),
    b" apos ": re.compile(r"&apos;"),
    b" 39 ": re.compile(r"&#39;"),
    b" 34 ": re.compile(r"&#34;"),
}
_ENTITIES = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "apos": "'"}
_HEX = re.compile(r"(?:[0-9a-f]{2}){12,}\Z|(?:[0-9A-F]{2}){12,}\Z")
_MEDIA = re.compile(r"data:(?:image|font|audio|video)/[\w.+-]{1,30};base64,\Z")
LONG_BASE64 = 120
_CERTIFICATE = b"CERTIFICATE"
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"
_PUBLIC_SSH = ("AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "AAAAG", "AAAAI")


@dataclass
class View:
    """Another reading of a text, and where each piece of it stands in the text."""

    pieces: list[str] = field(default_factory=list)
    _begins: list[int] = field(default_factory=list)
    _origins: list[tuple[int, int, bool]] = field(default_factory=list)
    """For each piece: where it stands in the text, and whether letter for letter."""
    _size: int = 0

    def add(self, piece: str, start: int, end: int, *, same: bool) -> None:
        """Add a reading of text[start:end]; `same` where it reads as it stands."""
        if piece:
            self.pieces.append(piece)
            self._begins.append(self._size)
            self._origins.append((start, end, same))
            self._size += len(piece)

    @property
    def text(self) -> str:
        """The whole reading."""
        return "".join(self.pieces)

    def traced(self, span: Span) -> Span:
        """The place in the text of what was found in the reading."""
        first = bisect_right(self._begins, span.start) - 1
        last = bisect_right(self._begins, span.end - 1) - 1
        start, _, same = self._origins[first]
        if same:
            start += span.start - self._begins[first]
        begin, end, same = self._origins[last]
        if same:
            end = begin + span.end - self._begins[last]
        return Span(start, end, span.kind)


def unveiled(reading: Reading) -> View | None:
    """The lines that hold an escape, read without it; None where no line does."""
    text = reading.text
    view = View()
    end = 0
    for hint in _hints(reading):
        if hint < end:
            continue
        start = max(end, text.rfind("\n", 0, hint) + 1)
        line_end = text.find("\n", hint)
        end = line_end + 1 if line_end >= 0 else len(text)
        _unveil(text, start, end, view)
    return view if view.pieces else None


def _hints(reading: Reading) -> list[int]:
    text = reading.text
    hints: list[int] = []
    patterns = [pattern for literal, pattern in _HINTS.items() if literal in text]
    patterns += [
        pattern for word, pattern in _HINTS_OF_WORDS.items() if reading.holds(word)
    ]
    for pattern in patterns:
        hints += [match.start() for match in pattern.finditer(text)]
    return sorted(hints)


def _unveil(text: str, start: int, end: int, view: View) -> None:
    place = start
    for match in _VEIL.finditer(text, start, end):
        view.add(text[place : match.start()], place, match.start(), same=True)
        view.add(_plain(match), *match.span(), same=False)
        place = match.end()
    view.add(text[place:end], place, end, same=True)


def _plain(match: re.Match[str]) -> str:
    """What an escape stands for."""
    code = match["percent"] or match["unicode"]
    if code:
        return chr(int(code, 16))
    entity = match["entity"]
    if entity:
        return _ENTITIES.get(entity) or chr(int(entity[1:]))
    if match["quote"]:
        return match["quote"]
    return "\n" if match["blank"] else ""


def decoded(reading: Reading) -> View | None:
    """The words that are text in base64 or hex, decoded, a line for each."""
    view = View()
    for start, end in reading.long_words:
        plain = plain_text(reading.text[start:end])
        if plain:
            view.add(plain, start, end, same=False)
            view.add("\n", end, end, same=False)
    return view if view.pieces else None


def plain_text(word: str) -> str:
    """The text that a word encodes; empty if it encodes none."""
    word = word.strip("=")
    if _HEX.match(word):
        data = bytes.fromhex(word)
    else:
        # Words may stand before it without a blank, as in a path: not decoded then.
        whole = word[: len(word) // 4 * 4 + (len(word) % 4 > 1) * (len(word) % 4)]
        try:
            data = base64.b64decode(
                whole.replace("-", "+").replace("_", "/") + "=" * (-len(whole) % 4)
            )
        except (binascii.Error, ValueError):
            return ""
    if data.translate(None, _PRINTABLE):
        return ""
    return data.decode("ascii")


def long_base64(reading: Reading) -> Iterator[Span]:
    """Files in base64; a certificate and a public key stay."""
    text = reading.text
    for start, end in reading.long_words:
        word = text[start:end]
        if len(word) < LONG_BASE64 or not _is_mixed(word[:2000]):
            continue
        is_shown = _MEDIA.search(text, max(0, start - 60), start)
        if not (is_shown or _is_public(word) or text[start - 1 : start] in ("-", "_")):
            yield Span(start, end, "base64")


def _is_mixed(head: str) -> bool:
    """Digits, capital and small letters, and none of a name's signs."""
    signs = (str.isdigit, str.isupper, str.islower)
    mixed = all(any(map(is_one, head)) for is_one in signs)
    return mixed and not {"_", "-"} & set(head)


_SEQUENCE = b"\x30\x82"
_PUBLIC = (_SEQUENCE, b"\x30\x0d", b"\x02\x82")
"""How a certificate goes on (a sequence that begins with a sequence), and a public
key."""


def _is_public(word: str) -> bool:
    if word.startswith(_PUBLIC_SSH):
        return True
    head = base64.b64decode(word[:64] + "==="[: -len(word[:64]) % 4])
    return _CERTIFICATE in head or (head[:2] == _SEQUENCE and head[4:6] in _PUBLIC)
