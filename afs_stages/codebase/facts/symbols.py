"""What a codebase knows by name, for those who check text against it, and its routines
as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.codebase.read.program import read_program
from afs_stages.codebase.read.routines import blocks
from afs_stages.codebase.read.tree import read_tree


@dataclass(frozen=True)
class Symbols:
    """Names of a codebase: variables and constants with their value, and everything
    that is a label or a macro.
    """

    addresses: dict[str, int] = field(default_factory=dict)
    defines: dict[str, int] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    macros: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Body:
    """A routine's code exactly as it stands in its file, comments included; lines
    inclusive, from 1.
    """

    file: str
    name: str
    first: int
    last: int
    text: str


def collect(root: Path) -> Symbols:
    """Every name a codebase defines.
    A name with several values keeps the first by file and line.

    Raises `UserError` when the root is no folder.
    """
    program = read_program(read_tree(root))
    addresses: dict[str, int] = {}
    defines: dict[str, int] = {}
    for symbol in program.all_symbols:
        (defines if symbol.kind == "define" else addresses).setdefault(
            symbol.name, symbol.value
        )
    labels = frozenset(
        label.name for file in program.files.values() for label in file.labels
    )
    macros = frozenset(
        macro.name for file in program.files.values() for macro in file.macros
    )
    return Symbols(addresses, defines, labels, macros)


def bodies(root: Path) -> Iterator[Body]:
    """Every routine of a codebase (no tables), by file and line,
    with its formatting untouched.
    """
    for file in read_program(read_tree(root)).files.values():
        for block in blocks(file):
            if block.kind == "routine":
                text = "\n".join(line.text for line in block.lines)
                yield Body(file.path, block.name, block.first, block.last, text)
