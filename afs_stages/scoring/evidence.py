"""Evidence: what a signal's measures say for or against a row, in log-odds.

Each measure has a curve, fitted on good rows and on faults made from them: the log-odds
that a row is good rather than bad, given the measure, never falling as it rises. A
measure that is null gives none. `data/evidence.json` holds the curves;
`benchmarks/scorer/calibrate.py` makes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp

import msgspec

MEASURES: dict[str, tuple[str, ...]] = {
    "discriminator": ("chance",),
    "assembler": ("assembles",),
    "static": ("findings",),
    "names": ("known", "unknown"),
    "answer": (
        "own",
        "taken",
        "new",
        "usual_rarity",
        "pairs",
        "used",
        "grounded",
        "amount",
        "compresses",
        "triples",
        "density",
        "distinctive",
    ),
}
"""What each signal measures; higher is better for all of them."""
SIGNALS = tuple(MEASURES)
MOST_AGAINST = 4.0
"""Log-odds that one signal can speak against a row: 2 %."""
FOR = 0.05
"""Share of the log-odds for a row that count: a fault shows in one respect, and that
nothing is wrong in the others is no reason to overlook it. With 0.3 kinds of faults
that the curves had not seen were told less well (mean AUC .84 against .88 with 0.03).
"""
OVERLAP = 0.5
"""Share of each curve's log-odds that is its own: the measures of an answer say partly
the same. With it 98 % of good rows stay above `quality.min_score`.
"""


class EvidenceCurve(msgspec.Struct, frozen=True):
    """Log-odds at rising values of a measure, straight in between."""

    values: tuple[float, ...]
    odds: tuple[float, ...]

    def at(self, value: float) -> float:
        """The log-odds at a value."""
        place = bisect_right(self.values, value)
        if place == 0:
            return self.odds[0]
        if place == len(self.values):
            return self.odds[-1]
        left, right = self.values[place - 1], self.values[place]
        share = (value - left) / (right - left)
        return self.odds[place - 1] + share * (self.odds[place] - self.odds[place - 1])


@cache
def curves() -> dict[str, EvidenceCurve]:
    """The curve of each measure."""
    raw = (files("afs_stages.scoring") / "data/evidence.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, EvidenceCurve])


def evidence(signal: str, measures: Mapping[str, float | None]) -> float | None:
    """What a signal's measures say together; None where all are null."""
    told = [
        curves()[name].at(value)
        for name in MEASURES[signal]
        if (value := measures.get(name)) is not None and name in curves()
    ]
    if not told:
        return None
    return max(-MOST_AGAINST, sum(told))


def chance(odds: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-odds))


def fit_curve(
    values: Sequence[float],
    good: Sequence[bool],
    weights: Sequence[float],
    overlap: bool,
) -> EvidenceCurve:
    """The curve of a measure by isotonic regression; `weights` make good and bad rows
    weigh the same, `overlap` says whether its signal has other measures.
    """
    import numpy as np
    from sklearn.isotonic import IsotonicRegression

    lowest, highest = chance(-MOST_AGAINST), chance(MOST_AGAINST)
    model = IsotonicRegression(y_min=lowest, y_max=highest, out_of_bounds="clip")
    model.fit(values, np.asarray(good, dtype=float), sample_weight=weights)
    odds = np.log(model.y_thresholds_ / (1 - model.y_thresholds_))
    if overlap:
        odds *= OVERLAP
    odds[odds > 0] *= FOR
    kept = _corners(list(odds))
    return EvidenceCurve(
        tuple(round(float(model.X_thresholds_[i]), 4) for i in kept),
        tuple(round(float(odds[i]), 3) for i in kept),
    )


KNOTS = 12
"""Points that a curve keeps: more would follow single rows."""


def _corners(odds: Sequence[float]) -> list[int]:
    """The points between which a curve moves by about the same."""
    import numpy as np

    levels = np.linspace(odds[0], odds[-1], KNOTS)
    kept = {0, len(odds) - 1}
    for level in levels:
        kept.add(int(np.searchsorted(odds, level)))
    return sorted(place for place in kept if place < len(odds))
