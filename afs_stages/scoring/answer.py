"""What an answer shows by itself and beside its question: how much it says, whether it
ends, repeats itself, refuses, or is in another language.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

import msgspec

from afs_stages.scoring.blocks import fenced, without_code
from afs_stages.scoring.residue import residue

MOST_CHARS = 65_536
"""Text beyond this is not read."""
NO_COPY = 160
"""Bytes below which a text is too short to be called compressible."""
REPETITIVE = 0.12
"""Share of its bytes to which a text compresses that says one thing again and again;
the lowest of 10,223 exported rows (docs/quality/scorer.md) is 0.16.
"""
FEWEST_TRIPLES = 24
NEW_TRIPLES = 0.3
"""Share of a prose text's word triples that come for the first time, below which it
goes round in a loop; the lowest of 10,223 good rows is 0.33.
"""
REPEATED = 0.4
"""Share of a text that stands in sentences it has said before; the highest of 10,223
good rows is 0.30.
"""
WHOLE_SENTENCE = 20
"""Characters from which a sentence said again is no coincidence."""
FEWEST_PLAIN = 12
"""Words that are no names, below which they are no measure."""
MOST_WORDS = 400
"""By so many words a language is told."""
FEWEST_TOLD = 6
"""Plain words of a text whose language is told."""
SHARED_WORD = 2
"""Letters of function words that languages share (`a`, `no`, `do`): they tell none."""
ENGLISH = 0.05
"""Share of longer English function words among plain words from which a text is
English; terse notes in English have as few, so another language must show.
"""
SURE_LANGUAGE = 0.95
"""Probability that the language identifier must give another language; it gives none
of 8,794 good rows of six code bases as much.
"""
OTHER_LETTERS = 0.2
"""Share of letters of another script that makes an answer one in another language."""
UNREMARKABLE = 0.5
"""Compression to half is what any text allows."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TOKEN = re.compile(r"\w+")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u2e80-\ud7ff\uf900-\uffdc]")
_QUOTED = re.compile(r"`[^`\n]+`")
_WHOLE = re.compile(r"\$?\w+(?:[/.]\w+)*")
_SENTENCE = re.compile(r"[.!?](?:\s+|$)|\n+")
_I = r"\b(?:i|we|i'm|we're|i'd|as an ai)\b"
_CANNOT = (
    r"(?:can(?:no|')t|can not|could ?n[o']t|unable|not able|won't|will not|wouldn't"
    r"|do(?:n't| not) (?:have|know|see|feel)|have no (?:way|access|information|idea)"
    r"|lack|declin|sorry|apolog|not (?:comfortable|allowed|permitted|possible)|refuse)"
)
_REFUSES = re.compile(
    rf"{_I}[^.!?\n]{{0,60}}?{_CANNOT}|^\W*(?:sorry|unfortunately|apologies)\b"
    r"|please (?:provide|share|consult|refer|clarify)"
    r"|(?:could|can) you (?:please )?(?:provide|share|clarify|tell me)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AnswerLength:
    """Compressed bytes at which an answer is long enough."""

    ideal: int = 110


@dataclass(frozen=True)
class AnswerReading:
    """`measures` by name, null where they do not apply, and the certain faults."""

    measures: dict[str, float | None]
    faults: tuple[str, ...]


@cache
def word_list(name: str) -> frozenset[str]:
    """The words of a list in `data/words.json`."""
    raw = (files("afs_stages.scoring") / "data/words.json").read_bytes()
    return frozenset(msgspec.json.decode(raw)[name].split())


def compressed(text: str) -> tuple[int, float]:
    """(compressed bytes, share of the text's own bytes; 1 for a short text)."""
    data = text.encode("utf-8", "surrogatepass")
    # eight bytes are the format's own
    size = max(0, len(zlib.compress(data, 1)) - 8)
    return size, size / len(data) if len(data) > NO_COPY else 1.0


def read_answer(question: str, answer: str, length: AnswerLength) -> AnswerReading:
    """What an answer to a question shows."""
    text = answer[:MOST_CHARS]
    if not _TOKEN.search(text):
        return AnswerReading({}, ("empty",))
    size, ratio = compressed(text)
    prose = without_code(text)
    words = plain_words(_QUOTED.sub(" ", prose))
    triples = new_triples(prose)
    new = new_specifics(question, text)
    tokens = len(_TOKEN.findall(text))
    amount = log((size + 1) / length.ideal)
    loops = ratio < REPETITIVE or (triples or 1.0) < NEW_TRIPLES
    repetitive = loops or repeated(prose) >= REPEATED
    measures = {
        "amount": min(0.0, amount),
        "compresses": log(min(ratio, UNREMARKABLE)),
        "triples": triples,
        "density": len(new) / tokens,
        "distinctive": distinctive(words),
    }
    tests = {
        "unfinished": breaks_off(text),
        "repetitive": repetitive,
        "language": other_language(question, prose, words),
        "refusal": refuses(prose, text, new),
        "residue": residue(question, prose),
    }
    return AnswerReading(measures, tuple(name for name, met in tests.items() if met))


def new_triples(prose: str) -> float | None:
    """Share of the word triples of a text that come for the first time; None for a
    short one.
    """
    words = prose.lower().split()
    if len(words) < FEWEST_TRIPLES:
        return None
    triples = set(zip(words, words[1:], words[2:], strict=False))
    return len(triples) / (len(words) - 2)


def repeated(prose: str) -> float:
    """Share of a text that stands in whole sentences it has said before."""
    sentences = [one.strip() for one in _SENTENCE.split(prose)]
    whole = [one for one in sentences if len(one) >= WHOLE_SENTENCE]
    again = len("".join(whole)) - len("".join(dict.fromkeys(whole)))
    return again / max(len(prose), 1)


def new_specifics(question: str, text: str) -> set[str]:
    """Names, numbers and quotations of an answer that the question does not hold."""
    found = {one for one in _WHOLE.findall(text) if is_name(one)}
    found.update(quoted.strip("`") for quoted in _QUOTED.findall(text))
    return {one for one in found if one not in question}


def is_name(token: str) -> bool:
    """Whether a token is a name, a path or a number rather than a word."""
    return not token.isalpha() or any(map(str.isupper, token[1:]))


def plain_words(text: str) -> list[str]:
    """The words of a text, in lower case, that are no names."""
    without_names = _WHOLE.sub(
        lambda found: " " if is_name(found[0]) else found[0], text
    )
    return [word.lower() for word in _WORD.findall(without_names)]


def distinctive(words: Sequence[str]) -> float | None:
    """Share of the distinct words that do not fit any answer."""
    distinct = set(words)
    if len(distinct) < FEWEST_PLAIN:
        return None
    return len(distinct - word_list("common")) / len(distinct)


REFUSING = 0.4
"""Share of a refusal's text that refuses; a judgement. Good answers that begin with
what cannot be done go on with what can.
"""


def refuses(prose: str, text: str, new: set[str]) -> bool:
    """Whether an answer says that it gives none: a refusal in its first two sentences,
    and nothing specific that the question did not name.
    """
    if len(new) > 1 or len(text) > 2 * len(prose) + 40:
        return False
    sentences = [one for one in _SENTENCE.split(prose) if one.strip()]
    refusing = [one for one in sentences if _REFUSES.search(one)]
    if not any(one in refusing for one in sentences[:2]):
        return False
    return sum(map(len, refusing)) >= REFUSING * sum(map(len, sentences))


def other_language(question: str, prose: str, words: Sequence[str]) -> bool:
    """Whether an answer is in another language or script than its question."""
    if sum(map(len, words)) and _other_script(prose) > OTHER_LETTERS:
        return _other_script(question) <= OTHER_LETTERS
    told = language(words)
    if not told:
        return False
    asked = plain_words(without_code(question))
    return told != (language(asked) or "en")


def _other_script(text: str) -> float:
    letters = sum(map(str.isalpha, text))
    return len(_OTHER_SCRIPT.findall(text)) / letters if letters else 0.0


def language(words: Sequence[str]) -> str:
    """The language that words are surely in; empty where they do not show it."""
    if len(words) < FEWEST_TOLD:
        return ""
    telling = [word for word in words if len(word) > SHARED_WORD]
    english = sum(word in word_list("english") for word in telling)
    if english / len(words) >= ENGLISH:
        return "en"
    name, sure = _identifier().classify(" ".join(words[:MOST_WORDS]))
    return str(name) if sure >= SURE_LANGUAGE and name != "en" else ""


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


_TERMINAL = frozenset(".!?:;。！？…)]}>\"'`*_|~/=-")
_ENDS = frozenset(".!?。！？…")
_MARKERS = frozenset("-*•")


def breaks_off(text: str) -> bool:
    """Whether an answer is only a part of what was to be said: an open fence, bracket
    or quotation, a sentence without its end, a list that ends unlike its other lines.
    """
    tail = text.rstrip()
    last = tail.rsplit("\n", 1)[-1].strip()
    if any(code.count("{") > code.count("}") + 1 for _, code in fenced(text)):
        return True
    if tail.count("```") % 2 or _leaves_open(tail, last):
        return True
    if tail[-1] in _ENDS:
        return False
    if last[-1] == ":" or last in _MARKERS:
        return True
    kind = _kind(last)
    if not kind and last[-1] not in _TERMINAL and len(last.split()) > 3:
        return True
    if last[-1] in "=/-~" and any(map(str.isalnum, last)):
        return True
    return _leaves_list(tail, last, kind)


def _leaves_open(tail: str, last: str) -> bool:
    """Whether a bracket or a quotation has no end."""
    if tail.count("(") > tail.count(")") + 1:
        return True
    if last.count("(") > last.count(")"):
        return True
    return last.replace("```", "").count("`") % 2 == 1


def _leaves_list(tail: str, last: str, kind: str) -> bool:
    """Whether the lines like the last one end elsewise."""
    lines = [line.strip() for line in tail.split("\n")[:-1]]
    alike = [line for line in lines if line and _kind(line) == kind]
    if len(alike) < 2:
        return False
    if kind == "|":
        return last.count("|") < alike[-1].count("|")
    if kind == "#" or (last[-1] in _TERMINAL and last[-1] != "`"):
        return False
    ends = _ENDS if last[-1] == "`" else _TERMINAL
    return all(line[-1] in ends for line in alike)


def _kind(line: str) -> str:
    """What a line is: the sign of a list, a table or a heading, `1` for a numbered
    one, nothing for prose.
    """
    first = line[0]
    if first in "-*|#;":
        return first
    return "1" if first.isdigit() else ""
