"""Write the table of sizes in docs/architecture.md,
or with --check say whether it is up to date.

Size counts the statements and expressions of the syntax tree, docstrings left out: it
does not change with the width of a line. Beside it stand, for each room, the nodes on a
line of code, the expressions in the largest simple statement (tables of constants left
out) and the branches of its most complex function.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "afs_stages"
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- sizes: begin -->\n", "<!-- sizes: end -->\n"
COMPOUND = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.Match,
)
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)


@dataclass
class Size:
    """What one room, or the whole package, measures."""

    files: int = 0
    lines: int = 0
    code: int = 0
    """Lines that hold code."""
    nodes: int = 0
    """Statements and expressions."""
    largest: int = 0
    """Expressions in the largest simple statement that is no table of constants."""
    branches: int = 0
    """Ways through the most complex function: one, and one more for each branch."""

    def add(self, other: Size) -> None:
        """Count another file in."""
        self.files += other.files
        self.lines += other.lines
        self.code += other.code
        self.nodes += other.nodes
        self.largest = max(self.largest, other.largest)
        self.branches = max(self.branches, other.branches)


def measure(path: Path) -> Size:
    """The size of one file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstrings = [node for node in ast.walk(tree) if is_docstring(node)]
    nodes = list(code_nodes(tree))
    lines = text.splitlines()
    told = {
        number for node in docstrings for number in range(node.lineno, end_of(node) + 1)
    }
    return Size(
        files=1,
        lines=len(lines),
        code=sum(
            is_code(line) and number not in told for number, line in enumerate(lines, 1)
        ),
        nodes=len(nodes),
        largest=max((count for _, count in simple_statements(tree)), default=0),
        branches=max((complexity(node) for node in functions(tree)), default=0),
    )


def is_docstring(node: ast.AST) -> bool:
    """Whether a node is a statement that is only a text."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def is_code(line: str) -> bool:
    """Whether a line holds more than blanks and a comment."""
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def end_of(node: ast.stmt) -> int:
    """The last line of a statement."""
    return node.end_lineno or node.lineno


def code_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The statements and expressions below a node, docstrings left out."""
    for child in ast.iter_child_nodes(node):
        if is_docstring(child):
            continue
        if isinstance(child, ast.stmt | ast.expr):
            yield child
        yield from code_nodes(child)


def simple_statements(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """(line, expressions) of the simple statements, tables of constants left out.

    A table of constants is what a module or a class assigns:
    it may be as large as it needs to be.
    """
    tables: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            tables.update(
                id(child)
                for child in node.body
                if isinstance(child, ast.Assign | ast.AnnAssign)
            )
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.stmt)
            and not isinstance(node, COMPOUND)
            and id(node) not in tables
        ):
            yield (
                node.lineno,
                sum(isinstance(child, ast.expr) for child in ast.walk(node)),
            )


def functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def complexity(function: ast.AST) -> int:
    """Ways through a function, as radon counts them (McCabe 1976, with `and`, `or` and
    comprehensions).
    """
    found = 1
    for node in ast.walk(function):
        if isinstance(node, BRANCHES):
            found += 1
        elif isinstance(node, ast.BoolOp):
            found += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            found += 1 + len(node.ifs)
        elif isinstance(node, ast.match_case | ast.Assert):
            found += 1
    return found


def sizes() -> dict[str, Size]:
    """Room -> its size, in the order of their names; `all` last."""
    rooms: dict[str, Size] = {}
    whole = Size()
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        room = parts[0] if len(parts) > 1 else "(top)"
        size = measure(path)
        rooms.setdefault(room, Size()).add(size)
        whole.add(size)
    return {**dict(sorted(rooms.items())), "all": whole}


def table() -> str:
    """The sizes as a table in Markdown."""
    lines = [
        (
            "| room | files | lines | size | nodes a line | largest statement | "
            "most branches |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, size in sizes().items():
        dense = size.nodes / max(size.code, 1)
        lines.append(
            f"| {name} | {size.files} | {size.lines:,} | {size.nodes:,} | {dense:.1f} "
            f"| {size.largest} | {size.branches} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Put today's table between its two marks."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    wanted = f"{head}{BEGIN}{table()}{END}{tail}"
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        sys.exit(f"{PAGE.name} is not up to date: python tools/architecture.py")


if __name__ == "__main__":
    main()
