"""Why words that are right where they stand teach nothing elsewhere: they lean on their
place, or only say a name.
"""

from __future__ import annotations

import re

from afs_stages.codebase.read.vocabulary import OwnWords

_PLACE = re.compile(
    r"(?i)\b(the|this|these|those) (following|above|below|preceding)\b"
    r"|\b(the|this|these|those) [\w ]{0,20}\b(above|below)\b(?! [$#\d])"
    r"|\b(same|as|see|listed|described|mentioned|shown|noted) (as |notes? )?(above"
    r"|below)\b|\bditto\b|\bsee notes\b"
)
_ABOVE = re.compile(
    r"(?i)\bthe [\w ]{0,20}\babove\b(?=[.,;:)]| (?:may|must|should|is|are|was|will"
    r"|can)\b)"
    r"|\b(see|as|listed|described|shown) above\b"
)
_THING_ABOVE = re.compile(
    r"(?i)\bthe ((?:[\w$`]+ ){1,4})above\b(?=[.,;:)]| (?:may|must|should|is|are|was"
    r"|were|will|can|has|have)\b)"
)
_BELOW = re.compile(
    r"(?i)\b(see|as|listed|described|shown) below\b|\b(section|table|list|code"
    r"|plan) below\b"
)
_NUMBERED = re.compile(r"(?i)\bsee (section |§ ?)?\d+(\.\d+)+\b")
_EDGE = 160
_OPEN = re.compile(
    r"\bTBD\b|\b0x\?|\$\?\?|(?i:\bdecision needed|\bneeds? (verification|research"
    r"|new file)|\bstill a stub)"
)
_PENDING = re.compile(r"\[To be |\bpending\b")
_NOT_YET = re.compile(
    r"(?i)\bnot yet (implemented|written|built|done)\b|\bplaceholder (entr|byte)"
    r"|\(all \d are placeholder"
)
_STATUS = re.compile(
    r"(?i)\|[^|\n]*(🔲|⚠️|\bstub\b|not (yet )?implemented|not started|placeholder|"
    r"needs (work|new))[^|\n]*\|"
)
_VALUE = re.compile(
    r"(?<![\w$])\w+:0x\w+|0x\w+:\w+|(?<![\w.])[.a-z]{3,8} ?[.a-z]{4}\. [A-Z]"
)
_DRAWN_BITS = re.compile(r"\|?\+-{3,}|\+{4,}")
"""A legend of bits drawn with lines, which its words do not survive without."""

_BITS = re.compile(
    r"(?m)^\s*(?=\S* ?\S*(?:\.\S|([A-Za-z])\1\1))([A-Za-z.]{4} [A-Za-z.]{4})\.?$"
)
_LETTER = re.compile(r"(?m)^\s*([A-Za-z]) - ")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_AXIS = re.compile(r"(?<![A-Z])([XY])(?=Speed|Coord|Pos|Vel|Low|High)")
_AXES = re.compile(r"\b([XY])\b")
_IDLE_WORDS = (
    "a an the of for to in is and or its this value flag version variable stores "
    "holds contains"
)
_IDLE = frozenset(_IDLE_WORDS.split())


def leans_on_its_place(text: str) -> bool:
    """Whether a sentence points to what stands above or below it in the file
    it was taken from.
    """
    return bool(_PLACE.search(text))


def leans_on_its_page(text: str) -> bool:
    """Whether a piece of a page begins by what stood before it or ends by
    what stood after it.
    """
    if _NUMBERED.search(text):
        return True
    for match in _THING_ABOVE.finditer(text):
        if (
            match.group(1).split()[-1].strip("`").lower()
            not in text[: match.start()].lower()
        ):
            return True
    return bool(_ABOVE.search(text[:_EDGE]) or _BELOW.search(text[-_EDGE:]))


def leaves_open(text: str) -> bool:
    """Whether a text leaves a place open: `TBD`, `0x??`."""
    return bool(_OPEN.search(text))


def unfinished(text: str) -> bool:
    """Whether a text leaves places open, waits for its content, or is a table of how
    far work has come.
    """
    if _NOT_YET.search(text):
        return True
    pending = len(_PENDING.findall(text))
    return (
        leaves_open(text)
        or pending > (len(text.split()) >= 80)
        or len(_STATUS.findall(text)) >= 3
    )


def speech_missing(text: str) -> bool:
    """Whether a page of a script gives the number of a speech and not what is said."""
    return "**Assign:**" in text and "```" not in text


def vague(text: str, words: OwnWords) -> bool:
    """Whether a meaning says that there is one, and not which."""
    return len(text.split()) <= 12 and words.has("vague", text)


def run_together(text: str) -> bool:
    """Whether values stand in a row with nothing between them that
    tells where one ends.
    """
    if _DRAWN_BITS.search(text):
        return True
    return any(
        len(_VALUE.findall(line)) >= 2 and not re.search(r"[,;|\]]", line)
        for line in text.split("\n")
    )


def legend_incomplete(text: str) -> bool:
    """Whether less than half of the letters of a bit pattern are explained, or letters
    without a pattern are.
    """
    letters = {
        letter.lower()
        for _, row in _BITS.findall(text)
        for letter in row
        if letter.isalpha()
    }
    told = {letter.lower() for letter in _LETTER.findall(text)}
    if letters and letters <= set("udlr") and len(letters) > 1:
        return False  # up, down, left, right
    lonely = (
        bool(told)
        and not letters
        and bool(re.match(r"[A-Za-z] - |\w{4} \w{4}\n", text))
    )
    return (bool(letters) and len(told) * 2 < len(letters)) or lonely


def restates(name: str, text: str) -> bool:
    """Whether a text of few words says of a name only the words the name is made of."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    words = [word.lower() for word in re.findall(r"[A-Za-z]+|\d+", text)]
    words = [word for word in words if word not in _IDLE]
    return 0 < len(words) <= 6 and all(
        any(_akin(word, part) for part in parts) for word in words
    )


def contradicts(name: str, text: str) -> bool:
    """Whether a meaning tells of one axis and its name of the other."""
    axis = _AXIS.search(name)
    said = set(_AXES.findall(text))
    return axis is not None and bool(said) and axis.group(1) not in said


def _akin(word: str, part: str) -> bool:
    return word == part or (
        min(len(word), len(part)) >= 3
        and (word.startswith(part) or part.startswith(word))
    )
