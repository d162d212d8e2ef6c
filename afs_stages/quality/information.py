"""How much an answer says: information rather than characters, finished, specific, in the question's language.

The signal is a product of factors in [0, 1], so that one plain fault shows whatever else is right.
Information is measured in compressed bytes: repetition adds none.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from afs_stages.quality.blocks import without_code

MAX_CHARS = 65_536
"""Text beyond this is not read; such an answer is too long anyway."""
REPETITIVE = 0.12
"""A text of some length that compresses below this share repeats itself: nothing else it shows is evidence."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W\d_]+)*")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u2e80-\ud7ff\uf900-\uffdc]")
_NAMES = re.compile(r"`[^`\n]*`|\b\w*[_/.]\w[\w/.]*|\b\w*[a-z][A-Z]\w*|\$\w+")
_TERMINAL = re.compile(r"""[.!?:;。！？…)\]}>"'`*_|~/=-]\s*$""")
_BOILERPLATE = re.compile(
    r"as an ai|language model|i(?:'d| would) be (?:happy|glad) to|i hope this helps|feel free to|let me know if"
    r"|please provide|i(?:'m| am) sorry|i can(?:'t|not) (?:help|assist|access)|great question|happy to help"
    r"|lorem ipsum|in today's|it is important to note",
    re.IGNORECASE,
)


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
    prose = without_code(text)
    words = [word.lower() for word in _WORD.findall(prose)]
    factors = {
        "short": _amount(size, shape),
        "long": 1.0 if len(answer) <= MAX_CHARS and size <= shape.most else 0.6,
        "repetitive": _variety(words, ratio),
        "unfinished": _finished(text),
        "boilerplate": _own_words(prose),
        "unspecific": _specific(words, prose, text),
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
    if not _TERMINAL.search(tail) and len(last.split()) > 3 and not last.startswith(("-", "*", "|", "#", ";")):
        factor *= 0.4
    return factor


def _own_words(prose: str) -> float:
    hits = len(_BOILERPLATE.findall(prose))
    return 1.0 if not hits else max(0.15, 1 - 60 * hits / max(len(prose), 80)) * 0.8


def _specific(words: list[str], prose: str, text: str) -> float:
    """Low where prose is made of words that fit any answer: no name, number or uncommon word."""
    if len(words) < 8:
        return 1.0 if len(text) > 2 * len(prose) or len(words) > 3 else 0.7
    common = _words()["common"]
    distinct = set(words)
    special = {word for word in distinct if word not in common}
    share = len(special) / len(distinct)
    marks = len(re.findall(r"`[^`\n]+`|\$[0-9A-Fa-f]{2,}|\d+|[a-z]_[a-z]|[a-z][A-Z]", prose))
    return min(1.0, 0.25 + (share + min(marks / len(words), 0.3)) / 0.5)


def _language(instruction: str, prose: str) -> float:
    """Low where a question in English is answered in another language or script, or in no language."""
    # names and paths are of no language
    words = [word.lower() for word in _WORD.findall(_NAMES.sub(" ", prose))]
    if len(words) < 12:
        return 1.0 if not _OTHER_SCRIPT.search(prose) or _OTHER_SCRIPT.search(instruction) else 0.3
    english = _words()["english"]
    if _OTHER_SCRIPT.search(instruction):
        return 1.0
    other = len(_OTHER_SCRIPT.findall(prose)) / max(len(prose), 1)
    asked = _WORD.findall(instruction.lower())
    if len(asked) >= 6 and sum(word in english for word in asked) / len(asked) < 0.1:
        return 1.0
    plain = [word for word in words if word.isalpha()]
    share = sum(word in english for word in plain) / max(len(plain), 1)
    return min(1.0, 0.15 + share / 0.16) * max(0.1, 1 - 4 * other)


def _relevance(instruction: str, text: str) -> float:
    """Low where the answer takes up nothing of what the question names."""
    common = _words()["common"]
    asked = {word.lower() for word in re.findall(r"[A-Za-z_][\w]{3,}", instruction[:4000])} - common
    if len(asked) < 2:
        return 1.0
    body = text.lower()
    hits = sum(word[:6] in body for word in asked)
    return 1.0 if hits >= min(2, len(asked) - 1) else (0.85 if hits else 0.6)
