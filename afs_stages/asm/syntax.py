"""65816 assembly in asar's syntax as statements: what a line says, without judging
whether it is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from afs_stages.core.memo import Memo

_REMARK = re.compile(";.*")
_COMMENT = re.compile(r';.*$|"[^"\n]*"', re.MULTILINE)
_LABEL = re.compile(
    r"\s*(?P<label>\#?[A-Za-z_]\w*:(?![=:])|\#?\.+\w+:?(?=\s|$)|[+-]+:?(?=\s|$)|\?[\w.+-]*:?(?=\s|$))\s*"
)
_INSTRUCTION = re.compile(
    r"(?P<mnemonic>[A-Za-z]{2,8})(?:\.(?P<size>[A-Za-z]))?(?:\s+(?P<operand>\S.*))?$"
)
_MACRO_CALL = re.compile(r"%\w+\([^()]*\)")
SPLIT = re.compile(r"\s:\s|\s:$")
"""Between two statements of a line."""
_ASSIGN = re.compile(r"!\^?\w[\w{}!]*\s*[:#?+]?=|[A-Za-z_][\w.]*\s*=")

_DIRECTIVE_LINES = (
    (
        "org base db dw dl dd fill pad padbyte padword padlong paddword fillbyte "
        "fillword filllong"
    ),
    (
        "filldword skip align incbin incsrc include includeonce includefrom if elseif "
        "else endif while"
    ),
    (
        "for endfor endwhile macro endmacro namespace pushns pullns struct endstruct "
        "function print"
    ),
    (
        "error warn assert warnpc pushpc pullpc pushbase pullbase pushtable pulltable "
        "table cleartable"
    ),
    (
        "math lorom hirom exlorom exhirom sa1rom fullsa1rom sfxrom norom arch bank "
        "dpbase optimize"
    ),
    (
        "freecode freespace freedata freespacebyte autoclean autoclear prot global "
        "undef warnings reset"
    ),
    "spcblock endspcblock startpos stdtable asar check xkas segment dbr",
)
DIRECTIVES = frozenset(word for line in _DIRECTIVE_LINES for word in line.split())
"""Words that begin a statement of the assembler's own rather than an instruction."""

BLOCKS = 32
"""Blocks of code remembered whole: rows about one routine stand together,
and a block may be long.
"""


class Statement(NamedTuple):
    """One statement; `kind` is label, op, data, directive, macro, assign,
    brace or unknown.
    """

    kind: str
    name: str
    size: str = ""
    operand: str = ""


def strip_comment(line: str) -> str:
    """The line without its comment; a `;` inside double quotes is not one."""
    if ";" not in line:
        return line
    if '"' not in line:
        return _REMARK.sub("", line)
    return _COMMENT.sub(
        lambda match: match[0] if match[0].startswith('"') else "", line
    )


def bare(line: str) -> str:
    """What of a line is not comment or indentation: lines that differ in those alone
    are parsed once.
    """
    return strip_comment(line).strip()


def _parse_line(line: str) -> tuple[Statement, ...]:
    text = bare(line)
    if not text:
        return ()
    if ":" not in text and "=" not in text and text[0].isalpha():
        # what most lines are: one statement without a label
        return (_statement(text.strip(" \t{}")),)
    found: list[Statement] = []
    for part in SPLIT.split(text):
        found.extend(parse_part(part.strip()))
    return tuple(found)


parse_line = Memo(_parse_line).__getitem__
"""The statements of one line; remembered, since code repeats itself."""


def parse_part(part: str) -> Iterator[Statement]:
    """The statements of a line's part between two ` : `: labels,
    then what they stand before.
    """
    while match := _LABEL.match(part):
        yield Statement("label", match["label"].rstrip(":").lstrip("#"))
        part = part[match.end() :]
    part = part.strip(" \t{}")
    if part:
        yield _statement(part)


def _statement(part: str) -> Statement:
    if part[0] == "%":
        return Statement("macro", part[1:].partition("(")[0], "", part)
    if "=" in part and _ASSIGN.match(part):
        return Statement(
            "assign", part.partition("=")[0].strip(), "", part.partition("=")[2].strip()
        )
    word, _, rest = part.partition(" ")
    lower = word.lower().lstrip("@")
    if lower in DIRECTIVES:
        return Statement(
            "data" if lower in ("db", "dw", "dl", "dd") else "directive",
            lower,
            "",
            rest.strip(),
        )
    if match := _INSTRUCTION.match(part):
        return Statement(
            "op",
            match["mnemonic"].upper(),
            (match["size"] or "").lower(),
            (match["operand"] or "").strip(),
        )
    return Statement("macro" if part[0] in "!<" else "unknown", word, "", part)


def lines(text: str) -> list[str]:
    """The lines of a text without comments; a macro call that runs over several
    stands in its first.
    """
    if "%" in text:
        text = _MACRO_CALL.sub(
            lambda match: match[0].replace("\n", " ") + "\n" * match[0].count("\n"),
            text,
        )
    return list(map(str.strip, strip_comment(text).split("\n")))


@lru_cache(maxsize=BLOCKS)
def parse(text: str) -> tuple[Statement, ...]:
    """Every statement of a text; the texts in hand are remembered,
    since each signal reads them.
    """
    return tuple(chain.from_iterable(map(parse_line, lines(text))))
