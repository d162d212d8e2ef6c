"""Private keys, however a tool prints their lines.

A key is found by its header, by its last line when the header is cut off, or by how
the bytes of a key begin; what goes is the body. Whatever stands before each line (a
number, `file:12:`, `> `, a quote) does not matter: base64 is looked for in the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16}")
_KEY_LINE = re.compile(
    r"[A-Za-z0-9+/]{16}"  # base64, wherever in the line
    # its short last line: one word, whatever stands before it
    r"|\A\W{0,40}(?:\d{1,6}\W{1,8})?\S{1,200}\W{0,8}\Z"
    # a header, as in Proc-Type: 4,ENCRYPTED
    r"|[A-Z][A-Za-z]{1,20}(?:-[A-Z][A-Za-z]{1,20})?: "
)


def find(reading: Reading) -> Iterator[Span]:
    """The private keys in a text."""
    text, end = reading.text, 0
    headers = list(HEADER.finditer(text)) if reading.has(b"begin") else []
    if reading.has(b"putty"):
        headers += _PUTTY.finditer(text)
    for match in headers:
        if match.start() >= end:
            end = end_of_body(text, match.end())
            yield Span(_before_dashes(text, match.start()), end, KIND)
    if "END " in text or "Private-MAC" in text:
        yield from _tails(text)
    yield from _bare_bodies(reading)


def _before_dashes(text: str, start: int) -> int:
    """Where the dashes begin that stand before a header."""
    before = text[max(0, start - 6) : start]
    return start - len(before) + len(before.rstrip("- "))


def end_of_body(text: str, start: int) -> int:
    """Where the private key ends whose header ends at `start`.

    The END line ends the key. A key that was cut off before it ends with its last line
    that holds base64.
    """
    limit = min(len(text), start + _LONGEST_BODY)
    next_header = text.find("BEGIN ", start, limit)
    if next_header >= 0:
        limit = next_header
    footer = _FOOTER.search(text, start, limit)
    if footer:
        return footer.end()
    return _end_of_lines(text, start, limit, _KEY_LINE)


def _end_of_lines(text: str, start: int, limit: int, is_part: re.Pattern[str]) -> int:
    """The end of the last of the lines from `start` on that are part of a key."""
    stop = begin = start
    while begin < limit:
        line_end = _LINE_END.search(text, begin, limit)
        line = text[begin : line_end.start() if line_end else limit]
        if is_part.search(line):
            stop = begin + len(line)
        elif any(c.isalpha() for c in line):
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
        if not lines and _BASE64.search(above):
            yield Span(begin, footer.end(), KIND)
            continue
        first = start
        while lines:
            start -= len(lines.pop())
            line = lines.pop() if lines else ""
            start -= len(line)
            if _BASE64.search(line) or (line and _KEY_LINE.search(line)):
                first = start
            elif line.strip():
                break
        if first < footer.start():
            yield Span(first, footer.end(), KIND)


def _bare_bodies(reading: Reading) -> Iterator[Span]:
    """Keys without header: known by how their bytes begin."""
    text, end = reading.text, 0
    for start, _ in reading.long_words:
        if start >= end and _BODY_BEGINS.match(text, start):
            limit = min(len(text), start + _LONGEST_BODY)
            end = _end_of_lines(text, start, limit, _BASE64)
            yield Span(start, end, KIND)


def is_cut_in_list(items: list[str]) -> bool:
    """Whether a list of texts holds a key's header in one item, its end in another."""
    headers = [item for item in items if HEADER.search(item)]
    return any(not _FOOTER.search(item) for item in headers)
