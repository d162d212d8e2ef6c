"""The forgetting matrix as a picture, with the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from afs_stages.core.atomic import atomic_file

STYLE = {"svg.hashsalt": "afs", "svg.fonttype": "none", "font.family": "sans-serif"}
NO_DATE = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
"""What makes the bytes of a picture follow from its numbers alone."""


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
    values = np.array([base, *losses])
    # Colours compare within a column, from its best to its worst: each test set has
    # its own level of difficulty.
    best, worst = values.min(axis=0), values.max(axis=0)
    shades = (values - best) / np.maximum(worst - best, 1e-9)
    size = (2.2 + 1.3 * len(versions), 1.4 + 0.6 * len(rows))
    kind = path.suffix.removeprefix(".")
    with mpl.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=size, dpi=110)
        axes.imshow(shades, cmap="RdYlGn_r", aspect="auto", vmin=0, vmax=1, alpha=0.6)
        axes.set_xticks(range(len(versions)), [f"{name} test" for name in versions])
        axes.set_yticks(range(len(rows)), rows)
        for (y, x), value in np.ndenumerate(values):
            axes.text(x, y, f"{value:.3f}", ha="center", va="center")
        axes.set_title("completion loss, nats per token", fontsize=10)
        with atomic_file(path) as file:
            metadata = NO_DATE[kind]
            figure.savefig(file, format=kind, metadata=metadata, bbox_inches="tight")
        pyplot.close(figure)
