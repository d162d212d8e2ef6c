"""Comments that go on below the line they stand behind, and banners above a section."""

from __future__ import annotations

import re
from collections.abc import Sequence

from afs_stages.asm.lexer import Line
from afs_stages.codebase.read import comments

TAB = 4
WIDE = 45
"""Characters: a comment this long may have been wrapped at its end."""
SENTENCE = 5
"""Words that a text of its own has at least."""
_RANGE = re.compile(r"\$[0-9A-Fa-f]{4,6} ?- ?\$?[0-9A-Fa-f]{4,6}\b")
"""A comment that begins with a range of addresses is about all of them."""
DEEP = 12
"""Columns: a comment this far to the right, and farther than the code below it, goes on
with the one above."""
NOBODY = -1
"""The owner of a comment that may go on with the one above or head what follows."""
_THESE = re.compile(r"\b[Tt]hese (\w+)")


def continued(lines: Sequence[Line]) -> dict[int, int]:
    """Place of each comment line that goes on with a comment behind code -> place of
    that code, both counted in `lines`; `NOBODY` for one that stands in the column of
    such a comment and may as well head what follows.

        Lamp = $10   ; oil that is left
                     ; in the lamp          <- goes on with the line above
        ; the keeper                        <- belongs to what follows
    """
    found: dict[int, int] = {}
    owner, column = -1, -1
    for at, line in enumerate(lines):
        own = _column(line)
        if line.code.strip(" \t{}"):
            owner, column = (at, own) if own >= 0 else (-1, -1)
        elif own >= 0 and own == column and _heads_what_follows(lines, at):
            found[at] = owner = NOBODY
        elif own < 0 or column < 0:
            owner, column = -1, -1
        elif own == column or _deep(lines, at, own) or _quotes(line):
            found[at] = owner
        else:
            owner, column = -1, -1
    return found


def spread(lines: Sequence[Line]) -> set[int]:
    """Places of the lines of code whose comments are pieces of one text that runs over
    them: such a piece is the meaning of none.

        ScrollS = $10   ; The upper edge is always two more than the lower in
        ScrollW = $12   ; the caves of the mountain.
    """
    found: set[int] = set()
    block = False  # whether a text about a range of addresses is still going on
    columns = [_column(line) if line.code else -1 for line in lines]
    for at in range(1, len(lines)):
        if columns[at] < 0 or columns[at] != columns[at - 1]:
            block = False
            continue
        first, second = (comments.strip(lines[n].comment) for n in (at - 1, at))
        if not (first and second):
            block = False
            continue
        block = block or bool(_RANGE.match(first))
        if block or _runs_on(first, second):
            found.update((at - 1, at))
    return found


def _runs_on(first: str, second: str) -> bool:
    """Whether a comment ends in the middle of a sentence that the next one ends."""
    if first[-1] in ".!?:)":
        return False
    these = _THESE.search(second)
    if these and these.group(1) in first.split():
        return True
    begun = ". " in first and first.rpartition(". ")[2][:1].isupper()
    wrapped = first[:1].isupper() and second[:1].islower() and len(first) >= WIDE
    return begun or wrapped or first[-1] == "," or comments.is_join(first.split()[-1])


def _heads_what_follows(lines: Sequence[Line], at: int) -> bool:
    """Whether a comment line begins a text of its own below a short one that is over,
    or names the addresses of a block: it may be about the lines that follow.
    """
    line, above = lines[at], lines[at - 1]
    first, second = comments.strip(above.comment), comments.strip(line.comment)
    if _RANGE.search(second):
        return True
    if not above.code or not first or not second or comments.is_layout(first):
        return False
    if first[-1] in ",:;" or len(first) >= WIDE:
        return False
    begins = second[:1].isupper() and comments.words(second) >= SENTENCE
    return begins and not comments.is_join(first.split()[-1])


def whole_comment(lines: Sequence[Line], at: int, below: dict[int, int]) -> str:
    """The comment behind a line of code with the lines that go on with it."""
    said = [lines[at].comment]
    following = at + 1
    while below.get(following) == at:
        said.append(lines[following].comment)
        following += 1
    if len(said) == 1:
        return comments.strip(said[0])
    return comments.prose(said)


def _column(line: Line) -> int:
    """Where the comment of a line begins; -1 where it has none."""
    text = line.text.expandtabs(TAB)
    return text.rfind(line.comment.expandtabs(TAB)) if line.comment else -1


def _deep(lines: Sequence[Line], at: int, column: int) -> bool:
    """Whether a comment stands far to the right of the code that follows."""
    if column < DEEP:
        return False
    following = next((line for line in lines[at + 1 :][:40] if line.code), None)
    if following is None:
        return True
    text = following.text.expandtabs(TAB)
    return len(text) - len(text.lstrip()) < column


def _quotes(line: Line) -> bool:
    return line.comment.lstrip("; ").startswith('"')
