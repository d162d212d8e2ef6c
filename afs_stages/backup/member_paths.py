"""Which paths an archive may hold: one answer for push, restore, verify and cleanup."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

INSIDE = ".afs/manifest/"
"""The manifest is the first member, where a plain `tar -x` in the project puts
it out of the way.
"""
LONGEST_NAME = 255
"""Bytes of one name that every common file system takes."""
LONGEST = 3800
"""Bytes of a path: what Linux takes, less the staging folder's name and some of
the destination's.
"""


def why_refused(path: str) -> str:
    """Why no archive may hold a file of this path; empty when one may."""
    pure = PurePosixPath(path)
    try:
        encoded = path.encode("utf-8", "surrogateescape")
        names = [part.encode("utf-8", "surrogateescape") for part in pure.parts]
    except UnicodeEncodeError:
        return "is no file name in any encoding"
    if pure.is_absolute() or ".." in pure.parts:
        return "would be written outside"
    if "\\" in path:
        # Windows reads it as a separator, so `..\` would climb out there.
        return "would be written outside on Windows (it has a backslash)"
    if "\0" in path or not pure.name or str(pure) != path:
        return "is no plain path of a file"
    if len(encoded) > LONGEST or max(map(len, names)) > LONGEST_NAME:
        return "is too long"
    return ""


def refused(paths: Iterable[str]) -> str:
    """Why no archive may hold these files, with the first path at fault;
    empty when one may.
    """
    files: set[str] = set()
    # The manifest's own folders count: as files they would be in its way.
    folders = {".afs", INSIDE.rstrip("/")}
    for path in paths:
        why = why_refused(path)
        if not why and path.startswith(INSIDE):
            why = "lies where the archive's own manifest goes"
        if not why and path in files:
            why = "is there twice"
        if why:
            # As Python writes it: a line break or a byte of no encoding must
            # not spoil the log.
            return f"{path!r} {why}"
        files.add(path)
        folders.update(str(parent) for parent in PurePosixPath(path).parents)
    both = sorted(files & folders)
    return f"{both[0]!r} is a file and a folder" if both else ""
