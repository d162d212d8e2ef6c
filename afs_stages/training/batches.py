"""The order of training: which samples make up which micro-batch of which step, known
before it starts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MicroBatch = list[int]
"""Indexes of samples that go through the model together."""


@dataclass(frozen=True)
class BatchPlan:
    """Every optimizer step as a list of micro-batches; `epoch_ends` are the steps after
    which val is due.
    """

    steps: list[list[MicroBatch]]
    epoch_ends: list[int]


def make_plan(
    lengths: Sequence[int],
    *,
    epochs: float,
    batch_size: int,
    accumulation: int,
    max_length: int,
    packing: bool,
    seed: int,
    max_steps: int | None = None,
) -> BatchPlan:
    """Shuffle the samples anew for each epoch and cut them into steps.

    With packing a micro-batch is filled up to `batch_size * max_length` tokens;
    without, it holds `batch_size` samples. A fractional epoch takes that share of an
    epoch's micro-batches, at least one.
    """
    batches: list[MicroBatch] = []
    ends: list[int] = []
    whole, rest = int(epochs), epochs - int(epochs)
    for epoch in range(math.ceil(epochs)):
        order = list(range(len(lengths)))
        random.Random(f"{seed}:{epoch}").shuffle(order)
        if packing:
            micro = list(_by_tokens(order, lengths, batch_size * max_length))
        else:
            micro = [
                order[at : at + batch_size] for at in range(0, len(order), batch_size)
            ]
        taken = len(micro) if epoch < whole else max(1, round(rest * len(micro)))
        batches += micro[:taken]
        ends.append(math.ceil(len(batches) / accumulation))
    # A step may take micro-batches of two epochs, so that all but the last are full.
    steps = [
        batches[at : at + accumulation] for at in range(0, len(batches), accumulation)
    ]
    if max_steps is not None:
        steps = steps[:max_steps]
    return BatchPlan(steps, sorted({min(end, len(steps)) for end in ends}))


def _by_tokens(
    order: Sequence[int], lengths: Sequence[int], budget: int
) -> Iterator[MicroBatch]:
    batch: MicroBatch = []
    tokens = 0
    for index in order:
        if batch and tokens + lengths[index] > budget:
            yield batch
            batch, tokens = [], 0
        batch.append(index)
        tokens += lengths[index]
    if batch:
        yield batch


def batches_by_tokens(lengths: Sequence[int], budget: int) -> list[MicroBatch]:
    """Samples in their own order in batches of at most `budget` tokens (one
    sample at least).
    """
    return list(_by_tokens(range(len(lengths)), lengths, budget))


def halves(batch: Sequence[int], parts: int) -> list[MicroBatch]:
    """A micro-batch in `parts` runs of nearly equal count;
    fewer where it has fewer samples.
    """
    parts = min(parts, len(batch))
    cuts = [round(at * len(batch) / parts) for at in range(parts + 1)]
    return [list(batch[a:b]) for a, b in pairwise(cuts)]


def learning_rate(
    step: int, steps: int, peak: float, schedule: str, warmup_ratio: float
) -> float:
    """The rate of step `step` (from 0) of `steps`: linear warm-up, then cosine,
    linear or constant.
    """
    warmup = math.ceil(warmup_ratio * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    return peak * (1 - done) if schedule == "linear" else peak
