"""Fingerprints of files and folders, by which a base,
a data set or an adapter is told.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec


def file_hash(path: Path) -> str:
    """32 hex digits of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=16)
        ).hexdigest()


def folder_hash(path: Path) -> str:
    """32 hex digits of the names and bytes of all files below a folder,
    in any file order.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(path.rglob("*")):
        if file.is_file():
            digest.update(
                f"{file.relative_to(path).as_posix()}\0{file_hash(file)}\n".encode()
            )
    return digest.hexdigest()


def value_hash(value: Any) -> str:
    """32 hex digits of a JSON value, whatever the order of its keys."""
    return hashlib.blake2b(
        msgspec.json.encode(value, order="sorted"), digest_size=16
    ).hexdigest()
