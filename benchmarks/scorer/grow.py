"""Many rows from few: each pass over the real rows changes every number and every
identifier in them.

No text, line of code, name or address of one pass comes back in another, so that
nothing remembered from it makes a later row cheap; words stay, as they do between real
rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import open_write, read_objects, refuse

_CHANGES = re.compile(r"\$[0-9A-Fa-f]{4,6}\b|\b\w*[a-z0-9][A-Z_]\w*\b")


def varied(text: str, turn: int) -> str:
    """The text with its addresses moved and its identifiers renamed;
    turn 0 is the text itself.
    """
    if not turn:
        return text

    def change(match: re.Match[str]) -> str:
        word = match[0]
        if word[0] != "$":
            return f"{word}{turn}"
        digits = len(word) - 1
        return f"${(int(word[1:], 16) + 7 * turn) % 16**digits:0{digits}X}"

    return _CHANGES.sub(change, text)


def grown(path: Path) -> Iterator[dict[str, Any]]:
    """Rows without end; the first pass is the file itself."""
    rows = [row for _, row in read_objects(path, refuse)]
    for turn in count():
        for number, row in enumerate(rows):
            texts = {
                name: varied(row[name], turn)
                for name in ("instruction", "input", "output")
            }
            yield {**row, **texts, "sample_id": f"{turn:016x}{number:016x}"}


def write_grown(source: Path, target: Path, rows: int) -> Path:
    """A file of that many rows."""
    with open_write(target) as writer:
        writer.write_many(islice(grown(source), rows))
    return target
