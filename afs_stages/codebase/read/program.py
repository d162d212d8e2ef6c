"""The codebase as one program: names with their addresses, includes resolved, names
looked up across files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from afs_stages.asm.hardware import register_named, register_place
from afs_stages.asm.isa import MNEMONICS
from afs_stages.asm.places import region
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.nodes import AsmFile, Equate, Label
from afs_stages.codebase.read.parser import parse
from afs_stages.codebase.read.tree import Problem, Tree

_MAX_CHAIN = 64
_BANK = 0x10000
_OF_STRUCT = re.compile(r"([A-Za-z_]\w*)\.\w")


@dataclass(frozen=True)
class Symbol:
    """A name with an address (or, for a `!define`, a value), where it is defined and
    what is said of it.
    """

    name: str
    value: int
    file: str
    line: int
    comment: str
    header: str
    section: str
    size: str = ""
    kind: str = "equate"
    """`equate`, `define`, `label`, `reserved`, `field`, or `foreign`: a place in the
    memory of another processor, or a field of a struct that overlays no known place.
    """
    hardware: str = ""
    """What the hardware register of this name does, where it is one."""


@dataclass
class Program:
    """All files of a codebase, parsed."""

    files: dict[str, AsmFile]
    symbols: dict[str, list[Symbol]] = field(default_factory=dict)
    includes: dict[str, list[str]] = field(default_factory=dict)
    included_by: dict[str, list[str]] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    included_at: dict[tuple[str, int], str] = field(default_factory=dict)
    """(file, line) of an include -> the file it names"""
    _equates: dict[str, Equate] = field(default_factory=dict)
    _known: dict[str, int | None] = field(default_factory=dict)

    def value(self, name: str) -> int | None:
        """The address or value of a name, or None."""
        return self._resolve(name, 0)

    def _resolve(self, name: str, depth: int) -> int | None:
        if name in self._known:
            return self._known[name]
        equate = self._equates.get(name) or self._equates.get(self.bare(name))
        if equate is None or depth > _MAX_CHAIN:
            return None
        self._known[name] = None
        self._known[name] = evaluate(
            equate.value, lambda other: self._resolve(other, depth + 1)
        )
        return self._known[name]

    def bare(self, name: str) -> str:
        """A name without the namespace of the project in front."""
        for namespace in self.namespaces:
            if name.startswith(namespace + "_"):
                return name[len(namespace) + 1 :]
        return name

    @cached_property
    def unbuilt(self) -> frozenset[str]:
        """Files that are never assembled: those the codebase's main files do not lead
        to, where these include most.
        """
        built: set[str] = set()
        for main in (
            path
            for path in self.files
            if path in self.includes and path not in self.included_by
        ):
            reached, ready = {main}, [main]
            while ready:
                new = [
                    path
                    for path in self.includes.get(ready.pop(), ())
                    if path not in reached
                ]
                reached.update(new)
                ready += new
            built |= reached if len(reached) * 10 > len(self.files) else set()
        return (
            frozenset(self.files).difference(built)
            if len(built) * 2 > len(self.files)
            else frozenset()
        )

    @cached_property
    def all_symbols(self) -> list[Symbol]:
        """Every symbol of a program that is read to its end, by file and line."""
        found = chain.from_iterable(self.symbols.values())
        return sorted(found, key=lambda symbol: (symbol.file, symbol.line, symbol.name))


def read_program(tree: Tree) -> Program:
    """Parse every assembly file of a tree, resolve includes, compute addresses."""
    files = {file.path: parse(file, tree.problems) for file in tree.assembly}
    program = Program(files)
    program.namespaces = tuple(
        sorted({name for file in files.values() for name in file.namespaces})
    )
    _resolve_includes(program, tree.problems)
    for file in files.values():
        for equate in file.equates:
            program._equates.setdefault(equate.name, equate)
    for file in files.values():
        _place(program, file)
    spoken = _structs_spoken_of(program)
    for file in files.values():
        _add_equates(program, file)
        _add_structs(program, file, spoken)
    _tell_registers(program)
    return program


def _structs_spoken_of(program: Program) -> set[str]:
    """The structs whose fields the code of the main processor names. A struct without
    a bank that it never names may describe any memory.
    """
    files = program.files.values()
    if not any(file.structs for file in files):
        return set()
    return set(chain.from_iterable(map(_structs_in, files)))


def _structs_in(file: AsmFile) -> Iterator[str]:
    for line in file.lines:
        if "." not in line.code or line.number in file.foreign:
            continue
        for statement in line.statements:
            if statement.word.split(".", 1)[0] in MNEMONICS:
                yield from _OF_STRUCT.findall(statement.rest)


def _tell_registers(program: Program) -> None:
    """Say what each register name means, by all names of its place."""
    at: dict[int, set[str]] = {}
    for symbol in chain.from_iterable(program.symbols.values()):
        place = register_place(symbol.value)
        if symbol.kind == "equate" and place is not None:
            at.setdefault(place, set()).add(symbol.name)
    for place, names in at.items():
        for name in names:
            told = register_named(name, place, names)
            program.symbols[name] = [
                replace(symbol, hardware=told) if symbol.kind == "equate" else symbol
                for symbol in program.symbols[name]
            ]


def _resolve_includes(program: Program, problems: list[Problem]) -> None:
    lower = {path.lower(): path for path in program.files}
    for path, file in program.files.items():
        for include in file.includes:
            here = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), include.path)
            )
            found = lower.get(here.lower()) or lower.get(
                posixpath.normpath(include.path).lower()
            )
            if found is None:
                problems.append(
                    Problem(path, include.line, "include_not_found", include.path[:80])
                )
                continue
            program.included_at[path, include.line] = found
            if found != path and found not in program.includes.setdefault(path, []):
                program.includes[path].append(found)
                program.included_by.setdefault(found, []).append(path)
    _spread_foreign(program)
    for path in _circular(program):
        problems.append(Problem(path, 0, "circular_include"))


def _spread_foreign(program: Program) -> None:
    """A file that is included where another processor's code stands is for it too."""
    waiting = list(program.files)
    while waiting:
        path = waiting.pop()
        file = program.files[path]
        for (includer, line), found in program.included_at.items():
            if includer != path or line not in file.foreign:
                continue
            target = program.files[found]
            whole = set(range(1, len(target.lines) + 1))
            if target.foreign != whole:
                target.foreign |= whole
                waiting.append(found)


