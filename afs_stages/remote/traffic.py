"""Bytes that come home: adapter, checkpoints, logs.
From above, for they are paid for out of the cap.
"""

from __future__ import annotations

import math
from pathlib import Path

from afs_stages.core.params.model import Train
from afs_stages.core.params.remote import TrainingJob

OWN_SCRIPT_GB = 1.0
"""Allowance for what a script of one's own leaves,
whose size nobody knows beforehand.
"""
LOGS_GB = 0.05
MARGIN = 1.25
"""For ssh and rsync themselves, and for what is fetched twice."""
COPIES = 4
"""A checkpoint holds the adapter, the best one so far,
and the optimiser's two moments of it.
"""
MATRICES = 19
"""Widths of all seven linear maps of a layer, in and out, in units of the hidden size
(MLP 2.7 times as wide).
"""


def home_gb(
    job: TrainingJob, train: Train, parameters: float, tokens: float, data: Path
) -> float:
    """GB that leave the machine in one run of a job: the adapter once, every
    checkpoint, logs.
    """
    if job.results_gb is not None:
        return job.results_gb
    if job.training_script or train.script:
        return OWN_SCRIPT_GB
    epochs = job.epochs or train.epochs
    each = adapter_gb(parameters, train.r)
    made = (
        math.ceil(steps(train, tokens, epochs, data) / train.save_steps)
        + math.ceil(epochs)
        + 1
    )
    return LOGS_GB + MARGIN * each * (1 + COPIES * made)


def adapter_gb(parameters: float, r: int) -> float:
    """A LoRA adapter of rank r over all linear maps, in fp32.

    A decoder has about 12 x layers x hidden^2 parameters,
    and hidden about 128 x layers.
    """
    layers = math.cbrt(parameters / (12 * 128**2))
    return MATRICES * r * 128 * layers * layers * 4 / 1e9


def steps(train: Train, tokens: float, epochs: float, data: Path) -> float:
    """Optimiser steps at the most: packed micro-batches are at least half full."""
    if train.packing:
        found = (
            2
            * tokens
            / (train.batch_size * train.max_length * train.gradient_accumulation_steps)
        )
    else:
        with data.open("rb") as file:
            rows = sum(1 for _ in file)
        found = rows * epochs / (train.batch_size * train.gradient_accumulation_steps)
    return min(found, train.max_steps or math.inf)
