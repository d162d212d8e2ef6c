"""Intervals: a bootstrap of per-token losses, whose rows are resampled so that a long
row moves as one, and Wilson's for shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def resamples(rows: int, times: int, seed: int) -> Array:
    """How often each row is drawn in each resample, shape (times, rows); the rows
    themselves come first.

    Line 0 is the sample as it is, so that estimates and intervals come from one array.
    """
    draws = np.random.default_rng([seed, rows]).multinomial(
        rows, np.full(rows, 1 / rows), size=times
    )
    return np.concatenate([np.ones((1, rows), dtype=draws.dtype), draws])


def per_token(counts: Array, losses: Sequence[float], tokens: Sequence[int]) -> Array:
    """Loss per token of each resample: shape (times + 1,), from per-row sums of losses
    and token counts.
    """
    weight = np.maximum(counts @ np.array(tokens), 1)
    result: Array = counts @ np.array(losses) / weight
    return result


def wilson(share: float, rows: int) -> dict[str, float]:
    """A share of rows with its 95% interval (Wilson 1927): never of no width, and
    never outside [0, 1], as a bootstrap's is at 0 and 1.
    """
    z = 1.959964
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    spread = share * (1 - share) / rows + z * z / (4 * rows * rows)
    reach = z * spread**0.5 / (1 + z * z / rows)
    return _rounded(share, max(middle - reach, 0.0), min(middle + reach, 1.0))


def summary(values: Array) -> dict[str, float]:
    """Estimate and 95% interval of a resampled value whose first entry is the
    estimate itself.
    """
    # Without resamples the estimate is all there is.
    drawn = values[1:] if len(values) > 1 else values
    return _rounded(values[0], *np.quantile(drawn, [0.025, 0.975]))


def _rounded(estimate: float, low: float, high: float) -> dict[str, float]:
    bounds = {"estimate": estimate, "low": low, "high": high}
    return {name: round(float(value), 5) for name, value in bounds.items()}
