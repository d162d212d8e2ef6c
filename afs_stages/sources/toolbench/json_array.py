"""The elements of a JSON array in a file too large to load: found by brackets,
decoded one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from afs_stages.core.jsonl import BadRow, OnBad

CHUNK = 2**20
MAX_ELEMENT_BYTES = 64 * 2**20
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]|"', re.S)


def elements(path: Path, on_bad: OnBad) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number from 1, offset in the file, bytes) of each object or array inside
    the file's outermost array.

    A file that breaks off, or an element over 64 MiB, is reported;
    elements before it are yielded.
    """
    buffer, position, depth, start, number, base = b"", 0, 0, -1, 0, 0
    with path.open("rb") as file:
        while True:
            match = _TOKEN.search(buffer, position)
            if match is None or match[0] == b'"':
                keep = (
                    start if start >= 0 else (match.start() if match else len(buffer))
                )
                chunk = file.read(CHUNK)
                if not chunk or len(buffer) - keep > MAX_ELEMENT_BYTES:
                    break
                resume = match.start() if match else max(position, len(buffer))
                buffer, position, base = (
                    buffer[keep:] + chunk,
                    resume - keep,
                    base + keep,
                )
                start = 0 if start >= 0 else -1
                continue
            position = match.end()
            if match[0] in (b"{", b"["):
                depth += 1
                if depth == 2:
                    start = match.start()
            elif match[0] in (b"}", b"]"):
                depth -= 1
                if depth == 1 and start >= 0:
                    number += 1
                    yield number, base + start, buffer[start:position]
                    start = -1
    if depth != 0:
        on_bad(
            BadRow(
                path.name,
                number + 1,
                "broken_json",
                "the array breaks off or an element is over 64 MiB",
            )
        )
