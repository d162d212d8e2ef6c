"""Measuring a version: its loss and that of base and earlier versions on every
frozen test set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from afs_stages.core.params.model import Evaluate
from afs_stages.evaluation import forgetting, intervals
from afs_stages.evaluation.intervals import Array
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import Encoded, encode_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BASE = "base"
"""The name of the base model without an adapter among the measured models."""


@dataclass
class TestSet:
    """The frozen test rows of one version; `losses[model]` holds each row's
    summed loss in nats.
    """

    version: str
    rows: list[ChatRow]
    items: list[Encoded]
    dropped: dict[str, int]
    losses: dict[str, list[float]] = field(default_factory=dict)

    __test__ = False

    def drawn(self, model: str, rows: Sequence[int], times: int, seed: int) -> Array:
        """A model's loss per token on some rows, one a resample."""
        counts = intervals.resamples(len(rows), times, seed)
        losses = [self.losses[model][at] for at in rows]
        return intervals.per_token(
            counts, losses, [self.items[at].targets for at in rows]
        )


def make_test_set(
    version: str,
    rows: Iterable[ChatRow],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> TestSet:
    """Encode test rows; those over the length or without a target are
    counted and left out.
    """
    kept: list[ChatRow] = []
    items: list[Encoded] = []
    dropped: Counter[str] = Counter()
    for row in rows:
        encoded, reasons = encode_rows(tokenizer, [row], max_length)
        kept += [row] * len(encoded)
        items += encoded
        dropped.update(reasons)
    return TestSet(version, kept, items, dropped)


def measure(
    model: PreTrainedModel,
    packed: bool,
    sets: Sequence[TestSet],
    name: str,
    batch_tokens: int,
) -> None:
    """Fill in every set's losses of the model as it is now (an adapter
    active or none).
    """
    from afs_stages.training.token_losses import row_losses

    for tests in sets:
        what = f"loss of {name} on {tests.version}"
        tests.losses[name] = row_losses(model, tests.items, batch_tokens, packed, what)


def results(
    sets: Sequence[TestSet], versions: Sequence[str], params: Evaluate, seed: int
) -> dict[str, Any]:
    """Everything that follows from the losses: tables by domain and source, the matrix,
    its summary.

    `sets` and `versions` are in the same order, oldest first;
    the last is the version at hand.
    """
    models = [BASE, *versions]
    names = [tests.version for tests in sets]
    times = params.bootstrap
    drawn = {
        name: [
            tests.drawn(name, range(len(tests.items)), times, seed) for tests in sets
        ]
        for name in models
    }
    # The version at hand and the base on the version's own test rows.
    own, base = drawn[versions[-1]][-1], drawn[BASE][-1]
    scores = [[-values for values in drawn[name]] for name in models]

    def groups(key: str) -> dict[str, Any]:
        return {name: _groups(sets, name, key, times, seed) for name in models}

    loss = {
        name: dict(zip(names, map(intervals.summary, drawn[name]), strict=True))
        for name in models
    }
    rows = {tests.version: len(tests.items) for tests in sets}
    gain = intervals.summary(base - own)
    kept = forgetting.summaries(scores[1:], scores[0])
    tokens = sum(item.targets for item in sets[-1].items)
    return {
        "loss": loss,
        "domains": groups("domain"),
        "sources": groups("source"),
        "gain_over_base": gain,
        "perplexity": intervals.summary(np.exp(own)),
        "forgetting": kept,
        "test_rows": rows,
        "test_tokens": tokens,
    }


def _groups(
    sets: Sequence[TestSet], model: str, key: str, times: int, seed: int
) -> dict[str, dict[str, dict[str, float]]]:
    """version of the test set -> domain or source -> loss per token with its
    interval and rows.
    """
    out: dict[str, dict[str, dict[str, float]]] = {}
    for tests in sets:
        groups: dict[str, list[int]] = {}
        for at, row in enumerate(tests.rows):
            groups.setdefault(getattr(row, key) or "unknown", []).append(at)
        out[tests.version] = {}
        for group, rows in sorted(groups.items()):
            loss = intervals.summary(tests.drawn(model, rows, times, seed))
            out[tests.version][group] = {**loss, "rows": len(rows)}
    return out
