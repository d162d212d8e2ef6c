"""What a comment says, once rules, tags and commented-out code are taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import hexdigits

from afs_stages.asm.isa import DATA, MNEMONICS

_RULE = re.compile(r"^[\s;=\-*#~_+./\\|<>]*$")
_DECORATION = re.compile(r"^[=\-*#~_]{2,}\s*|\s*[=\-*#~_]{2,}$")
_TAG = re.compile(r"^.*?;\s*@(\w+)\b\s*(.*)$")
_INNER_TAG = re.compile(r"(?:^|\s*;\s*)@\w+\b.*$|^#(?:END)?PATCH_\w+=?")
_BANNER = re.compile(
    r"^\*?\$[0-9A-Fa-f]{2,6}(?:-\$?[0-9A-Fa-f]+)?(?:\s+\(?[A-Z/]+\)?)*[.:]?$"
)
_ITEM = re.compile(
    r"^([-*•]\s|\d+[.)]\s|[\w$!\"][\w $/()!\"-]{0,24}:\s"
    r"|(?:\$|0x)?[0-9A-Fa-f]{2,6}\s*[-=:]|bit\b|[a-z] [-=] "
    r"|[A-Z][A-Z0-9]{2,}\s{2,}\S|\$[0-9A-Fa-f]{4,6} [a-z]+\d\b)"
)
_WORD = re.compile(r"(?<![\w.])[A-Za-z][A-Za-z']+(?![\w(])")
_QUOTED = re.compile(r"(?i)^(?:vanilla|original|old|was)\b[^:]{0,40}:\s+(\w.*)$")
_START = re.compile(r"(?:[A-Z][a-z]+ (?:[a-z$]|[A-Z0-9]{1,3}\b)|[A-Z]{3,} [a-z])")
_CLAUSE = re.compile(
    r"(when|this|these|reset|set|used|cleared|also|only|never|always|written|read)\b"
)
_SHORT = 45
"""Characters: a comment line this short that ends no sentence was not wrapped."""

_JOINS_WORDS = (
    "a an the of to by for and or in on at with from if is are be as its this "
    "that when than"
)
_JOINS = frozenset(_JOINS_WORDS.split())
_TAGGED = re.compile(r"^[A-Z]{3,}[A-Z0-9_]*[ .]\$?[0-9A-F]{2,6}$")
"""What disassemblies write behind a constant: `SPRITE EC`, `SFX2.1D`, `VRAM $F000`."""

_IDLE = re.compile(
    r"(?i)^(unused|free( ram)?|todo|fixme|xxx|\?+|n/?a|tbd|unknown|none|dummy"
    r"|padding)\b[\s.:!?]*$"
)
_ART = re.compile(r"^(?:\$?[0-9A-Fa-f]{6}\b[:\s]*)?(?:[|\\/]+|\])(?=\s|$)\s*")
"""Brackets drawn over several lines, also behind the address of the line."""

_LISTED = re.compile(
    r"(?:\w+:\s+|\$?[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4}:?\s+)?"
    r"(?:[0-9A-Fa-f]{2}\s+){1,4}[A-Z]{3}\b"
)
"""A line of a listing: address, bytes, instruction."""

_ARROW = re.compile(r"(?:^|\s+)(?:[0-9A-F]{4,6}\s+)?<-+\s.*$")
"""Where a line stands in another disassembly."""

_MARGIN = re.compile(r"(?i)^(end|start|begin(ning)?)( of\b.*)?[\s.]*$")
"""What only says where something begins or ends."""

_SELF = re.compile(
    r"(?i)^(i think|maybe|probably|not sure|idk|hmm|will need to|might need to|"
    r"should probably|need to (fix|change|adjust)|init code for the|do code|"
    r"do (the|some) [\w ]{3,20}(code|stuff)|just in case|for now|why |may use more|"
    r"(this )?can be used to do anything)\b"
)
"""Notes an author left to himself: they tell of the work and not of
what the code does.
"""

_SECOND = re.compile(r"\s+;\s*\.\w+$")
_PATTERN = re.compile(
    r"(?=\S* ?\S*(?:\.|--|([a-z])\1\1))(?:[a-z.-]{4}){1,2} (?:[a-z.-]{4}){1,2}(?!\S)"
    r"|(?:[A-Za-z?.-] +){7,15}[A-Za-z?.-](?!\S)"
)
"""Which letter stands for which bits: `---- --dn`, `k k k k c c c c`."""
_SIDE_BY_SIDE = re.compile(r"([a-z])\1\1|hgfedcba|\.\.")
_DISASSEMBLED = re.compile(r"\S+:\s+([0-9A-F]{2} ){1,4}\s*[A-Z]{3}\b")
"""A line of a disassembler's listing: label, bytes, instruction."""
_PLACED = re.compile(r"!?[A-Za-z_]\w+\s*=\s*\$[0-9A-Fa-f]{4,6}\s*(;|$)")
_SEE = re.compile(r"(?i)see ([a-z]+ ){0,4}notes?\.?$|see !?\w+ (at|in|above|below)\b")
_PLACEMENT = re.compile(
    r"(?i)(list|put|place|keep) (this|these)( \w+)? (first|last|before|after)\b"
    r"|(this|these)( \w+)? (can|must|may|should|needs? to|ha(s|ve) to) (also )?"
    r"(live|go|be (placed|located|put))\b"
)
"""Where code has to stand in the file or the ROM, which does not say what it does."""
_DEFINED_AS = re.compile(r"!\w+ ?\+ ?\$?[0-9A-Fa-f]+")
"""How an address is computed, in a column before what is said of it."""
_HEADING = re.compile(r"\w+:$")
"""One word and a colon: a label of code that was switched off, or what heads a list."""

