"""Secrets in tables: the head of a column names what stands in the lines below.

CSV, Markdown, what a database prints, files of which a comment names the columns, and
`INSERT INTO t (names) VALUES (values)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.names import Level, level
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span
from afs_stages.sources.redaction.values import is_secret

_STEMS = ("pass", "secret", "token", "pwd", "apikey", "api_key", "api key")
_HEAD = re.compile(r"[ \t]{0,8}(?:\\n)?[#;]?[\w \t.\"'`*|,;/-]{3,400}\Z")
_NAME = re.compile(r"[\w .-]{1,30}")
_RULE = re.compile(r"[-+|=: \t]+\Z")
_DELIMITERS = ("|", ",", ";", "\t")
_BLANKS = re.compile(r"\s{2,}|\t")
_INSERT = re.compile(
    r"insert\s{1,4}into\s{1,4}\S{1,80}\s{0,4}\((?P<names>[^()]{1,400})\)\s{0,4}values\s{0,4}"
)
_TUPLE = re.compile(r"\((?P<values>(?:'[^'\n]{0,400}'|[^()'\n]){1,800})\)")
_CELL = re.compile(
    r"\s{0,4}(?:'(?P<quoted>[^'\n]{0,400})'|[^,'\n]{1,100})\s{0,4}(?:,|\Z)"
)
_TALLY = frozenset(
    "fail failed failures fails test tests skip skipped error errors total status "
    "result rate flaky".split()
)
_LONGEST = 200
"""Lines of a table that are read."""


def find(reading: Reading) -> Iterator[Span]:
    """The values of columns with a secret's name."""
    text = reading.text
    ends: set[int] = set()
    for stem in _STEMS:
        if reading.holds(stem.split(" ")[-1].encode()):
            ends.update(reading.ends_of(stem))
    read = 0
    for end in sorted(ends):
        # A line that was read as a row is the head of no other table.
        if end > read:
            start = text.rfind("\n", 0, end) + 1
            stop = text.find("\n", end)
            found, read = _table(text, start, len(text) if stop < 0 else stop)
            yield from found
    if reading.has(b"insert"):
        for insert in _INSERT.finditer(reading.lower):
            yield from _inserted(text, insert)


def _table(text: str, start: int, stop: int) -> tuple[list[Span], int]:
    """The secrets below a head, and where its last row ends."""
    found: list[Span] = []
    head = text[start:stop]
    if not _HEAD.match(head):
        return found, stop
    delimiter = next((d for d in _DELIMITERS if head.count(d) >= 2), "")
    if not delimiter and not head.lstrip().startswith("#"):
        return found, stop
    columns = _cells(head, delimiter)
    names = [head[begin:end] for begin, end in columns]
    # Beside `Fail` and `Test`, `Pass` counts what passed.
    is_tally = not _TALLY.isdisjoint(map(str.lower, names))
    strengths = [
        Level.NONE if is_tally and name.lower() == "pass" else _strength(name)
        for name in names
    ]
    if len(columns) < 2 or max(strengths) < Level.SECRET:
        return found, stop
    for _ in range(_LONGEST):
        start, end = stop + 1, text.find("\n", stop + 1)
        end = len(text) if end < 0 else end
        line = text[start:end]
        cells = _cells(line, delimiter)
        if start >= len(text) or len(cells) != len(columns):
            break
        stop = end
        if _RULE.match(line):
            continue
        for (begin, end), strength in zip(cells, strengths, strict=True):
            if strength >= Level.SECRET and _is_value(line[begin:end], strength):
                found.append(Span(start + begin, start + end, "secret"))
    return found, stop


def _cells(line: str, delimiter: str) -> list[tuple[int, int]]:
    """Where the fields of a line stand, without blanks and quotes around them."""
    if delimiter == "|" and _RULE.match(line):
        line = line.replace("+", "|")
    cells, begin = [], 0
    if delimiter:
        for part in line.split(delimiter):
            cells.append((begin, begin + len(part)))
            begin += len(part) + len(delimiter)
    else:
        body = len(line) - len(line.lstrip("# \t"))
        for gap in [*_BLANKS.finditer(line, body), None]:
            cells.append((body, gap.start() if gap else len(line)))
            body = gap.end() if gap else body
    return [_stripped(line, *cell) for cell in cells]


def _stripped(line: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and line[begin] in " \t\"'`*":
        begin += 1
    while end > begin and line[end - 1] in " \t\"'`*\r":
        end -= 1
    return begin, end


def _strength(name: str) -> Level:
    return level(name) if _NAME.fullmatch(name) else Level.NONE


def _is_value(value: str, strength: Level) -> bool:
    return is_secret(value, strength, quoted=True)


def _inserted(text: str, insert: re.Match[str]) -> Iterator[Span]:
    names = [name.strip(" `\"'[]\n") for name in insert["names"].split(",")]
    strengths = [_strength(name) for name in names]
    if max(strengths) < Level.SECRET:
        return
    place = insert.end()
    while values := _TUPLE.match(text, place):
        cells = _CELL.finditer(text, *values.span("values"))
        for strength, cell in zip(strengths, cells, strict=False):
            value = cell["quoted"]
            if strength >= Level.SECRET and value and _is_value(value, strength):
                yield Span(*cell.span("quoted"), "secret")
        place = values.end()
        while text[place : place + 1] in (",", " ", "\n") and place < len(text):
            place += 1
