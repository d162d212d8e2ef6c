"""The loss of every labelled token of a micro-batch,
with the head computed where it is needed only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from afs_stages.core.progress import progress
from afs_stages.training.batches import longest_first
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
    targets = [label for label in _next_labels(items) if label != IGNORE]
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
    labels = _next_labels(items)
    keep = [at for at, label in enumerate(labels) if label != IGNORE]
    # Where each sample ends, as `attention` reads it.
    ends = torch.tensor([0, *accumulate(sizes)], dtype=torch.int32)
    borders = {"cu_seq_lens_q": ends} if packed else {}
    logits: Tensor = model(
        input_ids=ids[None],
        position_ids=positions[None],
        use_cache=False,
        logits_to_keep=torch.tensor(keep, device=device),
        **borders,
    ).logits[0]
    return logits


def row_losses(
    model: PreTrainedModel,
    items: Sequence[Encoded],
    batch_tokens: int,
    packed: bool,
    what: str,
) -> list[float]:
    """Sum of the token losses of each sample, in nats, without gradients; `what` names
    the work where progress is shown.
    """
    found = [0.0] * len(items)
    batches = longest_first([len(item.ids) for item in items], batch_tokens)
    with torch.inference_mode():
        for batch in progress(batches, what, len(batches), "batches"):
            rows = [items[at] for at in batch]
            losses = token_losses(model, rows, packed)
            parts = torch.split(losses, [item.targets for item in rows])
            for at, part in zip(batch, parts, strict=True):
                found[at] = float(part.double().sum())
    return found


def mean_loss(
    model: PreTrainedModel, items: Sequence[Encoded], batch_tokens: int, packed: bool
) -> float:
    """Mean loss in nats per labelled token of all items, as generation would have it:
    without dropout.
    """
    training = model.training
    model.eval()
    losses = row_losses(model, items, batch_tokens, packed, "val loss")
    model.train(training)
    return sum(losses) / sum(item.targets for item in items)


def _next_labels(items: Sequence[Encoded]) -> list[int]:
    """For every token of the samples end to end, the label of the one behind it."""
    return [label for item in items for label in (*item.labels[1:], IGNORE)]
