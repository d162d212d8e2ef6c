"""Files as pages name them, and whether they are there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_PATH = re.compile(
    r"(?<![\w/.~<$:-])((?:\./)?(?:[\w.-]+/)+[\w-]+\.[A-Za-z]\w{0,4})\b(?!/)"
)
_WRITTEN = re.compile(r"(?i)\.(asm|inc|md|py|sh|lua)$")
"""Files somebody writes: others may be made by a build."""
_EXAMPLE = re.compile(r"(?i)[/_](my|your|new)")
"""What a reader is to write."""


class Paths:
    """The files of a codebase, by path and by name."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._tops = {
            path.split("/", 1)[0].lower() for path in self._paths if "/" in path
        }
        self._named: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            self._named[path.rsplit("/", 1)[-1].lower()].append(path)

    def missing(self, text: str) -> bool:
        """Whether a text names a file in a folder of the codebase that is not there. A
        file of the same name elsewhere need not be the one that is meant.
        """
        paths = filter(_WRITTEN.search, _PATH.findall(text))
        return any(self._lost(path) for path in paths if not _EXAMPLE.search(path))

    def _lost(self, path: str) -> bool:
        return not self._there(path) and self._top(path) in self._tops

    def _there(self, path: str) -> bool:
        path = path.removeprefix("./")
        places = self._named.get(path.rsplit("/", 1)[-1].lower(), [])
        return any(place == path or place.endswith(f"/{path}") for place in places)

    @staticmethod
    def _top(path: str) -> str:
        return path.removeprefix("./").split("/", 1)[0].lower()
