"""Markdown by its structure: sections by heading path, tables as rows,
fences kept whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from afs_stages.codebase.read import comments
from afs_stages.codebase.read.tree import TextFile
from afs_stages.codebase.read.vocabulary import OwnWords

_HEAD = 15
"""Lines at the beginning of a page in which it may say what state it is in."""
_UNDECIDED = 3
"""So many places left open (`TBD`) make a page a plan."""
_MARKUP = re.compile(
    r"`([^`\n]+)`|(?<!_)\*(?!\.\w)|[_`~]|!?\[([^\]]*)\]\([^)]*\)|<[^>]{1,40}>"
)
_LETTERS = re.compile(r"[A-Za-z0-9]+")
_ENDINGS = frozenset(("s", "es", "d", "ed", "th", "ing"))
_MAX_NESTING = 20


@dataclass(frozen=True)
class Table:
    """A table: its header cells and rows (line of each row), as plain text."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass
class Section:
    """A heading with what stands under it; `blocks` are top-level blocks as (first,
    last) lines, inclusive.
    """

    path: tuple[str, ...]
    level: int
    line: int
    last: int = 0
    blocks: list[tuple[int, int, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    children: list[Section] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A Markdown file: title and sections in order of lines (parents
    before children).
    """

    path: str
    title: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    planned: bool = False
    """Whether the page tells what is to be built: by its path, its status, or what it
    leaves open.
    """

    def text(self, section: Section) -> str:
        """A section's own text, without its heading and without its children's."""
        return "\n\n".join(
            self.block(first, last) for first, last, _ in section.blocks
        ).strip()

    def block(self, first: int, last: int) -> str:
        """Lines first to last (from 1, inclusive), blank lines at the ends removed."""
        return "\n".join(self.lines[first - 1 : last]).strip("\n")


def plain(text: str) -> str:
    """Inline Markdown as plain text."""
    kept = _MARKUP.sub(_inline, text)
    return " ".join(kept.split())


def _inline(match: re.Match[str]) -> str:
    """What is left of a mark. Code that touches a word is set apart from it, unless an
    ending follows (`Lamp`s).
    """
    code = match.group(1)
    if code is None:
        return match.group(2) or ("_" if match.group() == "_" else "")
    before = match.string[: match.start()][-1:]
    after = _LETTERS.match(match.string, match.end())
    apart = after is not None and after.group().lower() not in _ENDINGS
    return f"{' ' * before.isalnum()}{code}{' ' * apart}"


def usable(path: str, words: OwnWords) -> bool:
    """Whether a page documents the code: no archive, template, index or change log."""
    return not words.has("skip_pages", path) or words.has("keep_pages", path)


def _planned(path: str, lines: tuple[str, ...], words: OwnWords) -> bool:
    if words.has("plan_pages", path):
        return True
    if any(words.has("plan_status", line) for line in lines[:_HEAD]):
        return True
    return sum(len(re.findall(r"\bTBD\b", line)) for line in lines) >= _UNDECIDED


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    # what stands within a line is taken from its text, which costs half the time
    return parser.disable("inline")


def read_document(file: TextFile, words: OwnWords) -> Document | None:
    """The sections of a page, or None for a page that is no documentation."""
    if not usable(file.path, words):
        return None
    lines = _without_front_matter(file.lines)
    tokens = _parser().parse("\n".join(lines))
    sections = list(_sections(tokens))
    first = next((section for section in sections if section.path), None)
    title = first.path[0] if first is not None else ""
    planned = _planned(file.path, lines, words)
    return Document(file.path, title, lines, tuple(sections), planned)


def _without_front_matter(lines: tuple[str, ...]) -> tuple[str, ...]:
    if not lines or lines[0] != "---":
        return lines
    end = next((n for n, line in enumerate(lines[1:60], 1) if line == "---"), 0)
    return ("",) * (end + 1) + lines[end + 1 :] if end else lines


def _sections(tokens: Sequence[Any]) -> Iterator[Section]:
    stack: list[Section] = []
    current: Section | None = None
    for index, token in enumerate(tokens):
        if token.level != 0 or token.map is None:
            continue
        first, last = token.map[0] + 1, token.map[1]
        if token.type == "heading_open":
            level = int(token.tag[1])
            heading = plain(tokens[index + 1].content)
            stack = [section for section in stack if section.level < level]
            current = Section(
                (*(s.path[-1] for s in stack), heading), level, first, last
            )
            if stack:
                stack[-1].children.append(current)
            stack.append(current)
            yield current
        elif (
            current is not None
            and token.type not in ("hr", "html_block")
            and token.nesting >= 0
        ):
            current.blocks.append((first, last, token.type))
            for section in stack:
                section.last = last
            if token.type == "table_open":
                current.tables.append(_table(tokens, index))


def _table(tokens: Sequence[Any], start: int) -> Table:
    header: list[str] = []
    rows: list[tuple[int, tuple[str, ...]]] = []
    cells: list[str] = []
    for token in tokens[start:]:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            cells, line = [], token.map[0] + 1 if token.map else 0
        elif token.type == "inline":
            struck = "~~" if token.content.startswith("~~") else ""
            cells.append(struck + plain(token.content))
        elif token.type == "tr_close":
            if not header:
                header = cells
            else:
                rows.append((line, tuple(cells)))
    return Table(tuple(header), tuple(rows))


def balanced(text: str) -> bool:
    """Whether every fence of a text is closed."""
    return text.count("```") % 2 == 0 and text.count("~~~") % 2 == 0


def words(text: str) -> int:
    """Words of prose and cells, fences included."""
    return comments.words(text)
