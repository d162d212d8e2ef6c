"""Which modules of the package a script needs: its imports, and theirs,
read from the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def closure(root: Path, modules: list[str]) -> list[Path]:
    """Files under `root` that the modules import, directly or not, in order; packages'
    `__init__` included.
    """
    todo, seen = list(modules), set[Path]()
    while todo:
        name = todo.pop()
        for file in _files(root, name):
            if file not in seen:
                seen.add(file)
                todo += list(_imports(file, root))
    return sorted(seen)


def _files(root: Path, name: str) -> Iterator[Path]:
    """The file of a dotted name and the `__init__` of every package above it."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        path = root.joinpath(*parts[:depth])
        if (path / "__init__.py").is_file():
            yield path / "__init__.py"
        elif path.with_suffix(".py").is_file():
            yield path.with_suffix(".py")


def _imports(file: Path, root: Path) -> Iterator[str]:
    package = root.joinpath(*file.relative_to(root).parts[:1]).name
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (
                alias.name
                for alias in node.names
                if alias.name.split(".")[0] == package
            )
        elif (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and (node.module or "").split(".")[0] == package
        ):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
