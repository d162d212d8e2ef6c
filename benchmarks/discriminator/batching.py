"""Snippets per second through ELECTRA: one by one, our batches in fp32 and bf16, batches padded to 512 units.

    PYTHONPATH=. python benchmarks/discriminator/batching.py --code CHECKOUT --output docs/quality/batching.json

One run, the same snippets, weights and threads for all, every way in turn `--rounds` times; the best of each counts,
and ratios are of CPU seconds. Weights are random: speed does not depend on them. How far scores move with the batch
on a trained model is tested in tests/quality/test_batching.py.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import write_json
from afs_stages.quality.discriminator import network
from afs_stages.quality.discriminator.folder import folder_samples
from afs_stages.quality.discriminator.inference import judge
from afs_stages.quality.discriminator.pairs import real_blocks
from afs_stages.quality.discriminator.tokens import Vocabulary, tokenise

# progress bars and advice of the libraries say nothing here
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
SIZES = {"the default (2 layers, 64 wide)": (2, 64, 256), "ELECTRA-small (12 layers, 256 wide)": (12, 256, 1024)}
WIDTH = 512
Rows = list[list[int]]


def encoder(layers: int, width: int, inner: int, vocabulary: int) -> Any:
    """A judge of a size that can also read 512 units."""
    from transformers import ElectraConfig, ElectraModel

    config = ElectraConfig(
        vocab_size=vocabulary, embedding_size=min(width, 128), hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64), intermediate_size=inner, max_position_embeddings=WIDTH + 2,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ElectraModel(config).save_pretrained(folder)
        return network.build(vocabulary, width, layers, folder)


def one_by_one(model: Any, rows: Rows) -> list[float]:
    import torch

    with torch.no_grad():
        return [model(*network.pad([row]))[1].item() for row in rows]


def padded(model: Any, rows: Rows, size: int = 16) -> list[float]:
    import torch

    found: list[float] = []
    with torch.no_grad():
        for start in range(0, len(rows), size):
            ids, mask = network.pad([*rows[start : start + size], [network.PAD] * WIDTH])
            found += model(ids[:-1], mask[:-1])[1].tolist()
    return found


def measured(model: Any, rows: Rows, budget: int, rounds: int) -> dict[str, Any]:
    """Per way: snippets a second, and the largest distance of a log-odds from one by one."""
    ways: dict[str, Callable[[Rows], list[float]]] = {
        "one by one, fp32": lambda part: one_by_one(model, part),
        "ours, fp32": lambda part: judge(model, part, budget),
        "padded to 512, fp32": lambda part: padded(model, part),
        "ours, bf16": lambda part: judge(model, part, budget, "bf16"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started, spent = time.perf_counter(), time.process_time()
            scores[name] = way(rows)
            if turn:
                seconds[name].append(time.perf_counter() - started)
                cpu[name].append(time.process_time() - spent)
    rates = {name: len(rows) / min(values) for name, values in cpu.items()}
    base = scores["one by one, fp32"]
    return {
        name: {
            "per_second": round(len(rows) / min(seconds[name]), 1), "per_cpu_second": round(rates[name], 1),
            "of_one_by_one": round(rates[name] / rates["one by one, fp32"], 2),
            "of_padded": round(rates[name] / rates["padded to 512, fp32"], 2),
            "moved": max(abs(a - b) for a, b in zip(scores[name], base, strict=True)),
        } for name in ways
    }  # fmt: skip


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--snippets", type=int, default=160)
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    texts = [tokenise(block.code)[: network.MAX_UNITS] for block in real_blocks(folder_samples(given.code))]
    vocabulary = Vocabulary.of(texts)
    chosen = random.Random(0).sample(texts, given.snippets)
    rows = [[network.CLS, *vocabulary.encode(units)] for units in chosen]
    result: dict[str, Any] = {
        "snippets": len(rows), "mean_units": round(sum(map(len, rows)) / len(rows), 1), "threads": given.threads,
        "budget": given.budget, "cpu": torch.backends.cpu.get_cpu_capability(), "sizes": {},
    }  # fmt: skip
    for name, size in SIZES.items():
        result["sizes"][name] = measured(
            encoder(*size, len(vocabulary.tokens)).eval(), rows, given.budget, given.rounds
        )
        for way, values in result["sizes"][name].items():
            print(f"{name:38} {way:20} {values}")
    write_json(given.output, result)


if __name__ == "__main__":
    main()
