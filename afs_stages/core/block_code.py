"""Which part of params.yaml's classes a stage rests on: its own blocks, no others.

Every stage reads params.yaml as a whole, so by its imports it would rest on the classes
of every block, and a new default for backups would train a model again. Here each class
counts only as far as the stage's `params:` in dvc.yaml go.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable
from pathlib import Path

from afs_stages.core.closure import SourceCode, meaning

FOLDER = "afs_stages/core/params"
WHOLE = "Params"
"""The class of the whole file."""


class Blocks:
    """The classes of params.yaml's blocks, as they stand in the source."""

    def __init__(self, code: SourceCode) -> None:
        self.code = code
        files = sorted((code.root / FOLDER).glob("*.py"))
        self.files = [file for file in files if self._holds_blocks(file)]
        """The modules that hold blocks; the others of the folder read and check
        params.yaml, and count as a whole."""
        self.definitions: dict[str, ast.AST] = {}
        for file in self.files:
            for node in code.file(file).tree.body:
                self.definitions |= dict.fromkeys(_defined(node), node)

    def stage_files(
        self, modules: Iterable[str], tables: Container[Path] = ()
    ) -> list[Path]:
        """The files that a stage made of these modules can run, but for the blocks."""
        found = self.code.closure(modules, tables)
        return [file for file in found if file not in self.files]

    def meaning(self, keys: Iterable[str]) -> bytes:
        """The meaning of all that the keys of a stage's `params:` rest on, such as
        `seed`, `split.near_duplicates` and `models.${key}.weights`.
        """
        found: dict[str, ast.AST] = {}
        for key in keys:
            self._walk(WHOLE, key.split("."), found)
        parts = [
            f"{name}\n".encode() + meaning(node) for name, node in sorted(found.items())
        ]
        return b"".join(parts)

    def _holds_blocks(self, file: Path) -> bool:
        """Whether a class here has a base of the blocks' own (not pydantic's)."""
        nodes = self.code.file(file).tree.body
        bases = [
            base.id
            for node in nodes
            if isinstance(node, ast.ClassDef)
            for base in node.bases
            if isinstance(base, ast.Name)
        ]
        return "Block" in bases

    def _walk(self, name: str, path: list[str], found: dict[str, ast.AST]) -> None:
        """Collect what one key rests on: on its way a class's own code and the field
        that leads on, at its end the field with all that it names.
        """
        node = self.definitions[name]
        assert isinstance(node, ast.ClassDef)
        for part in node.body:
            if not isinstance(part, ast.FunctionDef):
                continue
            if name != WHOLE:
                self._add(f"{name}.{part.name}", part, found)
            # Its checks refuse a file and change no value; the classes that its
            # other methods name count where a key leads to them.
            elif not part.name.startswith("_"):
                found[f"{name}.{part.name}"] = part
        for base in node.bases:
            self._add_named(base, found)
        field = _field(node, path[0])
        if field is None:  # of a base class, which counts as a whole
            return
        found[f"{name}.{path[0]}"] = field
        words = self._words(field.annotation)
        inner = [word for word in words if self._is_class(word)]
        # A mapping's own keys (`models.<name>`) are the user's.
        rest = path[2:] if "dict" in words else path[1:]
        if not rest or not inner:
            self._add_named(field, found)
            return
        for word in inner:
            self._walk(word, rest, found)

    def _add(self, name: str, node: ast.AST, found: dict[str, ast.AST]) -> None:
        """A definition with all that it names."""
        if name not in found:
            found[name] = node
            self._add_named(node, found)

    def _add_named(self, node: ast.AST, found: dict[str, ast.AST]) -> None:
        for word in self._words(node):
            if word in self.definitions and word != WHOLE:
                self._add(word, self.definitions[word], found)

    def _words(self, node: ast.AST) -> set[str]:
        """The names in a piece of code, also in annotations that are texts."""
        words = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                words.add(part.id)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                words |= set(re.findall(r"\w+", part.value)) & set(self.definitions)
        return words

    def _is_class(self, word: str) -> bool:
        return isinstance(self.definitions.get(word), ast.ClassDef)


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _field(node: ast.ClassDef, name: str) -> ast.AnnAssign | None:
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and _defined(part) == [name]:
            return part
    return None
