"""The pictures of the report page, as SVG text that is the same bytes for
the same numbers.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 7.2
"""Width of every figure, inches."""
COLOURS = (
    "#2a6f97",
    "#e07a5f",
    "#81b29a",
    "#f2cc8f",
    "#6d597a",
    "#b56576",
    "#355070",
    "#99d98c",
)


def _figure(height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "afs",
            "svg.fonttype": "none",
            "font.size": 9,
            "font.family": "sans-serif",
        }
    )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
    )
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def stacked(groups: Mapping[str, Mapping[str, float]], unit: str = "rows") -> str:
    """One horizontal bar per group, divided by part;
    parts keep their colour over all groups.
    """
    parts = sorted({part for counts in groups.values() for part in counts})
    names = list(groups)
    figure, axes = _figure(0.34 * len(names) + 1.1)
    left = [0.0] * len(names)
    for number, part in enumerate(parts):
        values = [float(groups[name].get(part, 0)) for name in names]
        axes.barh(
            names,
            values,
            left=left,
            label=part,
            color=COLOURS[number % len(COLOURS)],
            height=0.7,
        )
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    figure.legend(fontsize=7, frameon=False, ncols=6, loc="outside lower center")
    return _svg(figure)


def lines(curves: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> str:
    """One line per curve over (x, y) points."""
    figure, axes = _figure(2.8)
    for number, (name, points) in enumerate(curves.items()):
        axes.plot(
            *zip(*points, strict=True),
            label=name,
            color=COLOURS[number % len(COLOURS)],
            linewidth=1.6,
        )
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(fontsize=7, frameon=False)
    return _svg(figure)


def steps(
    histograms: Mapping[str, Sequence[int]], low: float, high: float, x: str
) -> str:
    """Histograms over equal bins of [low, high], each as its share of rows,
    drawn as outlines.
    """
    figure, axes = _figure(2.8)
    for number, (name, counts) in enumerate(histograms.items()):
        total = sum(counts) or 1
        edges = [low + (high - low) * i / len(counts) for i in range(len(counts) + 1)]
        shares = [count / total for count in counts]
        axes.stairs(
            shares,
            edges,
            label=name,
            color=COLOURS[number % len(COLOURS)],
            linewidth=1.4,
        )
    axes.set_xlabel(x)
    axes.set_ylabel("share of rows")
    figure.legend(fontsize=7, frameon=False, ncols=7, loc="outside lower center")
    return _svg(figure)
