"""The loss of every labelled token of a micro-batch,
with the head computed where it is needed only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from afs_stages.core.progress import progress
from afs_stages.training.batches import batches_by_tokens
from afs_stages.training.encode import IGNORE, Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def token_losses(
    model: PreTrainedModel, items: Sequence[Encoded], packed: bool = True
) -> Tensor:
    """Negative log-likelihood in nats (float32) of each labelled token,
    sample after sample.
    """
    logits = token_logits(model, items, packed)
    _, targets = _targets(items)
    return cross_entropy(
        logits.float(), torch.tensor(targets, device=logits.device), reduction="none"
    )


def token_logits(
    model: PreTrainedModel, items: Sequence[Encoded], packed: bool = True
) -> Tensor:
    """What the model says of each labelled token, sample after sample; a line is the
    whole vocabulary.

    Samples run as one row without padding where the model's attention is ours
    (`packed`), one by one otherwise.
    """
    if not packed and len(items) > 1:
        return torch.cat([token_logits(model, [item], packed) for item in items])
    device = next(model.parameters()).device
    ids = torch.tensor([token for item in items for token in item.ids], device=device)
    sizes = [len(item.ids) for item in items]
    positions = torch.cat([torch.arange(size) for size in sizes]).to(device)
    keep, _ = _targets(items)
    logits: Tensor = model(
        input_ids=ids[None],
        position_ids=positions[None],
        use_cache=False,
        logits_to_keep=torch.tensor(keep, device=device),
        **(_borders(sizes) if packed else {}),
    ).logits[0]
    return logits


def row_losses(
    model: PreTrainedModel, items: Sequence[Encoded], packed: bool = True
) -> list[float]:
    """Sum of the token losses of each sample, in nats."""
    losses = token_losses(model, items, packed)
    parts = torch.split(losses, [item.targets for item in items])
    return [float(part.double().sum()) for part in parts]


def mean_loss(
    model: PreTrainedModel,
    items: Sequence[Encoded],
    batch_tokens: int,
    packed: bool = True,
) -> float:
    """Mean loss in nats per labelled token of all items, without gradients."""
    training = model.training
    model.eval()
    total = 0.0
    with torch.inference_mode():
        batches = batches_by_tokens([len(item.ids) for item in items], batch_tokens)
        for batch in progress(batches, "val loss", len(batches), "batches"):
            total += sum(row_losses(model, [items[i] for i in batch], packed))
    model.train(training)
    return total / sum(item.targets for item in items)


def _targets(items: Sequence[Encoded]) -> tuple[list[int], list[int]]:
    """Positions whose next token carries loss, and that next token."""
    keep: list[int] = []
    targets: list[int] = []
    start = 0
    for item in items:
        for at, label in enumerate(item.labels[1:]):
            if label != IGNORE:
                keep.append(start + at)
                targets.append(label)
        start += len(item.ids)
    return keep, targets


def _borders(sizes: list[int]) -> dict[str, Any]:
    borders = torch.tensor([0, *accumulate(sizes)], dtype=torch.int32)
    return {
        "cu_seq_lens_q": borders,
        "cu_seq_lens_k": borders,
        "max_length_q": max(sizes),
        "max_length_k": max(sizes),
    }
