"""Measuring a version: its loss and that of base and earlier versions on every
frozen test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from afs_stages.core.params.model import Evaluate
from afs_stages.core.progress import progress
from afs_stages.evaluation import forgetting, intervals
from afs_stages.training.batches import batches_by_tokens
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import Encoded, encode_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from afs_stages.evaluation.intervals import Array

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

    @property
    def tokens(self) -> list[int]:
        """Tokens that carry loss, by row."""
        return [item.targets for item in self.items]


def make_test_set(
    version: str,
    rows: Sequence[ChatRow],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> TestSet:
    """Encode test rows; those over the length or without a target are
    counted and left out.
    """
    kept: list[ChatRow] = []
    items: list[Encoded] = []
    dropped: dict[str, int] = {}
    for row in rows:
        encoded, reasons = encode_rows(tokenizer, [row], max_length)
        kept += [row] * len(encoded)
        items += encoded
        for reason in reasons:
            dropped[reason] = dropped.get(reason, 0) + 1
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
    import torch

    from afs_stages.training.token_losses import row_losses

    with torch.inference_mode():
        for tests in sets:
            # Longest first: the largest batch comes first,
            # so that memory is tried at once.
            order = sorted(
                range(len(tests.items)), key=lambda at: (-len(tests.items[at].ids), at)
            )
            found = [0.0] * len(order)
            batches = batches_by_tokens(
                [len(tests.items[at].ids) for at in order], batch_tokens
            )
            what = f"loss of {name} on {tests.version}"
            for batch in progress(batches, what, len(batches), "batches"):
                rows = [order[at] for at in batch]
                for at, loss in zip(
                    rows,
                    row_losses(model, [tests.items[at] for at in rows], packed),
                    strict=True,
                ):
                    found[at] = loss
            tests.losses[name] = found


def results(
    sets: Sequence[TestSet], versions: Sequence[str], params: Evaluate, seed: int
) -> dict[str, Any]:
    """Everything that follows from the losses: tables by domain and source, the matrix,
    its summary.

    `sets` and `versions` are in the same order, oldest first;
    the last is the version at hand.
    """
    counts = [
        intervals.resamples(len(tests.items), params.bootstrap, seed) for tests in sets
    ]
    models = [BASE, *versions]
    drawn = {name: _drawn(sets, counts, name) for name in models}
    # The version at hand and the base on the version's own test rows.
    own, base = drawn[versions[-1]][-1], drawn[BASE][-1]
    loss = {name: _by_set(sets, drawn[name]) for name in models}
    domains = {name: _groups(sets, name, "domain", params, seed) for name in models}
    sources = {name: _groups(sets, name, "source", params, seed) for name in models}
    gain = intervals.summary(base - own)
    rows = {tests.version: len(tests.items) for tests in sets}
    return {
        "loss": loss,
        "domains": domains,
        "sources": sources,
        "gain_over_base": gain,
        "perplexity": _perplexity(own),
        "forgetting": _forgetting(versions, drawn),
        "test_rows": rows,
        "test_tokens": sum(sets[-1].tokens),
    }


def _drawn(sets: Sequence[TestSet], counts: Sequence[Array], name: str) -> list[Array]:
    """A model's losses per token on every test set, one a resample."""
    pairs = zip(counts, sets, strict=True)
    return [
        intervals.per_token(count, tests.losses[name], tests.tokens)
        for count, tests in pairs
    ]


def _by_set(
    sets: Sequence[TestSet], drawn: Sequence[Array]
) -> dict[str, dict[str, float]]:
    return {
        tests.version: intervals.summary(values)
        for tests, values in zip(sets, drawn, strict=True)
    }


def _perplexity(values: Array) -> dict[str, float]:
    import numpy as np

    return intervals.summary(np.exp(values))


def _groups(
    sets: Sequence[TestSet], model: str, key: str, params: Evaluate, seed: int
) -> dict[str, dict[str, dict[str, float]]]:
    """version of the test set -> domain or source -> loss per token with its
    interval and rows.
    """
    out: dict[str, dict[str, dict[str, float]]] = {}
    for tests in sets:
        groups: dict[str, list[int]] = {}
        for at, row in enumerate(tests.rows):
            groups.setdefault(getattr(row, key) or "unknown", []).append(at)
        out[tests.version] = {
            group: {
                **_loss_of(tests, model, rows, params.bootstrap, seed),
                "rows": len(rows),
            }
            for group, rows in sorted(groups.items())
        }
    return out


def _loss_of(
    tests: TestSet, model: str, rows: list[int], times: int, seed: int
) -> dict[str, float]:
    tokens = tests.tokens
    counts = intervals.resamples(len(rows), times, seed)
    values = intervals.per_token(
        counts, [tests.losses[model][at] for at in rows], [tokens[at] for at in rows]
    )
    return intervals.summary(values)


def _forgetting(
    versions: Sequence[str], drawn: dict[str, list[Array]]
) -> dict[str, Any]:
    """ACC, BWT, FWT and F of minus the losses, with intervals."""
    scores = [[-values for values in drawn[name]] for name in versions]
    return forgetting.summaries(scores, [-values for values in drawn[BASE]])
