"""Whether the code or the claims of a page are not those of the codebase."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache, cached_property

from afs_stages.asm.isa import MNEMONICS
from afs_stages.codebase.facts.project import Project

_FENCE = re.compile(r"(?ms)^```(?:asm|65816|assembly)\n(.*?)^```")
_WORD = re.compile(r"\w+")
_LABEL = re.compile(r"(?m)^[ \t]*(\w+):")
_USED = re.compile(
    r"(?i)(?:\b(?:js[rl]|jm[pl]|ld[axy]|st[axyz]|cmp|adc|sbc|and|ora|inc|dec|bit)(?:\.[blw])?\s+[#!(\[]*|%)"
    r"([a-z_]\w{3,})"
)
_FOREIGN = re.compile(
    r"(?m)^\s*//|\s//\s|^\s*\$[\dA-Fa-f]+\s*=\s*[A-Za-z]|^\s*d[bwl] [^;\n]*\([A-Z]\w+\)"
)
"""A comment of another language, a number that is given a name, a remark among data:
asar reads none of them.
"""

_QUOTED = re.compile(r"`%?(!?[A-Za-z_]\w{3,})\b")
"""A name in the quotes of code."""

_QUOTED_ALONE = re.compile(r"`%?(!?[A-Za-z_]\w{3,})(?![\w.])")
"""The same, and no name of a file."""
_FROM = re.compile(r"(?im)^\s*;.*?\b([\w/]+\.asm)\b")
"""The file a piece of code says it is from."""
_SOURCE = re.compile(r"[\w/]+\.asm\b")

_EMPTY = re.compile(
    r"`(\w+)`[^\n`]{0,12}(?:\| |: |is (?:currently )?|[—–-] )\**(?:empty|a stub"
    r"|unused)\b",
    re.I,
)
"""`Routine` is empty: what a page says of a routine before it was written."""

_CALLED = re.compile(r"(?i)\bj(?:s[rl]|ml)(?:\.[bwl])?[ \t]+([a-z_]\w{3,})")
_LEAST, _LONG = 4, 7
"""Lines of code a quotation must have to be compared, and to be asked for its names."""

_INVENTED = 2
"""So many names the codebase does not have, in code it has less than two lines in five
of, are made up.
"""


class Quotations:
    """Compares the code of pages, and what they say of routines, with the codebase."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lines = cache(self._read)
        self._words = cache(self._read_words)

    def fault(self, text: str) -> str:
        """Why the code of a text is not to be taught, or ""."""
        codes = _FENCE.findall(text)
        if any(map(_FOREIGN.search, codes)):
            return "code_of_another_language"
        if any(map(self._differs, codes)) or any(
            map(self._written, _EMPTY.findall(text))
        ):
            return "code_out_of_date"
        return "code_of_unknown_names" if any(map(self._invented, codes)) else ""

    def names_code(self, text: str) -> bool:
        """Whether a text names something that the code defines."""
        names = map(self._project.program.bare, _QUOTED.findall(text))
        return any(name.lower() in self._names for name in names)

    def unknown(self, text: str) -> bool:
        """Whether code calls, or a text names with the namespace in front, what the
        codebase does not have.
        """
        codes = _FENCE.findall(text)
        own = {label.lower() for label in _LABEL.findall("\n".join(codes))}
        called = {
            name
            for code in codes
            for line in code.split("\n")
            for name in _CALLED.findall(line.split(";")[0])
        }
        bare = map(self._project.program.bare, (*called, *self._namespaced(text)))
        return any(
            name.lower() not in own | self._names
            and not self._project.vocabulary.has("examples", name)
            for name in bare
        )

    def beside_its_file(self, page: str, text: str) -> bool:
        """Whether a page that has the name of one source file quotes names of code
        which that file does not have: they are another file's, or no longer there.
        """
        files = self._by_stem[_stem(page)]
        if len(files) != 1:
            return False
        if any(_stem(path) != _stem(page) for path in _SOURCE.findall(text)):
            return False  # it tells of other files, too
        there = self._words(files[0])
        quoted = {name.lstrip("!").lower() for name in _QUOTED_ALONE.findall(text)}
        compound = {name for name in quoted if "_" in name}
        return bool((quoted & self._names | compound) - there)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        """The files that have a name, however its words are joined."""
        found = defaultdict[str, list[str]](list)
        for path in self._project.program.files:
            found[_stem(path)].append(path)
        return found

    def _read_words(self, path: str) -> frozenset[str]:
        lines = self._project.program.files[path].lines
        return frozenset(_WORD.findall("\n".join(line.text for line in lines).lower()))

    def _namespaced(self, text: str) -> list[str]:
        names = "|".join(map(re.escape, self._project.program.namespaces))
        return (
            re.findall(rf"\b(?:{names})[._]\w{{4,}}\b(?!\.\w)", text) if names else []
        )

    def _differs(self, code: str) -> bool:
        """Whether a fence that defines routines of the codebase, or names the file it
        is from, has an instruction that is not there.
        """
        found = map(self._project.find, _LABEL.findall(code))
        units = [unit for unit in found if unit is not None]
        files = {path for n in _FROM.findall(code) for path in self._by_stem[_stem(n)]}
        lines = _lines(code)
        if len(lines) < _LEAST or not (units or files):
            return False
        known = frozenset[str]().union(*map(self._lines, files))
        for unit in units:
            known |= {_bare(line.code) for line in unit.block.lines}
        return any(line not in known for line in lines if line[:3] in MNEMONICS)

    def _written(self, name: str) -> bool:
        unit = self._project.find(name)
        return unit is not None and (
            unit.contract.instructions > _LEAST or bool(unit.contract.calls)
        )

    def _invented(self, code: str) -> bool:
        lines = _lines(code)
        if len(lines) < _LONG or sum(line in self._all for line in lines) * 5 > 2 * len(
            lines
        ):
            return False
        own = {label.lower() for label in _LABEL.findall(code)}
        used = {
            name.lower()
            for line in code.split("\n")
            for name in _USED.findall(line.split(";")[0])
        }
        return len(used - own - self._names) >= _INVENTED

    @cached_property
    def _names(self) -> frozenset[str]:
        program = self._project.program
        macros = (
            macro.name for file in program.files.values() for macro in file.macros
        )
        labels = (
            label.name for file in program.files.values() for label in file.labels
        )
        called = (
            name for unit in self._project.units for _, name in unit.contract.calls
        )
        names = (*program.symbols, *self._project.by_name, *macros, *labels, *called)
        return frozenset(
            name.lower() for own in names for name in (own, program.bare(own))
        )

    @cached_property
    def _all(self) -> frozenset[str]:
        return frozenset[str]().union(*map(self._lines, self._project.program.files))

    def _read(self, path: str) -> frozenset[str]:
        return frozenset(
            _bare(line.code) for line in self._project.program.files[path].lines
        )


def _stem(path: str) -> str:
    """The name of a file without its suffix and what joins its words."""
    name = path.rpartition("/")[2].partition(".")[0]
    return "".join(filter(str.isalnum, name)).lower()


def _lines(code: str) -> list[str]:
    return [line for line in map(_bare, code.split("\n")) if len(line) > 5]


def _bare(line: str) -> str:
    """A line without its comment and its blanks, as two spellings of it share it."""
    return "".join(line.split(";")[0].split()).lower()
