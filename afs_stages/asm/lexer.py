"""Lines of asar's language: code and comment told apart, statements separated."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = r'"[^"]*"|\'[^\']\''
_COMMENT = re.compile(_QUOTED + r"|;")
_SEPARATOR = re.compile(_QUOTED + r"|(?:(?<=\s)|^):(?=\s|$)")
_LABEL = re.compile(
    r"(?P<label>[#?]?[A-Za-z_][\w.]*:(?!=)|[#?]?\.+\w+:?(?!\s*=)|[+\-]+:?(?=\s|$)|\?[+\-]+:?(?=\s|$))\s*"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: the labels before it, its first word in lower case,
    and the rest.
    """

    labels: tuple[str, ...]
    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: number from 1, text as written, statements,
    comment without its marks.
    """

    number: int
    text: str
    code: str
    comment: str
    statements: tuple[Statement, ...]


def split_comment(text: str) -> tuple[str, str]:
    """(code, comment): at the first `;` outside quotes; the comment keeps its `;`."""
    for match in _COMMENT.finditer(text):
        if match.group() == ";":
            return text[: match.start()].rstrip(), text[match.start() :]
    return text.rstrip(), ""


def statements(code: str) -> tuple[Statement, ...]:
    """The statements of a line of code, which ` : ` separates;
    lone braces are statements too.
    """
    parts, start = [], 0
    for match in _SEPARATOR.finditer(code):
        if match.group() == ":":
            parts.append(code[start : match.start()])
            start = match.end()
    parts.append(code[start:])
    return tuple(_statement(part.strip()) for part in parts if part.strip())


def _statement(text: str) -> Statement:
    labels = []
    while match := _LABEL.match(text):
        labels.append(match.group("label").rstrip(":"))
        text = text[match.end() :]
    word, _, rest = text.partition(" ")
    if "(" in word and not word.startswith("%"):
        word, rest = text.split("(", 1)[0], text[len(text.split("(", 1)[0]) :]
    return Statement(
        tuple(labels),
        word.lower() if not word.startswith(("%", "!")) else word,
        rest.strip(),
    )


def lex(lines: tuple[str, ...]) -> list[Line]:
    """Every line of a file; `;[[ … ]]` blocks are comments; a trailing `\\`, or a comma
    between the parameters of a macro, joins the next line's code."""
    found, block, carried = [], False, ""
    for number, text in enumerate(lines, 1):
        if block or text.lstrip().startswith(";[["):
            block = "]]" not in text
            found.append(Line(number, text, "", ";" + text.strip().strip(";[]"), ()))
            continue
        code, comment = split_comment(text)
        opened = carried + code
        parameters = (
            "%" in opened
            and code.endswith(",")
            and opened.count("(") > opened.count(")")
        )
        if (code.endswith("\\") or parameters) and len(carried) < 10_000:
            carried += code.removesuffix("\\") + " "
            found.append(Line(number, text, code, comment.lstrip(";"), ()))
            continue
        whole, carried = carried + code, ""
        found.append(
            Line(
                number, text, code, comment, statements(whole) if whole.strip() else ()
            )
        )
    return found