def _circular(program: Program) -> list[str]:
    """Files that include themselves in a round-about way (found by peeling off files
    without includes).
    """
    left = {path: len(program.includes.get(path, ())) for path in program.files}
    ready = [path for path, count in left.items() if not count]
    while ready:
        for parent in program.included_by.get(ready.pop(), ()):
            left[parent] -= 1
            if not left[parent]:
                ready.append(parent)
    remaining = {path for path, count in left.items() if count > 0}
    return sorted(
        path
        for path in remaining
        if any(p in remaining for p in program.included_by.get(path, ()))
    )


def _place(program: Program, file: AsmFile) -> None:
    """Give labels the address the program counter has, for as long as it is known."""
    at: int | None = None
    stack: list[int | None] = []
    labels = {(label.name, label.line): label for label in file.labels}
    waiting: list[Label] = []
    sizes = _sizes(file)
    for step in file.steps:
        if step.line in file.foreign:
            at, waiting = None, []
        elif step.kind in ("org", "base"):
            at = evaluate(step.value, program.value)
        elif step.kind == "push":
            stack.append(at)
        elif step.kind == "pull":
            at = stack.pop() if stack else None
        elif step.kind in ("skip", "data"):
            size = evaluate(step.value, program.value)
            at = None if at is None or size is None else at + size
        elif step.kind == "code":
            at, waiting = None, []
        elif step.kind == "include":
            if not _is_silent(program, program.included_at.get((file.path, step.line))):
                at, waiting = None, []
        elif step.kind == "here":
            at = evaluate(step.value, program.value)
            _name(program, file, waiting, at, sizes)
            waiting = []
        else:
            waiting.append(labels[(step.value, step.line)])
            if at is not None:
                _name(program, file, waiting, at, sizes)
            waiting = waiting if at is None else []


def _is_silent(program: Program, path: str | None) -> bool:
    """Whether a file puts nothing in where it is included: names alone."""
    seen, waiting = set[str](), [path]
    while waiting:
        found = waiting.pop()
        if found is None:
            return False
        if found in seen:
            continue
        seen.add(found)
        for step in program.files[found].steps:
            if step.kind == "include":
                waiting.append(program.included_at.get((found, step.line)))
            elif step.kind != "label":
                return False
    return True


def _name(
    program: Program,
    file: AsmFile,
    labels: list[Label],
    at: int | None,
    sizes: dict[int, str],
) -> None:
    for label in labels:
        if at is not None:
            program._known.setdefault(label.name, at)
            _add(program, _from_label(label, at, file.path, sizes.get(label.line, "")))


def _sizes(file: AsmFile) -> dict[int, str]:
    return {step.line: step.value for step in file.steps if step.kind == "skip"}


def _from_label(label: Label, at: int, path: str, size: str) -> Symbol:
    kind = "reserved" if size else "label"
    return Symbol(
        label.name,
        at,
        path,
        label.line,
        label.comment,
        label.header,
        label.section,
        size,
        kind,
    )


def _add(program: Program, symbol: Symbol) -> None:
    program.symbols.setdefault(symbol.name, []).append(symbol)


def _add_equates(program: Program, file: AsmFile) -> None:
    for equate in file.equates:
        value = evaluate(equate.value, program.value)
        if value is None or not 0 <= value <= 0xFFFFFF:
            continue
        kind = "define" if equate.name.startswith("!") else "equate"
        kind = "foreign" if equate.line in file.foreign else kind
        texts = (equate.comment, equate.header, equate.section)
        _add(
            program,
            Symbol(equate.name, value, file.path, equate.line, *texts, kind=kind),
        )


def _looks_like_a_register(place: int) -> bool:
    """Whether a place of the work RAM has the last four digits of a register."""
    in_ram = place >> 16 in (0x7E, 0x7F)
    return in_ram and region(place & 0xFFFF) == "hardware register"


def _add_structs(program: Program, file: AsmFile, spoken: set[str]) -> None:
    for struct in file.structs:
        at = evaluate(struct.base, program.value)
        here = struct.name in spoken or (at is not None and at >= _BANK)
        # counted from nothing they are places in any of several
        here = here and struct.first not in file.foreign and at != 0
        # registers that are written into the bank of the work RAM lie in neither
        here = here and not (at is not None and _looks_like_a_register(at))
        for entry, offset in struct.laid_out(program.value):
            if at is None or offset is None:
                break
            name = f"{struct.name}.{entry.name}"
            kind = "field" if here else "foreign"
            place, said = (file.path, entry.line), (entry.comment, "", struct.header)
            symbol = Symbol(name, at + offset, *place, *said, kind=kind)
            _add(program, symbol)
            program._known.setdefault(name, at + offset)
