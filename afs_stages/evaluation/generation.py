"""Greedy answers: the likeliest token at each step,
in batches with padding on the left.

The loop is our own, for a model's `generation_config` (penalties, sampling) must not
change what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from afs_stages.core.progress import progress
from afs_stages.training import attention
from afs_stages.training.batches import longest_first
from afs_stages.training.encode import token_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    limits: Sequence[int],
    batch_tokens: int,
    what: str = "answers",
) -> list[str]:
    """The text a model goes on with after each prompt, in the prompts' order,
    without special tokens; `limits` are the most new tokens of each.

    `batch_tokens` bounds prompts and answers of a batch together, in tokens. `what`
    names the work where progress is shown.
    """
    import torch

    ids = [token_ids(tokenizer, text) for text in prompts]
    sizes = [len(row) + limit for row, limit in zip(ids, limits, strict=True)]
    found = [""] * len(ids)
    ends = stop_ids(model, tokenizer)
    batches = longest_first(sizes, batch_tokens)
    with torch.inference_mode(), attention.standard(model):
        for batch in progress(batches, what, len(batches), "batches"):
            most = max(limits[at] for at in batch)
            new = greedy(model, [ids[at] for at in batch], most, ends)
            for at, tokens in zip(batch, new, strict=True):
                # A longer neighbour must not let an answer grow longer.
                kept = tokens[: limits[at]]
                found[at] = tokenizer.decode(kept, skip_special_tokens=True)
    return found


def stop_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer, by the tokenizer and by the model's
    own configuration.
    """
    own = getattr(model.generation_config, "eos_token_id", None)
    listed = own if isinstance(own, list) else [own]
    return sorted({tokenizer.eos_token_id, *listed} - {None})


def greedy(
    model: PreTrainedModel,
    prompts: Sequence[list[int]],
    limit: int,
    ends: Sequence[int],
) -> list[list[int]]:
    """At most `limit` new token ids after each prompt,
    up to the first of `ends` (which is left out).
    """
    import torch

    device = next(model.parameters()).device
    width = max(len(prompt) for prompt in prompts)
    # What stands under a mask of 0 is never seen.
    padded = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
    seen = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    ids, mask = torch.tensor([padded, seen], device=device)
    stops = torch.tensor(list(ends), device=device)
    running = torch.ones(len(prompts), dtype=torch.bool, device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    new, cache = [], None
    for _ in range(limit):
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache, ids = out.past_key_values, out.logits[:, -1].argmax(-1, keepdim=True)
        new.append(ids[:, 0])
        running &= ~torch.isin(ids[:, 0], stops)
        if not running.any():
            break
        mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
        positions = positions[:, -1:] + 1
    rows = torch.stack(new, dim=1).tolist()
    return [list(takewhile(lambda token: token not in ends, row)) for row in rows]
