"""Looking for sources below a folder: tool homes, context roots, codebases,
ToolBench data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afs_stages.sources.collect import files_of

DEPTH = 4
_PASSED_OVER = {
    "node_modules",
    "__pycache__",
    ".git",
    ".venv",
    "venv",
    ".cache",
    "site-packages",
}


@dataclass(frozen=True)
class DiscoveredSource:
    """A source that lies at `path`: how many files `collect` would take,
    and their bytes.
    """

    kind: str
    path: Path
    files: int
    size: int


def discover(top: Path, depth: int = DEPTH) -> Iterator[DiscoveredSource]:
    """Yield the sources at most `depth` folders below `top`, in order of path; links
    are not followed.
    """
    for folder, folders, names in os.walk(top, followlinks=False):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        if len(here.relative_to(top).parts) >= depth:
            folders.clear()
        found = list(_at(here, set(folders), names))
        yield from found
        if found:
            folders.clear()


def _at(here: Path, folders: set[str], names: list[str]) -> Iterator[DiscoveredSource]:
    tools = {"claude": "projects", "codex": "sessions", "gemini": "tmp"}
    for kind, inside in tools.items():
        if here.name.lstrip(".").startswith(kind) and inside in folders:
            yield _tool(kind, here)
    if here.name in (".context", "context"):
        for kind in ("memory", "history"):
            if kind in folders:
                yield _tool(kind, here / kind)
    if any(name.startswith("toolllama_") and name.endswith(".json") for name in names):
        yield _tool("toolbench", here)
    if any(name.endswith(".asm") for name in names):
        yield _counted("oracle", here, (".asm", ".md"))


def _tool(kind: str, path: Path) -> DiscoveredSource:
    files = [file for _, file in files_of(kind, [path])]
    return DiscoveredSource(
        kind, path, len(files), sum(file.stat().st_size for file in files)
    )


def _counted(kind: str, path: Path, suffixes: tuple[str, ...]) -> DiscoveredSource:
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix in suffixes and file.is_file()
    ]
    return DiscoveredSource(
        kind, path, len(files), sum(file.stat().st_size for file in files)
    )
