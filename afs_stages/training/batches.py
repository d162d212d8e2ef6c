"""The order of training: which samples make up which micro-batch of which step, known
before it starts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from afs_stages.core.params.model import Train
from afs_stages.training.encode import Encoded

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
    # Without packing a sample counts one, whatever its length.
    sizes = lengths if packing else [1] * len(lengths)
    budget = batch_size * max_length if packing else batch_size
    batches: list[MicroBatch] = []
    ends: list[int] = []
    for epoch in range(math.ceil(epochs)):
        order = list(range(len(lengths)))
        random.Random(f"{seed}:{epoch}").shuffle(order)
        micro = list(_filled(order, sizes, budget))
        share = min(1.0, epochs - epoch)
        batches += micro[: max(1, round(share * len(micro)))]
        ends.append(math.ceil(len(batches) / accumulation))
    # A step may take micro-batches of two epochs, so that all but the last are full.
    steps = [
        batches[at : at + accumulation] for at in range(0, len(batches), accumulation)
    ][:max_steps]
    return BatchPlan(steps, sorted({min(end, len(steps)) for end in ends}))


def plan_for(
    items: Sequence[Encoded], train: Train, seed: int, packed: bool = True
) -> BatchPlan:
    """The steps of a training. Where samples cannot run end to end, each is a
    micro-batch of its own; every process takes as many of a step as the others.
    """
    together = train.batch_size if packed else 1
    accumulation = train.gradient_accumulation_steps * train.batch_size // together
    each = math.ceil(accumulation / train.processes)
    return make_plan(
        [len(item.ids) for item in items],
        epochs=train.epochs,
        batch_size=together,
        accumulation=each * train.processes,
        max_length=train.max_length,
        packing=train.packing and packed,
        seed=seed,
        max_steps=train.max_steps,
    )


def _filled(
    order: Sequence[int], sizes: Sequence[int], budget: int
) -> Iterator[MicroBatch]:
    batch: MicroBatch = []
    filled = 0
    for index in order:
        if batch and filled + sizes[index] > budget:
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += sizes[index]
    if batch:
        yield batch


def longest_first(sizes: Sequence[int], budget: int) -> list[MicroBatch]:
    """Places of samples in batches of at most `budget` tokens (one sample at least).

    Neighbours are of like length, and the largest batch comes first, so that memory is
    tried at once.
    """
    order = sorted(range(len(sizes)), key=lambda at: -sizes[at])
    return list(_filled(order, sizes, budget))


def halves(batch: Sequence[int], parts: int) -> list[MicroBatch]:
    """A micro-batch in `parts` runs of nearly equal count;
    fewer where it has fewer samples.
    """
    parts = min(parts, len(batch))
    cuts = [round(at * len(batch) / parts) for at in range(parts + 1)]
    return [list(batch[a:b]) for a, b in pairwise(cuts)]


def learning_rate(step: int, steps: int, settings: Train) -> float:
    """The rate of step `step` (from 0) of `steps`: linear warm-up, then cosine,
    linear or constant.
    """
    peak = settings.learning_rate
    warmup = math.ceil(settings.warmup_ratio * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if settings.schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    return peak * (1 - done) if settings.schedule == "linear" else peak
