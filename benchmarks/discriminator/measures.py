"""How well values rank real code above corruptions: AUC over all kinds, the semantic
ones and each, and in pairs.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from afs_stages.scoring.corruptions import KINDS, SEMANTIC
from afs_stages.scoring.discriminator.calibration import auc
from afs_stages.scoring.discriminator.pairs import Pair


def interval(
    pairs: Sequence[Pair], values: Sequence[float], chosen: list[int], rounds: int = 200
) -> list[float]:
    """2.5 and 97.5 percentiles of AUC over resamples of files."""
    by_file: dict[str, list[int]] = {}
    for i in chosen:
        by_file.setdefault(pairs[i].file, []).append(i)
    names, rng, found = sorted(by_file), random.Random(0), []
    for _ in range(rounds):
        picked = [i for name in rng.choices(names, k=len(names)) for i in by_file[name]]
        value = auc([values[i] for i in picked], [pairs[i].real for i in picked])
        found += [] if value is None else [value]
    found.sort()
    return [
        round(found[int(0.025 * len(found))], 3),
        round(found[int(0.975 * len(found)) - 1], 3),
    ]


def paired(
    pairs: Sequence[Pair], values: Sequence[float], chosen: Sequence[int]
) -> float:
    """How often a real text is above a corruption of itself, ties counted half."""
    real = {
        pair.of: value for pair, value in zip(pairs, values, strict=True) if pair.real
    }
    wins = [
        (real[pairs[i].of] > values[i]) + 0.5 * (real[pairs[i].of] == values[i])
        for i in chosen
    ]
    return round(sum(wins) / max(len(wins), 1), 3)


def over(
    pairs: Sequence[Pair], values: Sequence[float], chosen: Sequence[int]
) -> float:
    """AUC over the chosen texts."""
    return round(
        auc([values[i] for i in chosen], [pairs[i].real for i in chosen]) or 0.0, 3
    )


def row(
    pairs: Sequence[Pair], values: Sequence[float], where: Sequence[int] | None = None
) -> dict[str, object]:
    """Every measure of one rival over the texts of `where`, or all."""
    texts = range(len(pairs)) if where is None else where

    def of(kinds: tuple[str, ...]) -> list[int]:
        return [i for i in texts if pairs[i].real or pairs[i].kind in kinds]

    return {
        "all": over(pairs, values, of(KINDS)),
        "all_interval": interval(pairs, values, of(KINDS)),
        "semantic": over(pairs, values, of(SEMANTIC)),
        "semantic_interval": interval(pairs, values, of(SEMANTIC)),
        "paired": paired(pairs, values, [i for i in texts if not pairs[i].real]),
        "paired_semantic": paired(
            pairs, values, [i for i in texts if pairs[i].kind in SEMANTIC]
        ),
        "kinds": {kind: over(pairs, values, of((kind,))) for kind in KINDS},
    }
