"""What code a module can run: its imports and theirs, read from the source, and one
hash over all of it.

What counts as an import: an `import` anywhere in a file, also inside a function, and a
text that is a module's dotted name (`"afs_stages.use.serve"`, which a process is
started with, or `"afs_stages.dataset.formats.alpaca:Alpaca"`, which is looked up by
name). What does not run does not count: imports under `if TYPE_CHECKING:` and the names
that a package's `__getattr__` offers to other programs.

The hash is of meaning, not of text: comments, docstrings, line breaks and the help
texts of options do not change it.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package."""
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?=:|$)")
_OPTION_MAKERS = {"Field", "Option", "Argument"}
_HELP = {"help", "description"}
_OF_NO_MEANING = {"ctx", "kind", "type_comment"}


class SourceCode:
    """The Python packages under a folder as they stand: each file is read once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._files: dict[Path, SourceFile] = {}
        self._places: dict[str, list[Path]] = {}
        self._data: dict[str, list[Path]] = {}

    def closure(
        self, modules: Iterable[str], tables: Container[Path] = ()
    ) -> list[Path]:
        """The files that the modules can run, in order: themselves, what they import
        directly or not, the packages above, and the data files they name.

        `tables` are files that name modules of which a caller takes one; what they
        name is left out.
        """
        todo = [file for name in modules for file in self._place(name)]
        seen: set[Path] = set()
        while todo:
            path = todo.pop()
            if path in seen:
                continue
            seen.add(path)
            file = self.file(path)
            names = set(file.imports)
            if path not in tables and not file.offers_names:
                names |= file.named_modules
            for name in names:
                if name.split(".")[0] == self._package(path):
                    todo += self._place(name)
        data = {found for path in seen for found in self._named_data(path)}
        return sorted(seen | data)

    def hash(self, paths: Iterable[Path]) -> str:
        """One hash over the meaning of Python files and the bytes of all others.

        The same on every machine and Python: paths count relative to the root.
        """
        digest = hashlib.sha256()
        for path in sorted(paths):
            digest.update(f"{path.relative_to(self.root).as_posix()}\n".encode())
            digest.update(
                self.file(path).digest
                if path.suffix == ".py"
                else hashlib.sha256(path.read_bytes()).digest()
            )
        return digest.hexdigest()[:16]

    def file(self, path: Path) -> SourceFile:
        """A Python file, without what never runs or only explains."""
        if path not in self._files:
            found = path.stat()
            self._files[path] = _read(path, found.st_mtime_ns, found.st_size)
        return self._files[path]

    def data_files(self, package: str) -> list[Path]:
        """Every file of a package but Python's own."""
        if package not in self._data:
            self._data[package] = sorted(
                path
                for path in (self.root / package).rglob("*")
                if path.is_file() and path.suffix not in {".py", ".pyc"}
            )
        return self._data[package]

    def _package(self, path: Path) -> str:
        return path.relative_to(self.root).parts[0].removesuffix(".py")

    def _place(self, name: str) -> list[Path]:
        """The file of a dotted name and the `__init__` of every package above it."""
        if name not in self._places:
            found = []
            path = self.root
            for part in name.split("."):
                path = path / part
                files = (path / "__init__.py", path.with_suffix(".py"))
                found += [file for file in files if file.is_file()][:1]
            self._places[name] = found
        return self._places[name]

    def _named_data(self, path: Path) -> list[Path]:
        """The data files that a module names: those near it, or else any of the
        package.
        """
        named = [
            data
            for data in self.data_files(self._package(path))
            if data.name in self.file(path).last_words
        ]
        near = [data for data in named if path.parent in data.parents[:2]]
        return near or named


class SourceFile(ast.NodeTransformer):
    """One walk over a file: what never runs or only explains is removed, imports and
    texts are collected.
    """

    def __init__(self, text: str) -> None:
        self.imports: set[str] = set()
        self._texts: set[str] = set()
        self.tree: ast.Module = self.visit(ast.parse(text))
        self.digest = hashlib.sha256(meaning(self.tree)).digest()
        found = [_MODULE.match(text) for text in self._texts]
        self.named_modules = {match[0] for match in found if match}
        self.last_words = {text.rpartition("/")[2] for text in self._texts}
        self.offers_names = any(
            isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
            for node in self.tree.body
        )

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """`import a.b`."""
        self.imports |= {alias.name for alias in node.names}
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """`from a.b import c`, where c may be a module."""
        if node.level == 0:
            self.imports.add(str(node.module))
            self.imports |= {f"{node.module}.{alias.name}" for alias in node.names}
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A text may name a module or a data file."""
        if isinstance(node.value, str):
            self._texts.add(node.value)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A text that stands alone is a docstring."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(
            node.value.value, str
        )
        return None if is_text else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Of `if TYPE_CHECKING:` only the else branch runs."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(statement) for statement in node.orelse]
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """What an option says of itself changes no result."""
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _OPTION_MAKERS:
            node.keywords = [word for word in node.keywords if word.arg not in _HELP]
        return self.generic_visit(node)


@cache
def _read(path: Path, changed: int, size: int) -> SourceFile:
    """A file as it stood when it had this time of change and this size."""
    return SourceFile(path.read_text(encoding="utf-8"))


def meaning(node: ast.AST) -> bytes:
    """A syntax tree as bytes that are the same for the same meaning."""
    words: list[str] = []
    _spell(node, words)
    return "\n".join(words).encode()


def _spell(part: object, words: list[str]) -> None:
    """Write a tree as words; fields that say nothing are left out, so that a newer
    Python with more fields writes the same.
    """
    if isinstance(part, ast.AST):
        words.append(type(part).__name__)
        for field in part._fields:
            value = getattr(part, field, None)
            if value is None or value == [] or field in _OF_NO_MEANING:
                continue
            words.append(field)
            _spell(value, words)
        words.append(")")
    elif isinstance(part, list):
        for item in part:
            _spell(item, words)
        words.append("]")
    else:
        words.append(repr(part))