_WORK = re.compile(r"(?i)\b(todo|fixme|xxx|idk)\b")


def strip(comment: str) -> str:
    """The text of one comment: without `;`, decoration and blanks at its ends;
    keeps no rule.
    """
    text = _SECOND.sub("", _INNER_TAG.sub("", comment.lstrip("; \t"))).rstrip("; \t")
    text = _without_address(comment, _ARROW.sub("", _without_column(text)))
    if _RULE.match(text):
        return ""
    if is_layout(text):
        return text
    return _ART.sub("", _DECORATION.sub("", text)).strip()


def _without_column(text: str) -> str:
    """A comment without the address that stands in a column before it in some
    disassemblies: `84B233; Wait for the door`, `!RAM+$2D ; Which door`, or, where a
    range ends, `F31F ;sprites`.
    """
    before, _, behind = f"{text};".partition(";")
    digits = len(before.rstrip()) in (4, 6) and set(before.rstrip()) <= set(hexdigits)
    # letters alone may be a word, and four digits a number
    address = digits and (";" in text or (len(before) == 6 and not before.isalpha()))
    computed = ";" in text and _DEFINED_AS.fullmatch(before.strip())
    return behind.strip("; ") if address or computed else text


def _without_address(comment: str, text: str) -> str:
    """A title between two rows of marks without the address it begins with:
    `;;; $8338: Wait for NMI ;;;`.
    """
    framed = comment.startswith(";;") and comment.rstrip().endswith(";;")
    address, colon, title = text.partition(": ")
    is_address = address.startswith("$") and set(address[1:]) <= set(hexdigits)
    if not (framed and colon and is_address):
        return text
    # a title is whole: what stands below it is another sentence
    return f"{title}." if title[-1:].isalnum() or title[-1:] == ")" else title


def decorated(comment: str) -> bool:
    """Whether a comment is drawn as a title: `---- Sprites ----`."""
    return bool(_DECORATION.search(comment.lstrip("; \t")))


def drawn(comment: str) -> bool:
    """Whether a comment is a part of a bracket over several lines, whose words are
    about all of them.
    """
    return bool(_ART.match(comment.lstrip("; \t")))


def tag(comment: str) -> tuple[str, str] | None:
    """(name, rest) of a tag such as `@hook module=Menu`, or None."""
    match = _TAG.search(comment)
    return (match.group(1).lower(), match.group(2).strip()) if match else None


def is_rule(comment: str) -> bool:
    """Whether a comment is only a line of `=`, `-` or `*`."""
    return comment.startswith(";") and len(comment) > 4 and not strip(comment)


def is_layout(text: str) -> bool:
    """Whether a text begins with the letters of bits."""
    return bool(_PATTERN.match(text))


def is_code(text: str) -> bool:
    """Whether a comment is an instruction, or the definition of a place, that was
    switched off.
    """
    if _PLACED.match(text) or _DISASSEMBLED.match(text):
        return True
    quoted = _QUOTED.match(text)
    if quoted:
        return is_code(quoted.group(1))
    first = re.split(r" [:;]", text)[0]
    word, _, rest = re.sub(r"(?i)^autoclean\s+", "", first).partition(" ")
    word, rest = word.lower(), rest.strip()
    stem = word.split(".", 1)[0]
    if word in DATA or (stem in MNEMONICS and "." in word):
        return True
    if (
        text.startswith(("%", "!", "{", "}"))
        or (text.startswith(".") and _HEADING.match(text[1:]))
        or re.match(r"^(incsrc|incbin|org)\b", text)
    ):
        return True
    return stem in MNEMONICS and (
        not rest or bool(re.match(r"[#$!%(\[.]|[A-Za-z_.]+(, ?[XYS])?$", rest))
    )


def says_something(text: str, words: int = 2) -> bool:
    """Whether a comment has at least so many words and is no place-holder."""
    if _TAGGED.match(text):
        return True
    idle = (_IDLE.match, _MARGIN.match, _WORK.search, _SELF.match)
    if "???" in text or any(matches(text) for matches in idle):
        return False
    return len(_WORD.findall(text)) >= words


