"""The codebase as one program: names with their addresses, includes resolved, names
looked up across files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.nodes import AsmFile, Equate, Label
from afs_stages.codebase.read.parser import parse
from afs_stages.codebase.read.tree import Problem, Tree

_MAX_CHAIN = 64


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


@dataclass
class Program:
    """All files of a codebase, parsed."""

    files: dict[str, AsmFile]
    symbols: dict[str, list[Symbol]] = field(default_factory=dict)
    includes: dict[str, list[str]] = field(default_factory=dict)
    included_by: dict[str, list[str]] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
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

    def all_symbols(self) -> Iterator[Symbol]:
        """Every symbol, by file and line."""
        found = [symbol for group in self.symbols.values() for symbol in group]
        return iter(
            sorted(found, key=lambda symbol: (symbol.file, symbol.line, symbol.name))
        )


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
    for file in files.values():
        _add_equates(program, file)
        _add_structs(program, file)
    return program


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
            elif found != path and found not in program.includes.setdefault(path, []):
                program.includes[path].append(found)
                program.included_by.setdefault(found, []).append(path)
    for path in _circular(program):
        problems.append(Problem(path, 0, "circular_include"))


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
        if step.kind in ("org", "base"):
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
        elif step.kind == "here":
            at = evaluate(step.value, program.value)
            _name(program, file, waiting, at, sizes)
            waiting = []
        else:
            waiting.append(labels[(step.value, step.line)])
            if at is not None:
                _name(program, file, waiting, at, sizes)
            waiting = waiting if at is None else []


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
        texts = (equate.comment, equate.header, equate.section)
        _add(
            program,
            Symbol(equate.name, value, file.path, equate.line, *texts, kind=kind),
        )


def _add_structs(program: Program, file: AsmFile) -> None:
    for struct in file.structs:
        at = evaluate(struct.base, program.value)
        for entry in struct.fields:
            if at is None:
                break
            name = f"{struct.name}.{entry.name}"
            kind, text = ("field", struct.header)
            symbol = Symbol(
                name,
                at,
                file.path,
                entry.line,
                entry.comment,
                "",
                text,
                entry.size,
                kind,
            )
            _add(program, symbol)
            program._known.setdefault(name, at)
            size = evaluate(entry.size, program.value)
            at = None if size is None else at + size
