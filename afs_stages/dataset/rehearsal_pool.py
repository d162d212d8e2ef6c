"""The rows that may be rehearsed: what enters, what is taken out and why, and the
choice among the rest.

One pool serves the pipeline and the command by hand (`rehearse`) and the documented
Python class (`buffer`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Selection
from afs_stages.dataset import policies
from afs_stages.dataset.keys import Rows
from afs_stages.dataset.policies import Candidates


@dataclass
class RehearsalPool:
    """Rows that may still be chosen; `dropped` counts the others by reason."""

    found: Candidates
    rows: Rows
    dropped: Counter[str] = field(default_factory=Counter)

    def keep_good(self, threshold: float) -> None:
        """Take out rows under the quality `threshold`, and unscored ones;
        0 leaves all in.
        """
        if threshold <= 0:
            return
        scores = self.found.score[self.rows]
        self.remove(np.isnan(scores), "unscored")
        self.remove(self.found.score[self.rows] < threshold, "below_quality_threshold")

    def remove(self, mask: NDArray[np.bool_], reason: str) -> None:
        """Take out the rows whose flag is set."""
        self._keep(self.rows[~mask], reason)

    def limit(self, max_per_domain: int | None) -> None:
        """Take out the worst rows of domains with more than so many."""
        limited = policies.within_limit(self.found, self.rows, max_per_domain)
        self._keep(limited, "over_max_per_domain")

    def choose(
        self, count: int, selection: Selection, seed: int, spread: bool = True
    ) -> None:
        """Keep `count` rows (fewer where there are not so many) by the policy, in the
        order of their keys.

        With `spread` every domain keeps its share; without, all count as one domain.
        """
        policy = policies.POLICIES[selection.policy]
        found = self.found if spread else policies.OneDomain(self.found)
        chosen = policy(found, self.rows, count, seed, selection.diversity_weight)
        self._keep(chosen, "not_selected")

    def _keep(self, rows: Rows, reason: str) -> None:
        """Go on with these rows; the others are dropped for the reason."""
        gone = len(self.rows) - len(rows)
        if gone:
            self.dropped[reason] += gone
        self.rows = rows


def rehearsal_count(new: int, ratio: float) -> int:
    """How many old rows are `ratio` of the final set beside `new` new ones: n_r =
    r/(1-r) * n_new.

    Raises `UserError` for a ratio outside [0, 1):
    with 1 there is no new row to count from.
    """
    if not 0 <= ratio < 1:
        raise UserError(
            f"the rehearsal ratio must be at least 0 and below 1, got {ratio}"
        )
    return round(ratio / (1 - ratio) * new)


def refuse_unscored(scores: NDArray[np.float64], threshold: float, path: Path) -> None:
    """Raise `UserError` for a file none of whose rows has a score,
    unless none is asked for.
    """
    if len(scores) and threshold > 0 and np.isnan(scores).all():
        raise UserError(
            f"none of the {len(scores)} rows has a quality score",
            where=str(path),
            fix="score them first (`afs scoring score`), or set the quality "
            "threshold to 0",
        )


def buffer_facts(
    loaded: Mapping[str, int],
    versions: Sequence[str],
    domains: Sequence[str],
    scores: NDArray[np.float64],
) -> dict[str, Any]:
    """What a report says of a buffer: rows loaded of each version, and the version,
    domain and score of each kept.
    """
    known = scores[~np.isnan(scores)].tolist()
    quality = (
        {"min": min(known), "mean": sum(known) / len(known), "max": max(known)}
        if known
        else None
    )
    return {
        "loaded": dict(sorted(loaded.items())),
        "kept": len(scores),
        "versions": counts(versions),
        "domains": counts(domains),
        "quality": quality,
    }


def counts(names: Iterable[str]) -> dict[str, int]:
    """Name -> how often it stands there, by name."""
    return dict(sorted(Counter(names).items()))
