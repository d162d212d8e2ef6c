"""The forgetting matrix R[i,j] and what follows from it.

R[i,j] is the score of version i on the frozen test set of version j. The score here is
minus the completion loss in nats per token, so higher is better. Versions are in order
of their release and T is the last. Formulas: ACC, BWT, FWT as in GEM (arXiv
1706.08840), F as in Chaudhry et al. 2018.

    ACC = mean over j of R[T,j]
    BWT = mean over j < T of R[T,j] - R[j,j]                   (negative: forgetting)
    FWT = mean over j >= 2 of R[j-1,j] - b_j                   (b: the base model)
    F   = mean over j < T of max over l < T of R[l,j] - R[T,j] (F >= -BWT)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from afs_stages.evaluation import intervals

Matrix = Sequence[Sequence[Any]]
"""R[i][j]: floats, or arrays of one shape (resamples), which give arrays back."""


def acc(matrix: Matrix) -> Any:
    """Average score of the last version over all test sets."""
    return _mean(matrix[-1])


def bwt(matrix: Matrix) -> Any:
    """Backward transfer, None with a single version."""
    return _mean([matrix[-1][j] - matrix[j][j] for j in range(len(matrix) - 1)])


def fwt(matrix: Matrix, base: Sequence[Any]) -> Any:
    """Forward transfer against the base model's scores, None with a single version."""
    return _mean([matrix[j - 1][j] - base[j] for j in range(1, len(matrix))])


def forgetting(matrix: Matrix) -> Any:
    """F, None with a single version."""
    best = [np.max(column, axis=0) for column in zip(*matrix[:-1], strict=True)]
    return _mean([best[j] - matrix[-1][j] for j in range(len(matrix) - 1)])


def summaries(matrix: Matrix, base: Sequence[Any]) -> dict[str, Any]:
    """ACC, BWT, FWT and F of resampled scores with intervals; the last three need an
    earlier version and are null without.
    """
    found = {
        "acc": acc(matrix),
        "bwt": bwt(matrix),
        "fwt": fwt(matrix, base),
        "f": forgetting(matrix),
    }
    return {
        name: None if value is None else intervals.summary(value)
        for name, value in found.items()
    }


def _mean(values: Sequence[Any]) -> Any:
    return np.mean(values, axis=0) if values else None
