"""Intervals: a bootstrap of per-token losses, whose rows are resampled so that a long
row moves as one, and Wilson's for shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def resamples(rows: int, times: int, seed: int) -> Array:
    """How often each row is drawn in each resample, shape (times, rows); the rows
    themselves come first.

    Line 0 is the sample as it is, so that estimates and intervals come from one array.
    """
    import numpy as np

    draws = np.random.default_rng([seed, rows]).multinomial(
        rows, np.full(rows, 1 / rows), size=times
    )
    return np.concatenate([np.ones((1, rows), dtype=draws.dtype), draws])


def per_token(counts: Array, losses: Any, tokens: Any) -> Array:
    """Loss per token of each resample: shape (times + 1,), from per-row sums of losses
    and token counts.
    """
    import numpy as np

    drawn = counts @ np.asarray(losses, dtype=np.float64)
    weight = np.maximum(counts @ np.asarray(tokens, dtype=np.float64), 1)
    result: Array = drawn / weight
    return result


def wilson(share: float, rows: int) -> dict[str, float]:
    """A share of rows with its 95% interval (Wilson 1927): never of no width, and
    never outside [0, 1], as a bootstrap's is at 0 and 1.
    """
    z = 1.959964
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    spread = share * (1 - share) / rows + z * z / (4 * rows * rows)
    reach = z * spread**0.5 / (1 + z * z / rows)
    return {
        "estimate": round(share, 5),
        "low": round(max(middle - reach, 0.0), 5),
        "high": round(min(middle + reach, 1.0), 5),
    }


def summary(values: Array) -> dict[str, float]:
    """Estimate and 95% interval of a resampled value whose first entry is the
    estimate itself.
    """
    import numpy as np

    estimate = float(values[0])
    low, high = (
        (estimate, estimate)
        if len(values) == 1
        else np.quantile(values[1:], [0.025, 0.975])
    )
    return {
        "estimate": round(estimate, 5),
        "low": round(float(low), 5),
        "high": round(float(high), 5),
    }
