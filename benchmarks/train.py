"""Tokens per second of training: samples end to end against padded batches in a plain transformers loop.

    PYTHONPATH=. python benchmarks/train.py --base models/base --data data/converted/majora/openai/train.jsonl

Same model, adapter, optimizer settings and samples in one process, alternating; forward and backward only.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.params.model import Train
from afs_stages.model.encode import IGNORE, Encoded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="models/base")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=8, help="samples in a micro-batch")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from afs_stages.model import lora
    from afs_stages.model.base import load_tokenizer, resolve
    from afs_stages.model.train import read_part

    base, settings = resolve(options.base), Train()
    items = read_part(options.data, load_tokenizer(base), settings, jsonl.refuse).items
    batches = [items[at : at + options.batch] for at in range(0, len(items), options.batch)]
    packed, _ = lora.load_for_training(base, settings, 1)
    plain, _ = lora.load_for_training(base, settings, 1)
    plain.get_base_model().set_attn_implementation("sdpa")
    for turn in range(options.rounds):
        ours = seconds(packed, batches, packed_step)
        theirs = seconds(plain, batches, padded_step)
        tokens = sum(len(item.ids) for item in items)
        print(f"round {turn + 1}: end to end {tokens / ours:,.0f} tokens/s, padded {tokens / theirs:,.0f} tokens/s")


def seconds(model: Any, batches: list[list[Encoded]], step: Any) -> float:
    started = time.perf_counter()
    for batch in batches:
        step(model, batch)
        model.zero_grad()
    return time.perf_counter() - started


def packed_step(model: Any, batch: list[Encoded]) -> None:
    from afs_stages.model.losses import token_losses

    token_losses(model, batch).mean().backward()


def padded_step(model: Any, batch: list[Encoded]) -> None:
    import torch

    longest = max(len(item.ids) for item in batch)
    ids = torch.tensor([item.ids + [0] * (longest - len(item.ids)) for item in batch])
    labels = torch.tensor([item.labels + [IGNORE] * (longest - len(item.labels)) for item in batch])
    mask = torch.tensor([[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in batch])
    model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()


if __name__ == "__main__":
    main()
