"""The forgetting matrix as a picture, with the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afs_stages.core.atomic import atomic_file


def draw_matrix(
    versions: Sequence[str],
    base: Sequence[float],
    losses: Sequence[Sequence[float]],
    path: Path,
) -> None:
    """Write the matrix of losses (rows: base and versions, columns: test sets) as SVG
    or PNG by suffix.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    rows = ["base", *versions]
    values = [list(base), *[list(row) for row in losses]]
    with mpl.rc_context(
        {"svg.hashsalt": "afs", "svg.fonttype": "none", "font.family": "sans-serif"}
    ):
        figure, axes = pyplot.subplots(
            figsize=(2.2 + 1.3 * len(versions), 1.4 + 0.6 * len(rows)), dpi=110
        )
        # Colours compare within a column: each test set has its own
        # level of difficulty.
        axes.imshow(
            _ranks(values), cmap="RdYlGn_r", aspect="auto", vmin=0, vmax=1, alpha=0.6
        )
        axes.set_xticks(range(len(versions)), [f"{name} test" for name in versions])
        axes.set_yticks(range(len(rows)), rows)
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                axes.text(x, y, f"{value:.3f}", ha="center", va="center")
        axes.set_title("completion loss, nats per token", fontsize=10)
        _save(figure, path)
        pyplot.close(figure)


def _ranks(values: list[list[float]]) -> list[list[float]]:
    """Each value's place between the best (0) and the worst (1) of its column."""
    columns = list(zip(*values, strict=True))
    spans = [(min(column), max(max(column) - min(column), 1e-9)) for column in columns]
    return [
        [(value - low) / span for value, (low, span) in zip(row, spans, strict=True)]
        for row in values
    ]


def _save(figure: Any, path: Path) -> None:
    kind = path.suffix.removeprefix(".")
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with atomic_file(path) as file:
        figure.savefig(file, format=kind, metadata=metadata, bbox_inches="tight")
