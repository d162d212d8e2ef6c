"""Lines of asar's language: code and comment told apart, statements separated.

What a statement says is told here without judging whether it is right: that is
the opcode table's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from afs_stages.asm.isa import DATA, DIRECTIVES
from afs_stages.core.memo import ENTRIES

_QUOTED = r'"[^"]*"|\'[^\']\''
_COMMENT = re.compile(_QUOTED + r"|;")
_SEPARATOR = re.compile(_QUOTED + r"|(?:(?<=\s)|^):(?=\s|$)")
_LABEL = re.compile(
    r"(?P<label>[#?]?[A-Za-z_][\w.]*:(?!=)|[#?]?\.+\w+:?(?!\s*=)|[+\-]+:?(?=\s|$)|\?[+\-]+:?(?=\s|$))\s*"
)


_INSTRUCTION = re.compile(r"[A-Za-z]{2,8}(?:\.[A-Za-z])?(?:\s+\S.*)?$")
_ASSIGNMENT = re.compile(r"!\^?\w[\w{}!]*\s*[:#?+]?=|[A-Za-z_][\w.]*\s*=")
BLOCKS = 32
"""Blocks of code remembered whole: rows about one routine stand together,
and a block may be long.
"""


@dataclass(frozen=True)
class Statement:
    """One statement: the labels before it, its first word in lower case,
    and the rest; `text` is all behind the labels, as written.
    """

    labels: tuple[str, ...]
    word: str
    rest: str
    text: str = field(default="", compare=False)

    @cached_property
    def kind(self) -> str:
        """What it is: label (and nothing behind it), op, data, directive, macro,
        assign or unknown.
        """
        word = self.word.lstrip("@").strip("{}")
        if not word:
            return "unknown" if "@" in self.word else "label"
        if word[0] == "%":
            return "macro"
        if "=" in self.text and _ASSIGNMENT.match(self.text):
            return "assign"
        if word in DATA:
            return "data"
        if word in DIRECTIVES:
            return "directive"
        if _INSTRUCTION.match(self.text):
            return "op"
        return "macro" if word[0] in "!<" else "unknown"

    @cached_property
    def name(self) -> str:
        """The mnemonic in capitals; else the label, the macro or what is assigned to;
        else the first word.
        """
        if self.kind == "label":
            return self.labels[0].lstrip("#") if self.labels else ""
        if self.kind == "op":
            return self.word.partition(".")[0].upper()
        if self.kind == "assign":
            return self.text.partition("=")[0].strip()
        if self.kind == "macro":
            return self.word.removeprefix("%").partition("(")[0]
        return self.word.lstrip("@")

    @property
    def size(self) -> str:
        """The size an instruction is written with: `b`, `w`, `l`, or none."""
        return self.word.partition(".")[2] if self.kind == "op" else ""

    @cached_property
    def operand(self) -> str:
        """What an instruction, a directive or an assignment works on; of a macro call
        all of it.
        """
        if self.kind in ("macro", "unknown"):
            return self.text
        if self.kind == "assign":
            return self.text.partition("=")[2].strip()
        return self.rest

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Kind, name, size and operand: what two statements are compared by."""
        return self.kind, self.name, self.size, self.operand


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


@lru_cache(maxsize=ENTRIES)
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
    word = text.split(None, 1)[0] if text else ""
    if word.lower() == "autoclean":
        # asar frees what this instruction led to before; it is one like any other
        text = text[len(word) :].strip()
        word = text.split(None, 1)[0] if text else ""
    if "(" in word and not word.startswith(("%", "(")):
        word = word.partition("(")[0]
    rest = text[len(word) :].strip()
    if not word.startswith(("%", "!")):
        word = word.lower()
    return Statement(tuple(labels), word, rest, text)


def lex(lines: tuple[str, ...], first: int = 1) -> list[Line]:
    """Every line of a file, numbered from `first`; `;[[ … ]]` blocks are comments; a
    trailing `\\`, or a comma between the parameters of a macro, joins the next line's
    code.
    """
    found: list[Line] = []
    block, carried = False, ""
    for number, text in enumerate(lines, first):
        if block or text.lstrip().startswith(";[["):
            block = "]]" not in text
            found.append(Line(number, text, "", ";" + text.strip().strip(";[]"), ()))
            continue
        code, comment = split_comment(text)
        opened = carried + code
        parameters = (
            "%" in opened
            and code.endswith((",", "("))
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
    if carried.strip():
        # the text ends within what was to be joined
        found[-1] = replace(found[-1], statements=statements(carried))
    return found


@lru_cache(maxsize=BLOCKS)
def parse(text: str) -> tuple[Statement, ...]:
    """Every statement of a text, each label a statement of its own."""
    found: list[Statement] = []
    for line in lex(tuple(text.split("\n"))):
        for statement in line.statements:
            found.extend(apart(statement))
    return tuple(found)


def apart(statement: Statement) -> Iterator[Statement]:
    """A statement's labels, then what they stand before; lone braces are nothing."""
    for label in statement.labels:
        yield Statement((label,), "", "")
    if statement.word.strip("{}"):
        yield Statement((), statement.word, statement.rest, statement.text)
