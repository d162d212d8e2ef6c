"""Finding a source's files and reading their records: stable order, nothing outside the
roots, no loops.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow, OnBad


def walk(
    roots: Iterable[Path], suffixes: tuple[str, ...]
) -> Iterator[tuple[str, Path]]:
    """Yield (path relative to its root, path) of every regular file with one of the
    suffixes, sorted.

    Symbolic links are not followed: they may leave the root or run in a circle.
    """
    found: list[tuple[str, Path]] = []
    for root in roots:
        if root.is_file():
            found.append((root.name, root))
            continue
        for folder, _, names in os.walk(root, followlinks=False):
            for name in names:
                path = Path(folder) / name
                if name.endswith(suffixes) and path.is_file() and not path.is_symlink():
                    found.append((readable(path.relative_to(root).as_posix()), path))
    yield from sorted(found)


def readable(name: str) -> str:
    """A file name as text that UTF-8 can hold; bytes that are no UTF-8 become `?`."""
    return name.encode("utf-8", "replace").decode()


def referenced(root: Path, reference: str) -> Path | None:
    """The file inside `root` that a record names, or None where the name leads outside
    or is no name at all.
    """
    try:
        target = (root / reference).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return target if target.is_relative_to(root.resolve()) else None


def exists(path: Path) -> bool:
    """Whether there is such a regular file; a name that no system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def named(on_bad: OnBad, name: str) -> OnBad:
    """`on_bad` for one file: its bad rows are reported under the file's path
    relative to the root.
    """
    return lambda bad: on_bad(replace(bad, file=name))


def read_records(
    name: str, path: Path, on_bad: OnBad
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a log; a lone surrogate becomes U+FFFD, other bad
    lines are reported.
    """
    report = named(on_bad, name)
    for number, line in jsonl.read_lines(path, report):
        value = record(name, number, line)
        if isinstance(value, BadRow):
            report(value)
        else:
            yield number, value


def record(name: str, number: int, line: bytes) -> dict[str, Any] | BadRow:
    """The JSON object on a line of a log, or what is wrong with it."""
    value = jsonl.parse(name, number, line)
    if (
        isinstance(value, BadRow)
        and value.reason == "broken_json"
        and b"\\ud" in line.lower()
    ):
        return jsonl.parse(name, number, _without_lone_surrogates(line))
    return value


def _without_lone_surrogates(line: bytes) -> bytes:
    try:
        text = json.dumps(json.loads(line), ensure_ascii=False)
    except (ValueError, RecursionError):
        return line
    return (
        text.encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .encode()
    )


def read_document(
    name: str, path: Path, on_bad: OnBad, max_bytes: int = jsonl.MAX_LINE_BYTES
) -> Any:
    """A whole JSON file, or None when it is too long or broken, which is reported."""
    size = path.stat().st_size
    if size > max_bytes:
        on_bad(BadRow(name, 1, "file_too_long", f"{size} bytes, at most {max_bytes}"))
        return None
    value = record(name, 1, b'{"document":' + path.read_bytes() + b"}")
    if isinstance(value, BadRow):
        on_bad(value)
        return None
    return value["document"]
