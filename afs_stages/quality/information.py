"""How much an answer says: information rather than characters, finished, specific, in the question's language.

The signal is a product of factors in [0, 1], so that one plain fault shows whatever else is right.
Information is measured in compressed bytes: repetition adds none.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from afs_stages.quality.blocks import without_code

MAX_CHARS = 65_536
"""Text beyond this is not read; such an answer is too long anyway."""
REPETITIVE = 0.12
"""A text of some length that compresses below this share repeats itself: nothing else it shows is evidence."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W\d_]+)*")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u2e80-\ud7ff\uf900-\uffdc]")
_QUOTED = re.compile(r"`[^`\n]+`")
_NAMES = re.compile(r"\b\w*[_/.]\w[\w/.]*|\b\w*[a-z][A-Z]\w*|\$\w+")
_MARKS = re.compile(r"\$[0-9A-Fa-f]{2,}|\d+|[a-z]_[a-z]|[a-z][A-Z]")
_ASKED = re.compile(r"[A-Za-z_][\w]{3,}")
_TERMINAL = frozenset(".!?:;。！？…)]}>\"'`*_|~/=-")
_STOCK = re.compile(
    r"as an ai|language model|i(?:'d| would) be (?:happy|glad) to|i hope this helps|feel free to|let me know if"
    r"|please provide|i(?:'m| am) sorry|i can(?:'t|not) (?:help|assist|access)|great question|happy to help"
    r"|lorem ipsum|in today's|it is important to note",
    re.IGNORECASE,
)
_STOCK_PARTS = (
    "as an ai", "language model", " be happy", " be glad", "i hope this", "feel free", "let me know", "please prov",
    " sorry", "i can't", "i cannot", "great question", "happy to", "lorem ip", "in today's", "is important",
)  # fmt: skip
"""Every stock phrase holds one of these, which is quicker to rule out."""


@dataclass(frozen=True)
class Shape:
    """Compressed bytes an answer should have: `least` for half the score, `ideal` for all, `most` before it falls."""

    least: int = 40
    ideal: int = 110
    most: int = 6000


@dataclass(frozen=True)
class Reading:
    """The signal and what lowered it."""

    score: float
    ratio: float
    faults: tuple[str, ...] = ()

    @property
    def repetitive(self) -> bool:
        """Whether the text repeats itself so much that no other signal means anything."""
        return self.ratio < REPETITIVE


@cache
def _words() -> dict[str, frozenset[str]]:
    raw = msgspec.json.decode((files("afs_stages.quality") / "data/words.json").read_bytes())
    return {name: frozenset(text.split()) for name, text in raw.items() if name != "about"}


class _Piece(NamedTuple):
    """A piece of text without white space; what it says does not depend on its neighbours, and pieces repeat."""

    words: tuple[str, ...]
    marks: int
    plain: int
    """Words that are no names or paths, which are of no language."""
    letters: int
    english: int


@lru_cache(maxsize=65536)
def _piece(text: str) -> _Piece:
    words = tuple(word.lower() for word in _WORD.findall(text))
    plain = [word.lower() for word in _WORD.findall(_NAMES.sub(" ", text))]
    letters = [word for word in plain if word.isalpha()]
    english = sum(word in _words()["english"] for word in letters)
    return _Piece(words, len(_MARKS.findall(text)), len(plain), len(letters), english)


@dataclass(frozen=True)
class _Prose:
    """A text as words, and what stands outside its quotations."""

    text: str
    words: list[str]
    marks: int
    plain: int
    letters: int
    english: int

    @classmethod
    def of(cls, text: str) -> _Prose:
        pieces = list(map(_piece, text.split()))
        words = [word for piece in pieces for word in piece.words]
        quoted = 0
        if "`" in text:
            bare, quoted = _QUOTED.subn(" ", text)
            pieces = list(map(_piece, bare.split()))
        columns = list(zip(*pieces, strict=True))[1:] or [()] * 4
        marks, plain, letters, english = map(sum, columns)
        return cls(text, words, quoted + marks, plain, letters, english)


def compressed(text: str) -> tuple[int, float]:
    """(compressed bytes, share of the text's own bytes; 1 where the text is short)."""
    data = text.encode("utf-8", "surrogatepass")
    size = max(0, len(zlib.compress(data, 1)) - 8)
    return size, size / len(data) if len(data) > 160 else 1.0


