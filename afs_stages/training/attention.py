"""Attention over samples laid end to end, each seeing itself alone.

A micro-batch is one row without padding; the borders of its samples travel to every
layer as `cu_seq_lens_q`, and each sample is attended to separately. No mask is built,
no token is wasted, and no sample sees another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "afs_segments"


def segment_attention(
    module: Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: Tensor | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention inside each segment; query is (1, heads, tokens, width), key and
    value may be grouped.

    `cu_seq_lens_q` holds the borders: 0, end of the first segment, …, number of tokens.
    """
    sizes = [query.shape[2]] if cu_seq_lens_q is None else cu_seq_lens_q.diff().tolist()
    out = []
    for q, k, v in zip(
        *(torch.split(tensor, sizes, dim=2) for tensor in (query, key, value)),
        strict=True,
    ):
        mask = _band(q, sliding_window)
        out.append(
            scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                dropout_p=dropout,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=q.shape[1] != k.shape[1],
            )
        )
    return torch.cat(out, dim=2).transpose(1, 2).contiguous(), None


def _band(query: Tensor, window: int | None) -> Tensor | None:
    """The mask of a sliding window, where a segment is longer than the window."""
    size = query.shape[2]
    if window is None or size <= window:
        return None
    ones = torch.ones(size, size, dtype=torch.bool, device=query.device)
    return ones.tril().triu(1 - window)


def install(model: PreTrainedModel) -> bool:
    """Make a transformers model use it; False where the model's attention
    can't be chosen.
    """
    from transformers import AttentionInterface

    inner = _inner(model)
    if not getattr(inner, "_supports_attention_backend", False):
        return False
    # Attention of these models has parts that `segment_attention` does not know.
    has_sinks = any(hasattr(module, "sinks") for module in inner.modules())
    if has_sinks or getattr(inner.config, "attn_logit_softcapping", None):
        return False
    AttentionInterface.register(NAME, segment_attention)
    inner.set_attn_implementation(NAME)
    return True


@contextmanager
def standard(model: PreTrainedModel) -> Iterator[None]:
    """The model with torch's padded attention for a while:
    generation has a mask and a cache.
    """
    inner = _inner(model)
    before = inner.config._attn_implementation
    inner.set_attn_implementation("sdpa" if before == NAME else before)
    try:
        yield
    finally:
        inner.set_attn_implementation(before)


def _inner(model: PreTrainedModel) -> PreTrainedModel:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
