"""How much an answer says: information rather than characters, finished, specific, in
the question's language.

The signal is a product of factors in [0, 1], so that one plain fault shows whatever
else is right. Information is measured in compressed bytes: repetition adds none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from math import prod
from operator import attrgetter
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
# on its neighbours, and pieces repeat.
_AROUND = '.,;:!?()"'


class _Piece(NamedTuple):
    """What is counted of one piece of a text."""

    words: tuple[str, ...]
    english: int = 0
    letters: int = 0
    """Words of letters alone."""
    plain: int = 0
    """Words that are no names."""
    marks: int = 0
    opens_quotation: bool = False
    is_stock: bool = False


def _is_stock(piece: str) -> bool:
    low = piece.lower()
    if low.startswith(_STOCK_STARTS) or low in _STOCK_WHOLE or low.endswith("happy"):
        return True
    return not piece.isascii() and _OTHER_CASES.search(piece) is not None


def _lower_words(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(text))


def _count_english(words: Iterable[str]) -> int:
    english = _words()["english"]
    return sum(word in english for word in words)


def _read_piece(piece: str) -> _Piece:
    core = piece.strip(_AROUND)
    if _is_plain_word(core):
        return _one_word(core.lower(), _is_stock(piece))
    if _is_quotation(core):
        return _Piece(_lower_words(piece), marks=1, is_stock=_is_stock(piece))
    return _mixed_piece(piece)


def _is_plain_word(core: str) -> bool:
    if not core.isalpha() or not core.isascii():
        return False
    # capitals after the first letter make a name
    return len(core) == 1 or core[1:].islower()


def _one_word(word: str, is_stock: bool) -> _Piece:
    return _Piece(
        words=(word,),
        english=_count_english((word,)),
        letters=1,
        plain=1,
        is_stock=is_stock,
    )


def _is_quotation(core: str) -> bool:
    """Whether a piece is one quotation from its first to its last character."""
    if len(core) <= 2 or core.count("`") != 2:
        return False
    return core[0] == "`" and core[-1] == "`"


def _mixed_piece(piece: str) -> _Piece:
    bare, quoted = _QUOTED.subn(" ", piece)
    # words that are names or paths are of no language
    plain = _lower_words(_NAMES.sub(" ", bare))
    letters = [word for word in plain if word.isalpha()]
    return _Piece(
        words=_lower_words(piece),
        english=_count_english(letters),
        letters=len(letters),
        plain=len(plain),
        marks=quoted + len(_MARKS.findall(bare)),
        opens_quotation="`" in bare,
        is_stock=_is_stock(piece),
    )


_piece = Memo(_read_piece).__getitem__


def _pieces(text: str) -> list[_Piece]:
    return [_piece(piece) for piece in text.split()]


def _total(pieces: Iterable[_Piece], count: str) -> int:
    return sum(map(attrgetter(count), pieces))


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
        pieces = _pieces(text)
        words = list(chain.from_iterable([piece.words for piece in pieces]))
        quoted = 0
        outside = pieces
        if _total(pieces, "opens_quotation"):
            # a quotation of several pieces
            bare, quoted = _QUOTED.subn(" ", text)
            outside = _pieces(bare)
        marks = quoted + _total(outside, "marks")
        plain = _total(outside, "plain")
        letters = _total(outside, "letters")
        english = _total(outside, "english")
        stock = _total(pieces, "is_stock")
        distinct = set(words)
        return cls(text, words, distinct, marks, plain, letters, english, stock)


def compressed(text: str) -> tuple[int, float]:
    """(compressed bytes, share of the text's own bytes; 1 where the text is short)."""
    data = text.encode("utf-8", "surrogatepass")
    # eight bytes are the format's own
    size = max(0, len(zlib.compress(data, 1)) - 8)
    if len(data) <= 160:
        return size, 1.0
    return size, size / len(data)


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
    is_too_long = len(answer) > MAX_CHARS or size > shape.most
    brevity = 0.6 if is_too_long else 1.0
    # in the order of `FAULTS`
    factors = (
        _amount(size, shape, given),
        brevity,
        _variety(prose, ratio),
        finished(text),
        _own_words(prose),
        _specific(prose, text),
        _language(instruction, prose),
        _relevance(instruction, text),
    )
    named = zip(FAULTS, factors, strict=True)
    faults = tuple(fault for fault, factor in named if factor < 0.75)
    return InformationResult(round(prod(factors), 6), ratio, faults)


def _amount(size: int, shape: InformationRange, given: str) -> float:
    ideal = shape.ideal
    if given and size < MOST_ASKED:
        # an answer about a text says about as much as there is in it;
        # good ones say more
        given_size, _ = compressed(given[:MAX_GIVEN])
        asked = min(MOST_ASKED, round(SHARE_ASKED * given_size))
        ideal = max(ideal, asked)
    if size >= ideal:
        return 1.0
    if size >= shape.least:
        return 0.5 + 0.5 * (size - shape.least) / (ideal - shape.least)
    return 0.5 * size / shape.least


def _variety(prose: _Prose, ratio: float) -> float:
    """Falls with compressibility, and with the share of word triples
    that came before.
    """
    factor: float = min(1.0, (ratio / 0.3) ** 2)
    words = prose.words
    if len(words) < 24:
        return factor
    triples = set(zip(words, words[1:], words[2:], strict=False))
    new_triples = len(triples) / (len(words) - 2)
    factor *= min(1.0, (new_triples / 0.8) ** 2)
    factor *= min(1.0, 4 * len(prose.distinct) / len(words) ** 0.85)
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
    if _leaves_open(tail, last):
        factor *= 0.5
    if tail[-1] not in _ENDS and _breaks_off(tail, last):
        factor *= 0.4
    return factor


def _leaves_open(tail: str, last: str) -> bool:
    """Whether a bracket or a quotation has no end."""
    if tail.count("(") > tail.count(")") + 1:
        return True
    if last.count("(") > last.count(")"):
        return True
    return last.replace("```", "").count("`") % 2 == 1


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
    return _leaves_list(tail, last, kind)


def _leaves_list(tail: str, last: str, kind: str) -> bool:
    """Whether the lines like the last one end elsewise."""
    before = [line.strip() for line in tail.split("\n")[:-1]]
    filled = [line for line in before if line]
    alike = [line for line in filled if _kind(line) == kind]
    if len(alike) < 2:
        return False
    if kind == "|":
        return last.count("|") < alike[-1].count("|")
    if kind == "#" or (last[-1] in _TERMINAL and last[-1] != "`"):
        return False
    ends = _TERMINAL
    if last[-1] == "`":
        ends = _ENDS
    return all(line[-1] in ends for line in alike)


def _kind(line: str) -> str:
    """What a line is: the sign of a list, a table or a heading, `1` for a numbered one,
    nothing for prose.
    """
    first = line[0]
    if first in _LISTED:
        return first
    if first.isdigit():
        return "1"
    return ""


def _own_words(prose: _Prose) -> float:
    if not prose.stock:
        return 1.0
    hits = len(_STOCK.findall(prose.text))
    if not hits:
        return 1.0
    share = 60 * hits / max(len(prose.text), 80)
    return max(0.15, 1 - share) * 0.8


def _specific(prose: _Prose, text: str) -> float:
    """Low where prose is made of words that fit any answer: no name,
    number or uncommon word.
    """
    words = prose.words
    if len(words) < 8:
        is_mostly_code = len(text) > 2 * len(prose.text)
        return 1.0 if is_mostly_code or len(words) > 3 else 0.7
    uncommon = prose.distinct - _words()["common"]
    share = len(uncommon) / len(prose.distinct)
    marked = min(prose.marks / len(words), 0.3)
    return min(1.0, 0.25 + (share + marked) / 0.5)


def _language(instruction: str, prose: _Prose) -> float:
    """Low where a question in English is answered in another language or script,
    or in no language.
    """
    asked_elsewise = _has_other_script(instruction)
    if prose.plain < 12:
        answered_elsewise = _has_other_script(prose.text) and not asked_elsewise
        return 0.3 if answered_elsewise else 1.0
    if asked_elsewise:
        return 1.0
    other = len(_OTHER_SCRIPT.findall(prose.text)) / len(prose.text)
    share = prose.english / max(prose.letters, 1)
    factor = min(1.0, 0.15 + share / 0.16)
    factor *= max(0.1, 1 - 4 * other)
    if factor == 1:
        return 1.0
    if other < 0.02 and _is_listing(prose):
        return 1.0
    if _foreign(instruction):
        return 1.0
    return factor


def _has_other_script(text: str) -> bool:
    return _OTHER_SCRIPT.search(text) is not None


def _is_listing(prose: _Prose) -> bool:
    """Whether a text is names and values line by line:
    such lines need no words of any language.
    """
    filled = [line for line in prose.text.split("\n") if line.strip()]
    return prose.plain < 8 * len(filled)


def _foreign(question: str) -> bool:
    """Whether a question is itself in no English, so that its answer need not be."""
    asked = _WORD.findall(question.lower())
    if len(asked) < 6:
        return False
    return _count_english(asked) / len(asked) < 0.1


def _asked_in(piece: str) -> tuple[str, ...]:
    words = [word.lower() for word in _ASKED.findall(piece)]
    return tuple(word for word in words if word not in _words()["common"])


_piece_asked = Memo(_asked_in).__getitem__


def _relevance(instruction: str, text: str) -> float:
    """Low where the answer takes up nothing of what the question names; a name in
    quotes is enough.
    """
    question = instruction[:4000]
    if any(quoted in text for quoted in _QUOTED.findall(question)):
        return 1.0
    asked = set(chain.from_iterable(map(_piece_asked, question.split())))
    if len(asked) < 2:
        return 1.0
    body = text.lower()
    # six letters stand for the forms of a word
    hits = sum(word[:6] in body for word in asked)
    if hits >= min(2, len(asked) - 1):
        return 1.0
    return 0.85 if hits else 0.6
