"""The files of a codebase: found in a stable order, decoded,
and never followed out of the root.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.core.errors import UserError

MAX_FILE_BYTES = 32 * 2**20
MAX_LINE = 4000
"""Characters; a longer line is data, not writing, and is left out."""

ASSEMBLY = (".asm", ".s", ".65c", ".inc")
MARKDOWN = (".md", ".markdown")
_SKIPPED = {"node_modules", "__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Problem:
    """Something that could not be read: file (relative, posix), line (0:
    the whole file), reason.
    """

    file: str
    line: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class TextFile:
    """A decoded file: path relative to the root, lines without their ends."""

    path: str
    lines: tuple[str, ...]


@dataclass
class Tree:
    """Every assembly and Markdown file under a root, in order of path; `paths` are
    those of all its files.
    """

    root: Path
    assembly: list[TextFile] = field(default_factory=list)
    markdown: list[TextFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    commit: str = ""
    paths: frozenset[str] = frozenset()


def read_tree(root: Path) -> Tree:
    """Read a codebase. Raises `UserError` when the root is no folder."""
    if not root.is_dir():
        raise UserError(
            "no such folder", where=str(root), fix="set the source's root to a checkout"
        )
    found = {path.relative_to(root).as_posix(): path for path in _walk(root)}
    tree = Tree(root, commit=_commit(root), paths=frozenset(found))
    for _, path in sorted(found.items()):
        kind = path.suffix.lower()
        if kind not in ASSEMBLY and kind not in MARKDOWN:
            continue
        file = _read(path, root, tree.problems)
        if file is not None:
            (tree.assembly if kind in ASSEMBLY else tree.markdown).append(file)
    return tree


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _SKIPPED
        )
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _read(path: Path, root: Path, problems: list[Problem]) -> TextFile | None:
    name = path.relative_to(root).as_posix()
    reason = _unusable(path, root)
    if reason:
        problems.append(Problem(name, 0, reason))
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.append(Problem(name, 0, "unreadable", error.strerror or ""))
        return None
    if b"\0" in data:
        problems.append(Problem(name, 0, "binary"))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "invalid_utf8", f"byte {error.start}"))
        text = data.decode("utf-8", "replace")
    return TextFile(name, tuple(_lines(text, name, problems)))


def _unusable(path: Path, root: Path) -> str:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        return "link_out_of_root"
    if not path.is_file():
        return "not_a_file"
    return "file_too_large" if path.stat().st_size > MAX_FILE_BYTES else ""


def _lines(text: str, name: str, problems: list[Problem]) -> Iterator[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            problems.append(
                Problem(name, number, "line_too_long", f"{len(line)} characters")
            )
            yield ""
        else:
            yield line.rstrip()


def _commit(root: Path) -> str:
    """The commit checked out, or "" when the root is not the root of a
    plain Git checkout.
    """
    head = _text(root / ".git" / "HEAD")
    if not head.startswith("ref: "):
        return head if len(head) in (40, 64) else ""
    ref = head.removeprefix("ref: ")
    loose = "" if ".." in ref else _text(root / ".git" / ref)
    if loose:
        return loose
    packed = _text(root / ".git" / "packed-refs").splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace").strip() if path.is_file() else ""
