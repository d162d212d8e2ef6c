"""Plain-text tables for terminals and pipes."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Columns aligned by their widest cell; `right` names the heads of right-aligned
    columns, by commas.
    """
    numeric = {name.strip() for name in right.split(",")}
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if name in numeric else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join(
        [line(head), line(["─" * width for width in widths]), *map(line, rows)]
    )
