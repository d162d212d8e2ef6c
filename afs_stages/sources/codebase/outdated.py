"""Whether a page quotes a routine as the code does not have it any more."""

from __future__ import annotations

import re
from functools import cache

from afs_stages.sources.codebase.project import Project

_FENCE = re.compile(r"(?ms)^```(?:asm|65816|assembly)\n(.*?)^```")
_LABEL = re.compile(r"(?m)^(\w+):")
GONE = 4
"""One line in so many that the routine's file does not have makes a quotation out of date."""

_LEAST = 4
"""Lines of code a quotation must have to be compared."""


class Quotations:
    """Compares the code of pages with the files that define its routines."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lines = cache(self._read)

    def outdated(self, text: str) -> bool:
        """Whether a fence defines routines of the codebase by lines their file does not have."""
        return any(self._differs(code) for code in _FENCE.findall(text))

    def _differs(self, code: str) -> bool:
        units = [unit for unit in map(self._project.find, _LABEL.findall(code)) if unit is not None]
        lines = [line for line in map(_bare, code.split("\n")) if len(line) > 5]
        if not units or len(lines) < _LEAST:
            return False
        known = frozenset[str]().union(*(self._lines(unit.block.file) for unit in units))
        return sum(line not in known for line in lines) * GONE > len(lines)

    def _read(self, path: str) -> frozenset[str]:
        return frozenset(_bare(line.code) for line in self._project.program.files[path].lines)


def _bare(line: str) -> str:
    """A line without its comment and its blanks, as two spellings of it share it."""
    return "".join(line.split(";")[0].split()).lower()
