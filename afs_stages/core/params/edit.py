"""Changing one value of params.yaml in place: comments and everything else stay as they are."""

from __future__ import annotations

import re

from afs_stages.core.errors import UserError


def set_root(text: str, source: str, root: str) -> str:
    """The text of params.yaml with `sources.<source>.root` set; a block that is not there is added.

    Raises `UserError` when the file has no `sources:` block.
    """
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if re.match(r"sources:\s*(#.*)?$", line)), None)
    if start is None:
        raise UserError("no block 'sources:'", where="params.yaml", fix="restore it: git checkout params.yaml")
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    block = next((i for i in range(start + 1, end) if re.match(rf"  {re.escape(source)}:\s*(#.*)?$", lines[i])), None)
    if block is None:
        return "".join([*lines[: start + 1], f"  {source}:\n    root: {root}\n", *lines[start + 1 :]])
    stop = next((i for i in range(block + 1, end) if re.match(r"  [^\s#]", lines[i])), end)
    for i in range(block + 1, stop):
        found = re.match(r"(    root:\s*)([^#\n]*?)(\s*(?:#.*)?)$", lines[i])
        if found:
            lines[i] = f"{found[1]}{root}{found[3].rstrip()}\n"
            return "".join(lines)
    return "".join([*lines[: block + 1], f"    root: {root}\n", *lines[block + 1 :]])
