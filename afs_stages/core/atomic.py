"""Outputs appear whole or not at all: write to a temporary sibling, sync, rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from afs_stages.core.errors import UserError


def temporary(path: Path) -> Path:
    """The sibling a writer of `path` fills; a fixed name,
    so that a killed run's rest is overwritten.
    """
    return path.with_name(f".{path.name}.tmp")


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that becomes `path` when the block ends without an error.

    Raises UserError where `path` is a device, a pipe or a folder, or a link to one.
    """
    _refuse_other_than_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = temporary(path)
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _refuse_other_than_file(path: Path) -> None:
    """A rename would put a file in the place of a device or a pipe, also where a link
    leads to one; a link to a file gives way, as DVC's links into its cache must.
    """
    if path.is_file() or not path.exists():
        return
    raise UserError(
        "the output would replace what is no regular file",
        where=str(path),
        fix="name a new file, or remove what stands there",
    )


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` when the block ends
    without an error.
    """
    part = temporary(path)
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    try:
        yield part
        if path.exists():
            shutil.rmtree(path)
        part.replace(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    write_bytes(path, text.encode("utf-8"))
