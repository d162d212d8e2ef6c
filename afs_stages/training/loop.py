"""The training loop: the same for the tiny base model and for adapters.

A step's gradient is the mean over all its labelled tokens, whatever the cut into
micro-batches, so that halving a micro-batch after running out of memory changes nothing
but speed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from afs_stages.core.console import warn
from afs_stages.core.params.model import Train
from afs_stages.training.anchor import Hold
from afs_stages.training.batches import BatchPlan, MicroBatch, halves, learning_rate
from afs_stages.training.encode import Encoded
from afs_stages.training.prepared import (
    TrainingState,
    no_memory,
    not_finite,
    row_names,
    tokens_of,
)
from afs_stages.training.token_losses import token_losses

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BETAS = (0.9, 0.95)
"""Of AdamW."""
CLIP = 1.0
"""The longest gradient of a step."""


@dataclass
class Loop:
    """Training of `model` (already in train mode, its trainable parameters marked) by a
    plan, at the rates of `settings`.
    """

    model: PreTrainedModel
    items: Sequence[Encoded]
    plan: BatchPlan
    settings: Train
    packed: bool = True
    hold: Hold | None = None
    state: TrainingState = field(default_factory=TrainingState)

    def __post_init__(self) -> None:
        self.weights = [
            weight for weight in self.model.parameters() if weight.requires_grad
        ]
        decayed = [weight for weight in self.weights if weight.ndim > 1]
        plain = [weight for weight in self.weights if weight.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.settings.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            betas=BETAS,
        )

    def steps(self) -> Iterator[TrainingState]:
        """Run the steps that are left; after each, where training stands."""
        while self.state.step < len(self.plan.steps) and not self.state.stopped:
            self._step(self.plan.steps[self.state.step])
            yield self.state

    def _step(self, batches: list[MicroBatch]) -> None:
        state = self.state
        rate = learning_rate(state.step, len(self.plan.steps), self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self._gradient(batches)
        point = {"step": state.step + 1, "loss": round(loss, 6), "learning_rate": rate}
        if self.hold is not None:
            point |= self._hold(self.hold)
        torch.nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.tokens += tokens_of(self.items, batches)
        state.curve.append(point)

    def _hold(self, hold: Hold) -> dict[str, float]:
        """Add the step's pull to the base to the gradients; returns what the curve
        tells of it.
        """
        at = self.state.step
        found = hold.pull(self.model, at)
        if found is None:
            return {}
        if not math.isfinite(found):
            raise not_finite(found, at + 1, "that the base wrote (train.anchor)")
        self.state.tokens += hold.tokens(at)
        return {"anchor_kl": round(found, 6)}

    def _gradient(self, batches: list[MicroBatch]) -> float:
        """Fill the gradients of one step and return its mean loss; split finer when
        memory runs out.
        """
        largest = max(len(batch) for batch in batches)
        while True:
            try:
                return self._accumulate(batches)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
            self._split_finer(largest)

    def _accumulate(self, batches: list[MicroBatch]) -> float:
        targets = sum(self.items[index].targets for batch in batches for index in batch)
        total = 0.0
        for batch in batches:
            for chunk in halves(batch, self.state.parts):
                rows = [self.items[index] for index in chunk]
                loss = token_losses(self.model, rows, self.packed).sum() / targets
                value = loss.item()
                if not math.isfinite(value):
                    names = row_names(self.items, chunk)
                    raise not_finite(value, self.state.step + 1, names)
                loss.backward()  # type: ignore[no-untyped-call]
                total += value
        return total

    def _split_finer(self, largest: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        clear_device_cache()
        step = self.state.step + 1
        if self.state.parts >= largest:
            raise no_memory(step, "with one sample at a time")
        self.state.parts *= 2
        warn(
            f"out of memory at step {step}: micro-batches are cut into "
            f"{self.state.parts}, gradients accumulate over the parts; "
            "the result is the same, only slower"
        )
