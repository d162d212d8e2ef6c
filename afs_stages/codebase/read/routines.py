"""Files divided into what a person would explain at one go: routines, data tables,
macros, structs, patches.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from afs_stages.asm.isa import DATA, DIRECTIVES, MNEMONICS
from afs_stages.asm.lexer import Line
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.choices import CHOICES
from afs_stages.codebase.read.continuation import continued
from afs_stages.codebase.read.nodes import AsmFile, Label

MAX_LINES = 120
_ENDS_WORDS = """
    org base pushpc pullpc namespace pushns pullns incsrc macro struct arch spcblock
    freecode freedata
"""
_ENDS = frozenset(_ENDS_WORDS.split())
_APART = 6
"""Lines behind a patch in which it may go on."""
_LANGUAGE = MNEMONICS | DIRECTIVES | DATA.keys()
_CLOSES = frozenset(("elseif", "else", "endif"))


MARK = re.compile(r"^(\s*)#_[0-9A-F]{6}:\s?")


@dataclass(frozen=True)
class CodeSpan:
    """A piece of a file: kind (`routine`, `data`, `patch`), name, lines inclusive, what
    is written above it.
    """

    kind: str
    name: str
    file: str
    first: int
    last: int
    header: str
    section: str
    lines: tuple[Line, ...]
    condition: str = ""
    """The conditions of the assembler it stands under."""

    @cached_property
    def text(self) -> str:
        """The lines as written, the common indentation removed."""
        return dedent([line.text for line in self.lines])

    @cached_property
    def bare(self) -> str:
        """The lines without comments, for a question whose answer tells these; a line
        that held nothing else is gone.
        """
        kept = [line.code for line in self.lines if line.code or not line.comment]
        return dedent(kept)

    @property
    def notes(self) -> list[tuple[str, str]]:
        """(code, comment) of each comment inside that says something."""
        return [(code, said) for _, code, said in self.remarks]

    @cached_property
    def remarks(self) -> list[tuple[int, str, str]]:
        """(line, code, comment) of each comment inside that says something."""
        return list(_remarks(self.lines))


def dedent(lines: list[str]) -> str:
    """Lines joined without their common leading blanks and without blank
    lines at the ends.
    """
    lines = [MARK.sub(r"\1", line).expandtabs(4).rstrip() for line in lines]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return "\n".join(line[margin:] for line in lines).strip("\n")


def blocks(file: AsmFile) -> Iterator[CodeSpan]:
    """Every routine and data table of a file, then every `org` patch,
    in order of lines.
    """
    covered = 0
    labels = [label for label in file.labels if not is_reserved(file, label)]
    starts = [label.line for label in file.labels]
    for label in labels:
        if label.line <= covered:
            continue
        # memory that is set aside ends what stands above it too
        after = bisect_right(starts, label.line)
        following = starts[after] if after < len(starts) else len(file.lines) + 1
        last = _end(file, label, following)
        if last - label.line >= MAX_LINES:
            last = min(last, _trim(file, label.line, following - 1))
        lines = tuple(_own(file, label.line, last))
        kind = _kind(lines)
        if not kind or len(lines) > MAX_LINES:
            continue
        covered = last
        below = _legend(lines) if kind == "routine" else ()
        legend = comments.prose(line.comment for line in below)
        said = "\n".join(filter(None, (label.header, label.comment, legend)))
        place = (label.name, file.path, label.line, lines[-1].number)
        yield CodeSpan(kind, *place, said, label.section, lines, label.condition)


def patches(file: AsmFile) -> Iterator[CodeSpan]:
    """Every `org` with instructions right behind it:
    a hook into the code that is patched.
    """
    named = {label.line for label in file.labels}
    for org in file.orgs:
        last = org.line
        for line in file.lines[org.line : org.line + 40]:
            words = [statement.word for statement in line.statements]
            if (
                line.number in named
                or not line.text.strip()
                or any(word in _ENDS or word in CHOICES for word in words)
            ):
                break
            last = line.number
        # a comment at the end is about what follows
        while last > org.line and not file.lines[last - 1].code:
            last -= 1
        lines = tuple(file.lines[org.line - 1 : last])
        words = [statement.word for line in lines for statement in line.statements]
        if (
            _kind(lines) == "routine"
            and not _skips(lines)
            and not _goes_on(file, named, last)
            and words.count("{") == words.count("}")
        ):
            place = (org.address, file.path, org.line, last)
            yield CodeSpan("patch", *place, org.comment, "", lines, org.condition)


def _own(file: AsmFile, first: int, last: int) -> Iterator[Line]:
    """The lines of a label up to code that has no name."""
    for line in file.lines[first - 1 : last]:
        if line.number in file.unnamed:
            return
        yield line


def _goes_on(file: AsmFile, named: set[int], last: int) -> bool:
    """Whether a patch has more code, behind an empty line or a choice of the assembler:
    what is told of its beginning would not be what it does.
    """
    for line in file.lines[last : last + _APART]:
        words = [statement.word.split(".", 1)[0] for statement in line.statements]
        if line.number in named or any(word in _ENDS for word in words):
            return False
        if any(word in MNEMONICS for word in words):
            return True
    return False


def _skips(lines: tuple[Line, ...]) -> bool:
    return any(
        statement.word in ("incbin", "incsrc")
        for line in lines
        for statement in line.statements
    )


def is_reserved(file: AsmFile, label: Label) -> bool:
    """Whether a label names memory that is set aside, and no code or data."""
    line = file.lines[label.line - 1]
    return any(statement.word == "skip" for statement in line.statements)


def _end(file: AsmFile, label: Label, following: int) -> int:
    """The last line: the brace that closes it,
    or the line before the next label or directive.
    """
    for number in (label.line, label.line + 1):
        if number in file.braces:
            return file.braces[number]
    return _trim(file, label.line, following - 1)


def _trim(file: AsmFile, first: int, last: int) -> int:
    """Cut at a directive that ends a routine, a rule, or what closes an outer block or
    condition; then blanks off, and a condition that is not closed.
    """
    lines, opened, coded = file.lines, 0, first
    conditions: list[int] = []  # where the code before each open one ends
    for number in range(first + 1, last + 1):
        line = lines[number - 1]
        words = [statement.word for statement in line.statements]
        opened += words.count("{") - words.count("}")
        outside = not conditions and any(word in _CLOSES for word in words)
        if "if" in words:
            conditions.append(coded)
        if "endif" in words and conditions:
            conditions.pop()
        if (
            opened < 0
            or outside
            or any(word in _ENDS for word in words)
            or "=" in line.code.split('"')[0].split("#")[0]
        ):
            break
        if line.code:
            coded = number
        elif comments.is_rule(line.comment):
            break
    return conditions[0] if conditions else coded


def _kind(lines: tuple[Line, ...]) -> str:
    words = [statement.word for line in lines for statement in line.statements]
    stems = (word.split(".", 1)[0] for word in words)
    if any(stem.isalpha() and stem not in _LANGUAGE for stem in stems):
        return ""  # of another processor: `ibt r0,#$01`
    told = [w in DATA for w in words if w in DATA or w.split(".", 1)[0] in MNEMONICS]
    data, code = told.count(True), told.count(False)
    if data and code and told[0]:
        return ""  # a table, and code behind it that has another name or none
    if code:
        return "routine"
    return "data" if data else ""


def _legend(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines between a label and its first instruction where they head a list, such
    as that of the parameters: it is about the routine and not about the instruction.
    """
    above = tuple(takewhile(lambda line: not line.code.strip(" \t{"), lines[1:]))
    heads = any(comments.strip(line.comment).endswith(":") for line in above)
    return above if heads else ()


def _remarks(lines: tuple[Line, ...]) -> Iterator[tuple[int, str, str]]:
    pending: list[str] = []
    for line in _joined(lines[1 + len(_legend(lines)) :]):
        if line.comment and not line.code:
            pending.append(line.comment)
            continue
        above = comments.prose(pending)
        pending = []
        behind = comments.strip(line.comment) if line.comment else ""
        behind = "" if comments.is_code(behind) or behind.startswith("@") else behind
        said = "; ".join(
            " ".join(part.split()).rstrip(".") for part in (above, behind) if part
        )
        if line.code and comments.says_something(said):
            yield line.number, MARK.sub("", line.code).strip(), said


def _joined(lines: tuple[Line, ...]) -> Iterator[Line]:
    """The lines; comment lines that go on with a comment behind code are put to it."""
    below = continued(lines)
    for at, line in enumerate(lines):
        if at in below:
            continue
        if below.get(at + 1) != at:
            yield line
            continue
        said = [line.comment]
        said += [
            other.comment.lstrip("; ")
            for n, other in enumerate(lines)
            if below.get(n) == at
        ]
        yield replace(line, comment=" ".join(said))
