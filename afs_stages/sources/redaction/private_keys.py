"""Private keys, however a tool prints their lines.

A key is found by its header, by its last line when the header is cut off, or by how
the bytes of a key begin; what goes is the body. Whatever stands before each line (a
number, `file:12:`, `> `, a quote) does not matter: base64 is looked for in the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from afs_stages.sources.redaction.random_values import is_random
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span

KIND = "private-key"
LONGEST = 24_000
"""No secret has more characters than this."""
_LONGEST_BODY = 20_000
"""Characters from a key's header to its END line, with what a tool prints before each
line. A key of RSA with 8192 bits has 6,400.
"""
_WHAT = r"[A-Za-z0-9 ]{0,40}(?:PRIVATE KEY|[Ss]tatic key|SECRET KEY)(?: BLOCK| V1)?"
HEADER = re.compile(rf"BEGIN {_WHAT} ?-{{4,5}}")
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d: ")
_FOOTER = re.compile(rf"END {_WHAT} ?-{{4,5}}|Private-MAC: ?[0-9a-fA-F]{{20,64}}")
_BODY_BEGINS = re.compile(
    # A DER sequence that begins with a version: RSA and PKCS 8, elliptic curves, and
    # short keys as of Ed25519. A certificate and a public key begin otherwise.
    r"(?:MII[A-Za-z0-9+/]{3}IBA|MI[GH][A-Za-z0-9+/]AgE[AB]|M[CH][A-Za-z0-9+/]CAQ[AE]"
    r"|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/]{24}"
)
_LINE_END = re.compile(r"\n|\\+n|\\+r|\Z")
_RUN = re.compile(r"[A-Za-z0-9+/]{16,}")
_LAST_RUN = re.compile(r"[A-Za-z0-9+/]{16,}\W{0,10}\Z")
_LONG_RUN = 40
"""Letters of base64 in a run that is no identifier; keys have lines of 64 or 70."""
_HEX = re.compile(r"[0-9a-f]{32,}\Z|[0-9A-F]{32,}\Z")
_SHORT_LINE = re.compile(
    # One word, whatever stands before it: a key's last line.
    r"\A\W{0,40}(?:\d{1,6}\W{1,8})?\S{1,200}\W{0,8}\Z"
)
_FIELD = re.compile(r"[A-Z][A-Za-z]{1,20}(?:-[A-Z][A-Za-z]{1,20})?: ")
"""A line before the body, as in Proc-Type: 4,ENCRYPTED."""


def find(reading: Reading) -> Iterator[Span]:
    """The private keys in a text."""
    text, end = reading.text, 0
    headers = list(HEADER.finditer(text)) if reading.has(b"begin") else []
    if reading.has(b"putty"):
        headers += _PUTTY.finditer(text)
        headers.sort(key=lambda match: match.start())
    limits = [match.start() for match in headers[1:]] + [len(text)]
    for match, limit in zip(headers, limits, strict=False):
        if match.start() >= end:
            stop = end_of_body(text, match.end(), limit)
            # A header that is only mentioned has no key behind it.
            if stop > match.end():
                end = stop
                yield Span(_before_dashes(text, match.start()), end, KIND)
    if "END " in text or "Private-MAC" in text:
        yield from _tails(text)
    yield from _bare_bodies(reading)


def _before_dashes(text: str, start: int) -> int:
    """Where the dashes begin that stand before a header."""
    before = text[max(0, start - 6) : start]
    return start - len(before) + len(before.rstrip("- "))


def end_of_body(text: str, start: int, limit: int) -> int:
    """Where the private key ends whose header ends at `start`; there, if it has none.

    The END line ends the key, if what stands between is mostly a key's. One that was
    cut off before it ends with its last line that holds base64.
    """
    limit = min(limit, start + _LONGEST_BODY)
    footer = _FOOTER.search(text, start, limit)
    if footer and _is_mostly_body(text[start : footer.start()]):
        return footer.end()
    return _end_of_lines(text, start, footer.start() if footer else limit)


def _is_mostly_body(text: str) -> bool:
    """Whether half of the lines or more hold a key's base64, its fields aside."""
    lines = [line for line in _LINE_END.split(text) if any(map(str.isalpha, line))]
    told = [line for line in lines if not _FIELD.search(line)]
    body = sum(map(_holds_body, told))
    return body > 0 and body * 2 >= len(told)


def _holds_body(line: str) -> bool:
    """Whether a line holds base64, or a key in hex, and no more than a long name."""
    runs = _RUN.findall(line)
    # A line that is one word has room for a word of base64 that is no name.
    is_word = bool(_SHORT_LINE.match(line)) and bool(_LAST_RUN.search(line))
    return any(
        len(run) >= _LONG_RUN
        or is_random(run)
        or _HEX.match(run)
        or (is_word and not run.isalpha())
        for run in runs
    )


def _end_of_lines(text: str, start: int, limit: int) -> int:
    """The end of the last of the lines from `start` on that are part of a key."""
    stop = begin = start
    while begin < limit:
        line_end = _LINE_END.search(text, begin, limit)
        line = text[begin : line_end.start() if line_end else limit]
        is_last = stop > start and _SHORT_LINE.match(line)
        if _holds_body(line) or is_last:
            stop = begin + len(line)
        elif begin > start and any(map(str.isalpha, line)) and not _FIELD.search(line):
            break
        begin = line_end.end() if line_end and line_end.end() > begin else limit
    return stop


def _tails(text: str) -> Iterator[Span]:
    """Keys whose header is cut off: the lines of base64 above a last line."""
    before = 0
    # The pattern alone would try every letter.
    first = text.find("END ") if "END " in text else text.find("Private-MAC")
    for footer in _FOOTER.finditer(text, max(0, first)):
        begin = max(before, footer.start() - _LONGEST_BODY)
        before = footer.end()
        if HEADER.search(text, begin, footer.start()):
            continue
        above = text[begin : footer.start()]
        lines = re.split(r"(\\+n|\n)", above)
        start = footer.start()
        # What stands before the footer in its own line is no line of the key.
        start -= len(lines.pop())
        if not lines and _holds_body(above):
            yield Span(begin, footer.end(), KIND)
            continue
        first = _first_line(lines, start)
        if first < start:
            yield Span(first, footer.end(), KIND)


def _first_line(lines: list[str], start: int) -> int:
    """Where the first line of a key's body begins; its last ends before `start`."""
    first = start
    while lines:
        start -= len(lines.pop())
        line = lines.pop() if lines else ""
        start -= len(line)
        if _holds_body(line):
            first = start
        elif line.strip() and not (_SHORT_LINE.match(line) or _FIELD.search(line)):
            break
    return first


def _bare_bodies(reading: Reading) -> Iterator[Span]:
    """Keys without header: known by how their bytes begin."""
    text, end = reading.text, 0
    for start, _ in reading.long_words:
        if start >= end and _BODY_BEGINS.match(text, start):
            limit = min(len(text), start + _LONGEST_BODY)
            end = _end_of_lines(text, start, limit)
            yield Span(start, end, KIND)


def is_cut_in_list(items: list[str]) -> bool:
    """Whether a list of texts holds a key's header in one item, its end in another."""
    headers = [item for item in items if HEADER.search(item)]
    return any(not _FOOTER.search(item) for item in headers)