def prose(comments: Iterable[str]) -> str:
    """The comments as text: lines of one sentence joined, list items and columns on
    lines of their own.
    """
    found: list[str] = []
    before = ""  # the line a comment may go on with
    single, unfinished = False, False
    stripped = [(comment, strip(comment)) for comment in comments]
    following = [*(text for _, text in stripped[1:]), ""]
    for (comment, text), next_text in zip(stripped, following, strict=False):
        unfinished = _is_unfinished(text, unfinished)
        if not text or unfinished or _is_no_prose(text, next_text):
            if found and is_code(text) and (found[-1].endswith(":") or single):
                # the line only announced the code that was switched off
                found.pop()
            before, single = "", False
            continue
        indented = comment.lstrip(";").startswith(("   ", "\t"))
        alone = stands_alone(text) or _has_its_legend_below(text, next_text)
        single = not before or indented or alone
        if single:
            found.append(f"  {text}" if indented and found else text)
        else:
            found[-1] += _continued(found[-1], before, text)
        before = text
    return "\n".join(found).strip()


def _is_unfinished(text: str, above: bool) -> bool:
    """Whether a line tells of work to be done or of where it stands, or goes on with
    one above that does.
    """
    if _WORK.search(text) or "???" in text or _PLACEMENT.match(text):
        return True
    return above and bool(text) and not _ITEM.match(text)


def _is_no_prose(text: str, following: str) -> bool:
    """Whether a line is code, an address alone, a pointer to notes elsewhere, or heads
    no list.
    """
    margin = _MARGIN.match(text) or _LISTED.match(text)
    if _HEADING.match(text):
        return not following or is_code(following)
    return bool(margin or is_code(text) or _BANNER.match(text) or _SEE.match(text))


def stands_alone(text: str) -> bool:
    """Whether a line never goes on with the one before."""
    return bool(_ITEM.match(text) or is_layout(text) or _HEADING.match(text))


def _has_its_legend_below(text: str, following: str) -> bool:
    """Whether a line is one word of eight letters, and the next one says what one of
    them stands for.
    """
    letter, dash, _ = following.partition(" - ")
    return bool(dash) and len(letter) == 1 and len(text) == 8 and letter in text


def _continued(above: str, before: str, text: str) -> str:
    """What is put behind the text `above`, whose last line is `before`."""
    if _apart(before, text):
        return f". {capital(text)}"
    return f". {text}" if _begins(above, text) else f" {text}"


def _begins(before: str, text: str) -> bool:
    """Whether a line begins a sentence although the one before has no full stop."""
    word = before.rsplit(" ", 1)[-1].lower()
    return (
        bool(_START.match(text))
        and (before[-1].isalnum() or before[-1] in ")]")
        and word not in _JOINS
    )


def _apart(before: str, text: str) -> bool:
    """Whether a line in lower case begins a sentence of its own: the one before was not
    wrapped, or it is a clause.
    """
    last = before.rsplit(" ", 1)[-1].lower()
    if not text[:1].islower() or not before[-1:].isalnum() or last in _JOINS:
        return False
    first = text.split()[0].strip(",;")
    return bool(_CLAUSE.match(text)) and (
        len(before) < _SHORT or first not in ("when", "this", "these")
    )


def is_join(word: str) -> bool:
    """Whether a phrase cannot end with this word (an article, a preposition,
    an auxiliary).
    """
    return word.lower().strip(",;") in _JOINS


def joined(lines: Iterable[str]) -> str:
    """Lines as running text; a full stop where the next line begins a sentence or the
    last one was a remark.
    """
    text = ""
    for line in (line.strip() for line in lines if line.strip()):
        stop = text and (
            _begins(text, line)
            or (line[:1].isupper() and text[-1].isalnum() and len(text) > 40)
        )
        place = text and re.match(r"\$[0-9A-Fa-f]{2,6}\s*=", line)
        text += (": " if place else ". " if stop else " " if text else "") + line
    return text


def capital(text: str) -> str:
    """Text with a capital first letter, unless it begins with the letters
    of a bit pattern: `.fed cba8`, `k k k k`.
    """
    first = text.split(" ", 1)[0]
    # bits stand for each other side by side: `ab......`, `sssnnbbb`
    bits = len(first) == 8 and _SIDE_BY_SIDE.search(first)
    return text if bits or is_layout(text) else text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Text that ends like a sentence."""
    text = text.strip()
    return text if not text or text[-1] in ".!?:)" else text + "."


def is_title(text: str) -> bool:
    """Whether a line names what follows, and is no sentence about it."""
    return (
        words(text) <= 8
        and "=" not in text
        and not text.endswith((".", ",", ";"))
        and not re.match(r"(?i)(use|for|note|set|see|if|this|the)\b", text)
    )


def words(text: str) -> int:
    """How many words of letters a text has."""
    return len(_WORD.findall(text))