def read(instruction: str, answer: str, shape: Shape) -> Reading:
    """The signal for an answer to an instruction."""
    text = answer[:MAX_CHARS]
    if not text.strip():
        return Reading(0.0, 1.0, ("empty",))
    size, ratio = compressed(text)
    prose = _Prose.of(without_code(text))
    factors = {
        "short": _amount(size, shape),
        "long": 1.0 if len(answer) <= MAX_CHARS and size <= shape.most else 0.6,
        "repetitive": _variety(prose.words, ratio),
        "unfinished": _finished(text),
        "boilerplate": _own_words(prose.text),
        "unspecific": _specific(prose, text),
        "language": _language(instruction, prose),
        "off_topic": _relevance(instruction, text),
    }
    score = 1.0
    for factor in factors.values():
        score *= factor
    return Reading(round(score, 6), ratio, tuple(name for name, factor in factors.items() if factor < 0.75))


def _amount(size: int, shape: Shape) -> float:
    if size >= shape.ideal:
        return 1.0
    if size >= shape.least:
        return 0.5 + 0.5 * (size - shape.least) / (shape.ideal - shape.least)
    return 0.5 * size / shape.least


def _variety(words: list[str], ratio: float) -> float:
    """Falls with compressibility, and with the share of word triples that came before."""
    factor = min(1.0, (ratio / 0.3) ** 2)
    if len(words) >= 24:
        triples = list(zip(words, words[1:], words[2:], strict=False))
        factor *= min(1.0, (len(set(triples)) / len(triples) / 0.8) ** 2)
        factor *= min(1.0, 4 * len(set(words)) / len(words) ** 0.85)
    return factor


def _finished(text: str) -> float:
    """Low for an answer that breaks off: no end of sentence, an open fence or bracket."""
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
    if tail[-1] not in _TERMINAL and len(last.split()) > 3 and not last.startswith(("-", "*", "|", "#", ";")):
        factor *= 0.4
    return factor


def _own_words(prose: str) -> float:
    low = prose.lower()
    if low.isascii() and not any(part in low for part in _STOCK_PARTS):
        return 1.0
    hits = len(_STOCK.findall(prose))
    return 1.0 if not hits else max(0.15, 1 - 60 * hits / max(len(prose), 80)) * 0.8


def _specific(prose: _Prose, text: str) -> float:
    """Low where prose is made of words that fit any answer: no name, number or uncommon word."""
    words = prose.words
    if len(words) < 8:
        return 1.0 if len(text) > 2 * len(prose.text) or len(words) > 3 else 0.7
    distinct = set(words)
    share = len(distinct - _words()["common"]) / len(distinct)
    return min(1.0, 0.25 + (share + min(prose.marks / len(words), 0.3)) / 0.5)


def _language(instruction: str, prose: _Prose) -> float:
    """Low where a question in English is answered in another language or script, or in no language."""
    text = prose.text
    if prose.plain < 12:
        return 1.0 if text.isascii() or not _OTHER_SCRIPT.search(text) or _OTHER_SCRIPT.search(instruction) else 0.3
    if not instruction.isascii() and _OTHER_SCRIPT.search(instruction):
        return 1.0
    other = 0.0 if text.isascii() else len(_OTHER_SCRIPT.findall(text)) / len(text)
    share = prose.english / max(prose.letters, 1)
    factor = min(1.0, 0.15 + share / 0.16) * max(0.1, 1 - 4 * other)
    return 1.0 if factor < 1 and _foreign(instruction) else factor


def _foreign(question: str) -> bool:
    """Whether a question is itself in no English, so that its answer need not be."""
    asked = _WORD.findall(question.lower())
    return len(asked) >= 6 and sum(word in _words()["english"] for word in asked) / len(asked) < 0.1


def _relevance(instruction: str, text: str) -> float:
    """Low where the answer takes up nothing of what the question names."""
    common = _words()["common"]
    asked = {word.lower() for word in _ASKED.findall(instruction[:4000])} - common
    if len(asked) < 2:
        return 1.0
    body = text.lower()
    hits = sum(word[:6] in body for word in asked)
    return 1.0 if hits >= min(2, len(asked) - 1) else (0.85 if hits else 0.6)
