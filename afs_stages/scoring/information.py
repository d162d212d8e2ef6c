"""How much an answer says: information rather than characters, finished, specific, in
the question's language.

The signal is a product of factors in [0, 1], so that one plain fault shows whatever
else is right. Information is measured in compressed bytes: repetition adds none.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from math import prod
from typing import NamedTuple

import msgspec

from afs_stages.core.memo import Memo
from afs_stages.scoring.blocks import without_code

MAX_CHARS = 65_536
"""Text beyond this is not read; such an answer is too long anyway."""
MAX_GIVEN = 4_096
SHARE_ASKED, MOST_ASKED = 0.8, 400
"""What an answer should hold of the text it was given, both in compressed bytes, and
where that is enough.
"""
REPETITIVE = 0.12
"""A text of some length that compresses below this share repeats itself: nothing else
it shows is evidence.
"""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W\d_]+)*")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u2e80-\ud7ff\uf900-\uffdc]")
_QUOTED = re.compile(r"`[^`\n]+`")
_NAMES = re.compile(r"\b\w*[_/.]\w[\w/.]*|\b\w*[a-z][A-Z]\w*|\$\w+")
_MARKS = re.compile(r"\$[0-9A-Fa-f]{2,}|\d+|[a-z]_[a-z]|[a-z][A-Z]")
_ASKED = re.compile(r"[A-Za-z_][\w]{3,}")
_TERMINAL = frozenset(".!?:;。！？…)]}>\"'`*_|~/=-")
_ENDS = frozenset(".!?。！？…")
_LISTED = frozenset("-*|#;")
_MARKERS = frozenset("-*•")
_STOCK = re.compile(
    r"as an ai|language model|i(?:'d| would) be (?:happy|glad) to|i hope this helps"
    r"|feel free to|let me know if"
    r"|please provide|i(?:'m| am) sorry|i can(?:'t|not) (?:help|assist|access)"
    r"|great question|happy to help"
    r"|lorem ipsum|in today's|it is important to note",
    re.IGNORECASE,
)
_STOCK_STARTS = ("ai", "model", "provide", "sorry", "question", "ipsum", "today's")
_STOCK_WHOLE = frozenset(
    ("glad", "hope", "free", "know", "can't", "cannot", "important")
)
"""Every stock phrase holds, between white space, a piece that starts so, is one of
these, or ends in `happy`.
"""
_OTHER_CASES = re.compile(r"[\u0130\u0131\u017f\u212a]")
"""Letters that a pattern without case takes for an i, an s or a k."""
FAULTS = (
    "short",
    "long",
    "repetitive",
    "unfinished",
    "boilerplate",
    "unspecific",
    "language",
    "off_topic",
)
"""The factors by what it means that one is low."""


@dataclass(frozen=True)
class InformationRange:
    """Compressed bytes an answer should have: `least` for half the score, `ideal` for
    all, `most` before it falls.
    """

    least: int = 40
    ideal: int = 110
    most: int = 6000


class InformationResult(NamedTuple):
    """The signal and what lowered it."""

    score: float
    ratio: float
    faults: tuple[str, ...] = ()

    @property
    def repetitive(self) -> bool:
        """Whether the text repeats itself so much that no other
        signal means anything.
        """
        return self.ratio < REPETITIVE


@cache
def _words() -> dict[str, frozenset[str]]:
    raw = msgspec.json.decode(
        (files("afs_stages.scoring") / "data/words.json").read_bytes()
    )
    return {
        name: frozenset(text.split()) for name, text in raw.items() if name != "about"
    }


# A text is read piece by piece between white space: what a piece says does not depend
# on its neighbours, and pieces repeat. What is counted of a piece is packed into one
# number, so that the counts of a text are one sum.
_FIELD = 17
"""Bits of a count; a text has fewer than 2**17 characters."""
_FULL = (1 << _FIELD) - 1
_AROUND = '.,;:!?()"'

_Piece = tuple[tuple[str, ...], int]
"""(words; packed: English words, words of letters, words that are no names, marks, open
quotations, stock)
"""


def _packed(
    english: int, letters: int, plain: int, marks: int, open: int, stock: int
) -> int:
    low = english | letters << _FIELD | plain << 2 * _FIELD
    return low | marks << 3 * _FIELD | open << 4 * _FIELD | stock << 5 * _FIELD


_WORD_COUNTS = {
    (english, stock): _packed(english, 1, 1, 0, 0, stock)
    for english in (0, 1)
    for stock in (0, 1)
}


def _is_stock(piece: str) -> bool:
    low = piece.lower()
    if low.startswith(_STOCK_STARTS) or low in _STOCK_WHOLE or low.endswith("happy"):
        return True
    return not piece.isascii() and _OTHER_CASES.search(piece) is not None


def _read_piece(piece: str) -> _Piece:
    stock = _is_stock(piece)
    core = piece.strip(_AROUND)
    if core.isalpha() and core.isascii() and (core[1:].islower() or len(core) == 1):
        word = core.lower()
        return (word,), _WORD_COUNTS[word in _words()["english"], stock]
    words = tuple(map(str.lower, _WORD.findall(piece)))
    if len(core) > 2 and core[0] == "`" == core[-1] and core.count("`") == 2:
        return words, _packed(0, 0, 0, 1, 0, stock)
    bare, marks = _QUOTED.subn(" ", piece) if "`" in piece else (piece, 0)
    # words that are names or paths are of no language
    rest = _NAMES.sub(" ", bare)
    plain = words if rest == piece else list(map(str.lower, _WORD.findall(rest)))
    letters = [word for word in plain if word.isalpha()]
    english = len([word for word in letters if word in _words()["english"]])
    return words, _packed(
        english,
        len(letters),
        len(plain),
        marks + len(_MARKS.findall(bare)),
        "`" in bare,
        stock,
    )


_piece = Memo(_read_piece).__getitem__


class _Prose(NamedTuple):
    """A text as words, and what stands outside its quotations."""

    text: str
    words: list[str]
    distinct: set[str]
    marks: int
    plain: int
    letters: int
    english: int
    stock: int
    """Pieces that stock phrases are made of."""

    @classmethod
    def of(cls, text: str) -> _Prose:
        pieces = list(map(_piece, text.split()))
        words = [word for found, _ in pieces for word in found]
        packed, quoted = sum([counts for _, counts in pieces]), 0
        stock = packed >> 5 * _FIELD
        if packed >> 4 * _FIELD & _FULL:
            # a quotation of several pieces
            bare, quoted = _QUOTED.subn(" ", text)
            packed = sum([counts for _, counts in map(_piece, bare.split())])
        english, letters, plain, marks = [
            packed >> at * _FIELD & _FULL for at in range(4)
        ]
        return cls(
            text, words, set(words), quoted + marks, plain, letters, english, stock
        )


def compressed(text: str) -> tuple[int, float]:
    """(compressed bytes, share of the text's own bytes; 1 where the text is short)."""
    data = text.encode("utf-8", "surrogatepass")
    size = max(0, len(zlib.compress(data, 1)) - 8)
    return size, size / len(data) if len(data) > 160 else 1.0


def read(
    instruction: str, answer: str, shape: InformationRange, given: str = ""
) -> InformationResult:
    """The signal for an answer to an instruction,
    with the text it was given to work on.
    """
    text = answer[:MAX_CHARS]
    if not text.strip():
        return InformationResult(0.0, 1.0, ("empty",))
    size, ratio = compressed(text)
    prose = _Prose.of(without_code(text))
    factors = (
        _amount(size, shape, given),
        1.0 if len(answer) <= MAX_CHARS and size <= shape.most else 0.6,
        _variety(prose, ratio),
        finished(text),
        _own_words(prose),
        _specific(prose, text),
        _language(instruction, prose),
        _relevance(instruction, text),
    )
    faults = (
        ()
        if min(factors) >= 0.75
        else tuple([n for n, f in zip(FAULTS, factors, strict=True) if f < 0.75])
    )
    return InformationResult(round(prod(factors), 6), ratio, faults)


def _amount(size: int, shape: InformationRange, given: str) -> float:
    ideal = shape.ideal
    if given and size < MOST_ASKED:
        # an answer about a text says about as much as there is in it;
        # good ones say more
        ideal = max(
            ideal,
            min(MOST_ASKED, round(SHARE_ASKED * compressed(given[:MAX_GIVEN])[0])),
        )
    if size >= ideal:
        return 1.0
    if size >= shape.least:
        return 0.5 + 0.5 * (size - shape.least) / (ideal - shape.least)
    return 0.5 * size / shape.least


def _variety(prose: _Prose, ratio: float) -> float:
    """Falls with compressibility, and with the share of word triples
    that came before.
    """
    factor = min(1.0, (ratio / 0.3) ** 2)
    words, distinct = prose.words, len(prose.distinct)
    if len(words) >= 24:
        # every new word ends a new triple, so that varied words need no
        # look at the triples
        if distinct - 2 < 0.8 * (len(words) - 2):
            triples = set(zip(words, words[1:], words[2:], strict=False))
            factor *= min(1.0, (len(triples) / (len(words) - 2) / 0.8) ** 2)
        factor *= min(1.0, 4 * distinct / len(words) ** 0.85)
    return factor


def finished(text: str) -> float:
    """Low for an answer that breaks off: no end of sentence, an open fence or bracket,
    a list that ends elsewise.
    """
    tail = text.rstrip()
    last = tail.rsplit("\n", 1)[-1].strip()
    factor = 1.0
    if tail.count("```") % 2:
        factor *= 0.3
    if (
        tail.count("(") > tail.count(")") + 1
        or last.count("(") > last.count(")")
        or last.replace("```", "").count("`") % 2
    ):
        factor *= 0.5
    if tail[-1] not in _ENDS and _breaks_off(tail, last):
        factor *= 0.4
    return factor


def _breaks_off(tail: str, last: str) -> bool:
    """Whether a last line without the end of a sentence is only a part of
    what was to be said.
    """
    if last[-1] == ":" or last in _MARKERS:
        return True
    kind = _kind(last)
    if not kind and last[-1] not in _TERMINAL and len(last.split()) > 3:
        return True
    if last[-1] in "=/-~" and any(map(str.isalnum, last)):
        return True
    alike = [
        line
        for line in map(str.strip, tail.split("\n")[:-1])
        if line and _kind(line) == kind
    ]
    if len(alike) < 2:
        return False
    if kind == "|":
        return last.count("|") < alike[-1].count("|")
    if kind == "#" or (last[-1] in _TERMINAL and last[-1] != "`"):
        return False
    ends = _ENDS if last[-1] == "`" else _TERMINAL
    return all(line[-1] in ends for line in alike)


def _kind(line: str) -> str:
    """What a line is: the sign of a list, a table or a heading, `1` for a numbered one,
    nothing for prose.
    """
    return line[0] if line[0] in _LISTED else "1" if line[0].isdigit() else ""


def _own_words(prose: _Prose) -> float:
    hits = len(_STOCK.findall(prose.text)) if prose.stock else 0
    return (
        1.0 if not hits else max(0.15, 1 - 60 * hits / max(len(prose.text), 80)) * 0.8
    )


def _specific(prose: _Prose, text: str) -> float:
    """Low where prose is made of words that fit any answer: no name,
    number or uncommon word.
    """
    words = prose.words
    if len(words) < 8:
        return 1.0 if len(text) > 2 * len(prose.text) or len(words) > 3 else 0.7
    share = len(prose.distinct - _words()["common"]) / len(prose.distinct)
    return min(1.0, 0.25 + (share + min(prose.marks / len(words), 0.3)) / 0.5)


def _language(instruction: str, prose: _Prose) -> float:
    """Low where a question in English is answered in another language or script,
    or in no language.
    """
    text = prose.text
    if prose.plain < 12:
        return (
            1.0
            if text.isascii()
            or not _OTHER_SCRIPT.search(text)
            or _OTHER_SCRIPT.search(instruction)
            else 0.3
        )
    if not instruction.isascii() and _OTHER_SCRIPT.search(instruction):
        return 1.0
    other = 0.0 if text.isascii() else len(_OTHER_SCRIPT.findall(text)) / len(text)
    share = prose.english / max(prose.letters, 1)
    factor = min(1.0, 0.15 + share / 0.16) * max(0.1, 1 - 4 * other)
    if factor == 1 or (other < 0.02 and _is_listing(prose)) or _foreign(instruction):
        return 1.0
    return factor


def _is_listing(prose: _Prose) -> bool:
    """Whether a text is names and values line by line:
    such lines need no words of any language.
    """
    return prose.plain < 8 * sum(map(bool, map(str.strip, prose.text.split("\n"))))


def _foreign(question: str) -> bool:
    """Whether a question is itself in no English, so that its answer need not be."""
    asked = _WORD.findall(question.lower())
    return (
        len(asked) >= 6
        and sum(word in _words()["english"] for word in asked) / len(asked) < 0.1
    )


def _asked_in(piece: str) -> tuple[str, ...]:
    return tuple(
        [
            low
            for word in _ASKED.findall(piece)
            if (low := word.lower()) not in _words()["common"]
        ]
    )


_piece_asked = Memo(_asked_in).__getitem__


def _relevance(instruction: str, text: str) -> float:
    """Low where the answer takes up nothing of what the question names; a name in
    quotes is enough.
    """
    if "`" in instruction and any(
        quoted in text for quoted in _QUOTED.findall(instruction[:4000])
    ):
        return 1.0
    asked = set(chain.from_iterable(map(_piece_asked, instruction[:4000].split())))
    if len(asked) < 2:
        return 1.0
    body, enough, hits = text.lower(), min(2, len(asked) - 1), 0
    for word in asked:
        if word[:6] in body:
            hits += 1
            if hits == enough:
                return 1.0
    return 0.85 if hits else 0.6
