"""What a training will take, said before it starts: steps, tokens, memory; a refusal
where it can't fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.training.batches import BatchPlan, MicroBatch, halves
from afs_stages.training.device_memory import MB, available_mb
from afs_stages.training.encode import Encoded
from afs_stages.training.lora import trainable
from afs_stages.training.prepared import tokens_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Estimate:
    """The size of a training; memory in MiB, what is loaded already not counted.

    `parts` is into how many pieces micro-batches must be cut from the start.
    """

    steps: int
    tokens: int
    trained: int
    memory_mb: float
    available_mb: float
    parts: int

    def summary(self) -> str:
        """One line for the user."""
        size = f"{self.steps:,} steps, {self.tokens:,} tokens"
        memory = f"about {self.memory_mb:,.0f} MB of {self.available_mb:,.0f} MB there"
        return f"{size}, {self.trained:,} trained weights, {memory}"


def estimate(
    model: PreTrainedModel, items: Sequence[Encoded], plan: BatchPlan, train: Train
) -> Estimate:
    """Measure a plan against the memory at hand (`memory_limit_mb` if that is smaller).

    Raises `UserError` where not even the largest sample alone fits.
    """
    available = min(available_mb(model), train.memory_limit_mb or float("inf"))
    trained = sum(weight.numel() for weight in trainable(model).values())
    # Of a trained weight: itself, its gradient, two moments of Adam.
    fixed = trained * 16 / MB
    per_token = _bytes_per_token(model, train.gradient_checkpointing) / MB
    head = model.config.vocab_size * 12 / MB

    def need(batch: MicroBatch) -> float:
        tokens = sum(len(items[index].ids) for index in batch)
        targets = sum(items[index].targets for index in batch)
        return float(fixed + (per_token * tokens + head * targets))

    def peak(parts: int) -> float:
        return max(need(part) for batch in batches for part in halves(batch, parts))

    batches = list(chain.from_iterable(plan.steps))
    largest = max(len(batch) for batch in batches)
    parts = 1
    while peak(parts) > available:
        if parts >= largest:
            raise _cannot_fit(peak(parts), available, items)
        parts *= 2
    tokens = tokens_of(items, batches)
    return Estimate(len(plan.steps), tokens, trained, peak(1), available, parts)


def _cannot_fit(need: float, available: float, items: Sequence[Encoded]) -> UserError:
    longest = max(len(item.ids) for item in items)
    return UserError(
        f"this training can't fit: the longest sample ({longest:,} tokens) alone needs "
        f"about {need:,.0f} MB, {available:,.0f} MB are there",
        fix=f"lower fit.max_tokens and train.max_length (now up to {longest:,}), set "
        "train.gradient_checkpointing: true, train.dtype: bf16 or train.load_in_4bit: "
        "true, choose a smaller base model, or train on a rented GPU: "
        "afs vastai launch --model MODEL",
    )


def _bytes_per_token(model: PreTrainedModel, checkpointing: bool) -> float:
    """Activations and their gradients per token: about 28 hidden vectors and 8 of the
    feed-forward a layer.

    Measured on the tiny base: 1,093 MB at the peak for 16,384 tokens,
    estimated 1,127 MB.
    """
    config = model.config
    hidden, layers = config.hidden_size, config.num_hidden_layers
    layer = 28 * hidden + 8 * getattr(config, "intermediate_size", 4 * hidden)
    kept = hidden * layers + layer if checkpointing else layer * layers
    return float(kept * model.dtype.itemsize)
