"""What a training will take, said before it starts: steps, tokens, memory; a refusal
where it can't fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from afs_stages.core.errors import UserError
from afs_stages.training.batches import BatchPlan, halves
from afs_stages.training.device_memory import MB, available_mb
from afs_stages.training.encode import Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Estimate:
    """The size of a training; memory in MiB, what is loaded already not counted."""

    steps: int
    tokens: int
    trained: int
    memory_mb: float
    memory_one_sample_mb: float
    available_mb: float
    parts: int

    def summary(self) -> str:
        """One line for the user."""
        size = (
            f"{self.steps:,} steps, {self.tokens:,} tokens, {self.trained:,} "
            "trained weights"
        )
        return (
            f"{size}, about {self.memory_mb:,.0f} MB of "
            f"{self.available_mb:,.0f} MB there"
        )


def estimate(
    model: PreTrainedModel,
    items: Sequence[Encoded],
    plan: BatchPlan,
    checkpointing: bool,
    limit_mb: float | None,
) -> Estimate:
    """Measure a plan against the memory at hand (`limit_mb` if given and smaller).

    `parts` is into how many pieces micro-batches must be cut from the start. Raises
    `UserError` where not even the largest sample alone fits.
    """
    available = min(available_mb(model), limit_mb or float("inf"))
    trained = sum(
        weight.numel() for weight in model.parameters() if weight.requires_grad
    )
    fixed = trained * 16 / MB
    per_token = _bytes_per_token(model, checkpointing) / MB
    head = model.config.vocab_size * 12 / MB

    def need(batch: list[int]) -> float:
        chosen = [items[index] for index in batch]
        tokens = sum(len(item.ids) for item in chosen)
        targets = sum(item.targets for item in chosen)
        return float(fixed + (per_token * tokens + head * targets))

    batches = list(chain.from_iterable(plan.steps))
    indexes = list(chain.from_iterable(batches))
    one = max(need([index]) for index in indexes)
    if one > available:
        _refuse(one, available, max(len(item.ids) for item in items))
    tokens = sum(len(items[index].ids) for index in indexes)
    parts = 1
    while (
        max(map(need, chain.from_iterable(halves(batch, parts) for batch in batches)))
        > available
    ):
        parts *= 2
    return Estimate(
        steps=len(plan.steps),
        tokens=tokens,
        trained=trained,
        memory_mb=max(map(need, batches)),
        memory_one_sample_mb=one,
        available_mb=available,
        parts=parts,
    )


def _refuse(need: float, available: float, longest: int) -> None:
    raise UserError(
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
    width = 4 if model.dtype.itemsize == 4 else 2
    layer = 28 * config.hidden_size + 8 * getattr(
        config, "intermediate_size", 4 * config.hidden_size
    )
    layers = config.num_hidden_layers
    kept = config.hidden_size * layers + layer if checkpointing else layer * layers
    return float(kept * width)
