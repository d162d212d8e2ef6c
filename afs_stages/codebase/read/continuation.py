"""Comments that go on below the line they stand behind, and banners above a section."""

from __future__ import annotations

from collections.abc import Sequence

from afs_stages.asm.lexer import Line
from afs_stages.codebase.read import comments

TAB = 4
DEEP = 12
"""Columns: a comment this far to the right, and farther than the code below it, goes on
with the one above."""


def continued(lines: Sequence[Line]) -> dict[int, int]:
    """Place of each comment line that goes on with a comment behind code -> place of
    that code, both counted in `lines`.

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
        elif own < 0 or owner < 0:
            owner, column = -1, -1
        elif own == column or _deep(lines, at, own) or _quotes(line):
            found[at] = owner
        else:
            owner, column = -1, -1
    return found


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
