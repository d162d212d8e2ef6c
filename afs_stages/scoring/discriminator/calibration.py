"""Log-odds to probabilities by a temperature and a shift,
fitted on files the model has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any


def sigmoid(value: float) -> float:
    """The logistic function, safe at both ends."""
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


@dataclass(frozen=True)
class Calibration:
    """`probability = sigmoid(scale * log-odds + shift)`;
    scale is one over the temperature.
    """

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, value: float) -> float:
        """The probability that code of these log-odds is genuine."""
        return sigmoid(self.scale * value + self.shift)

    @classmethod
    def fit(cls, values: Sequence[float], real: Sequence[bool]) -> Calibration:
        """The maximum-likelihood calibration by Newton's method;
        real and corrupted weigh the same.
        """
        import numpy as np

        x, y = np.asarray(values), np.asarray(real, dtype=float)
        if len(set(real)) < 2:
            return cls()
        spread = float(x.std()) or 1.0
        design = np.stack([(x - x.mean()) / spread, np.ones_like(x)], axis=1)
        weight = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
        theta: Any = np.array([1.0, 0.0])
        for _ in range(50):
            p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
            gradient = design.T @ (weight * (p - y)) + 1e-3 * theta
            curvature = (
                design * (weight * p * (1 - p))[:, None]
            ).T @ design + 1e-3 * np.eye(2)
            theta = theta - np.linalg.solve(curvature, gradient)
        scale = max(float(theta[0]) / spread, 0.0)
        return cls(round(scale, 9), round(float(theta[1]) - scale * float(x.mean()), 9))


def expected_calibration_error(
    chances: Sequence[float], real: Sequence[bool], bins: int = 10
) -> float:
    """Mean gap between probability and share of genuine code over equal bins;
    classes weigh the same.
    """
    positives = sum(real) or 1
    negatives = len(real) - sum(real) or 1
    total = 0.0
    for number in range(bins):
        inside = [
            i for i, p in enumerate(chances) if min(int(p * bins), bins - 1) == number
        ]
        weights = [0.5 / positives if real[i] else 0.5 / negatives for i in inside]
        total += abs(
            sum(
                w * (chances[i] - real[i]) for w, i in zip(weights, inside, strict=True)
            )
        )
    return total


def auc(values: Sequence[float], real: Sequence[bool]) -> float | None:
    """Area under the ROC curve, ties counted half; None without both classes."""
    positives = sum(real)
    negatives = len(real) - positives
    if not positives or not negatives:
        return None
    order = sorted(range(len(values)), key=lambda i: values[i])
    rank_sum, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        rank_sum += (start + end + 1) / 2 * sum(real[i] for i in order[start:end])
        start = end
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
