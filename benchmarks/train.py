"""Tokens per second of training and evaluation against the plain transformers loop,
and the start-up.

    PYTHONPATH=. python benchmarks/train.py --base models/base \\
        --data data/converted/majora/openai/train.jsonl

Same model, adapter, samples and batch sizes in one process, alternating. Plain means
batches in the file's order, padded to their longest sample, with the loss of
`model(labels=...)` (training) or of the whole logits (evaluation). Training is forward,
backward and optimizer step. Start-up is a training of one step on eight rows.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.params.model import Train
from afs_stages.training.encode import IGNORE, Encoded

Side = Callable[[Sequence[Encoded], int], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="models/base")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=8, help="samples in a micro-batch")
    parser.add_argument(
        "--rows", type=int, default=160, help="rows of the file, at most"
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from afs_stages.training import lora
    from afs_stages.training.base_model import load_tokenizer, resolve
    from afs_stages.training.train import read_part

    base, settings = resolve(options.base), Train()
    items = read_part(options.data, load_tokenizer(base), settings, jsonl.refuse).items[
        : options.rows
    ]
    print(
        f"{len(items)} rows of {min(map(length, items))} to "
        f"{max(map(length, items))} tokens"
    )
    ours, _ = lora.load_for_training(base, settings, 1)
    theirs, _ = lora.load_for_training(base, settings, 1)
    theirs.get_base_model().set_attn_implementation("sdpa")
    for name, mine, plain in (
        ("train", train_packed, train_padded),
        ("evaluate", evaluate_packed, evaluate_padded),
    ):
        compare(name, options, items, partial(mine, ours), partial(plain, theirs))
    print(f"start-up: {start_up(options):.1f} s")


def length(item: Encoded) -> int:
    return len(item.ids)


def compare(
    name: str,
    options: argparse.Namespace,
    items: Sequence[Encoded],
    ours: Side,
    plain: Side,
) -> None:
    """Run both sides in turn and print tokens per second of each round,
    and the median ratio.
    """
    tokens, ratios = sum(map(length, items)), []
    for turn in range(options.rounds):
        mine, other = (
            seconds(partial(side, items, options.batch)) for side in (ours, plain)
        )
        ratios.append(other / mine)
        print(
            f"{name}, round {turn + 1}: {tokens / mine:,.0f} tokens/s, "
            f"plain {tokens / other:,.0f} tokens/s"
        )
    print(f"{name}: {median(ratios):.1f} times the plain loop")


def seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def batches(items: Sequence[Encoded], size: int) -> list[Sequence[Encoded]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def optimizer(model: Any) -> Any:
    import torch

    return torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad], lr=1e-6
    )


def train_packed(model: Any, items: Sequence[Encoded], size: int) -> None:
    from afs_stages.training.token_losses import token_losses

    steps = optimizer(model)
    for batch in batches(items, size):
        token_losses(model, batch).mean().backward()
        steps.step()
        steps.zero_grad()


def train_padded(model: Any, items: Sequence[Encoded], size: int) -> None:
    steps = optimizer(model)
    for batch in batches(items, size):
        model(**padded(batch)).loss.backward()
        steps.step()
        steps.zero_grad()


def evaluate_packed(model: Any, items: Sequence[Encoded], size: int) -> None:
    """As the stage does: longest first, batches of as many tokens as the plain loop's
    average batch holds.
    """
    from afs_stages.evaluation.losses import TestSet, measure

    tokens = size * sum(map(length, items)) // len(items)
    model.eval()
    measure(model, True, [TestSet("all", [], list(items), {})], "it", tokens)
    model.train()


def evaluate_padded(model: Any, items: Sequence[Encoded], size: int) -> None:
    import torch
    from torch.nn.functional import cross_entropy

    model.eval()
    with torch.inference_mode():
        for batch in batches(items, size):
            inputs = padded(batch)
            labels = inputs.pop("labels")[:, 1:]
            logits = model(**inputs).logits[:, :-1].float()
            cross_entropy(
                logits.transpose(1, 2), labels, ignore_index=IGNORE, reduction="none"
            ).sum(dim=1).tolist()
    model.train()


def padded(batch: Sequence[Encoded]) -> dict[str, Any]:
    """A batch as a collator makes it, padded to its longest sample."""
    import torch

    longest = max(map(length, batch))
    return {
        "input_ids": torch.tensor(
            [item.ids + [0] * (longest - len(item.ids)) for item in batch]
        ),
        "labels": torch.tensor(
            [item.labels + [IGNORE] * (longest - len(item.ids)) for item in batch]
        ),
        "attention_mask": torch.tensor(
            [[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in batch]
        ),
    }


def start_up(options: argparse.Namespace) -> float:
    """Seconds from the start of the process to the end of a training of one step."""
    with TemporaryDirectory() as folder:
        few = Path(folder) / "train.jsonl"
        few.write_bytes(
            b"".join(options.data.read_bytes().splitlines(keepends=True)[:8])
        )
        command = [
            sys.executable,
            "-m",
            "afs_stages.stages.train",
            "--data",
            str(few),
            "--base",
            options.base,
        ]
        command += [
            "--output",
            f"{folder}/adapter",
            "--max-steps",
            "1",
            "--params",
            f"{folder}/none.yaml",
        ]
        return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


if __name__ == "__main__":
    main()
