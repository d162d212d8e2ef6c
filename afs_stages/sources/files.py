"""Finding a source's files: stable order, nothing outside the roots, no loops."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def walk(roots: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield (path relative to its root, path) of every regular file with one of the suffixes, sorted.

    Symbolic links are not followed: they may leave the root or run in a circle.
    """
    found: list[tuple[str, Path]] = []
    for root in roots:
        if root.is_file():
            found.append((root.name, root))
            continue
        for folder, folders, names in os.walk(root, followlinks=False):
            folders.sort()
            for name in names:
                path = Path(folder) / name
                if name.endswith(suffixes) and path.is_file() and not path.is_symlink():
                    found.append((path.relative_to(root).as_posix(), path))
    yield from sorted(found, key=lambda item: item[0])
