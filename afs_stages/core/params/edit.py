"""Changing one value of params.yaml in place:
comments and everything else stay as they are.
"""

from __future__ import annotations

import re

from afs_stages.core.errors import UserError

ROOT = r"(    root:\s*)([^#\n]*?)(\s*(?:#.*)?)$"
"""A block's root: what stands before its value, the value, and what stands after it."""


def set_root(text: str, source: str, root: str) -> str:
    """The text of params.yaml with `sources.<source>.root` set;
    a block that is not there is added.

    Raises `UserError` when the file has no `sources:` block.
    """
    lines = text.splitlines(keepends=True)
    start = _find(lines, r"sources:\s*(#.*)?$", 0, len(lines))
    if start == len(lines):
        raise UserError(
            "no block 'sources:'",
            where="params.yaml",
            fix="restore it: git checkout params.yaml",
        )
    end = _find(lines, r"[^\s#]", start + 1, len(lines))
    block = _find(lines, rf"  {re.escape(source)}:\s*(#.*)?$", start + 1, end)
    if block == end:
        lines.insert(start + 1, f"  {source}:\n    root: {root}\n")
        return "".join(lines)
    stop = _find(lines, r"  [^\s#]", block + 1, end)
    at = _find(lines, ROOT, block + 1, stop)
    found = re.match(ROOT, lines[at]) if at < stop else None
    if found:
        lines[at] = f"{found[1]}{root}{found[3].rstrip()}\n"
    else:
        lines.insert(block + 1, f"    root: {root}\n")
    return "".join(lines)


def _find(lines: list[str], pattern: str, start: int, end: int) -> int:
    """The first line from `start` on, before `end`, that begins as the pattern says;
    `end` where none does.
    """
    return next((at for at in range(start, end) if re.match(pattern, lines[at])), end)
