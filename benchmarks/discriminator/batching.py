"""Snippets per second through ELECTRA: one by one, our batches in fp32 and bf16,
batches padded to 512 units.

    PYTHONPATH=. python benchmarks/discriminator/batching.py --code CHECKOUT \\
        --output docs/quality/batching.json

The same snippets, weights and threads for all; every way in turn, `--rounds` times,
each time in a process of its own (what one does to the allocator would help the others)
that warms up and keeps the best of two passes. The best round counts, in seconds and in
CPU seconds. "Padded" are batches of 32, the predecessor's. Weights are random: speed
does not depend on them. How far scores move with the batch on a trained model is tested
in tests/scoring/test_batching.py.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import write_json
from afs_stages.scoring.discriminator import network
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.inference import judge
from afs_stages.scoring.discriminator.pairs import real_blocks
from afs_stages.scoring.discriminator.tokens import Vocabulary, tokenise

# progress bars and advice of the libraries say nothing here
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
SIZES = {
    "the default (2 layers, 64 wide)": (2, 64, 256, 512),
    "ELECTRA-small (12 layers, 256 wide)": (12, 256, 1024, 192),
}
"""Layers, width, inner width; snippets that are judged: the larger model is slow."""
WIDTH, BATCH = 512, 32
Rows = list[list[int]]


def encoder(layers: int, width: int, inner: int, vocabulary: int) -> Any:
    """A judge of a size that can also read 512 units."""
    from transformers import ElectraConfig, ElectraModel

    config = ElectraConfig(
        vocab_size=vocabulary,
        embedding_size=min(width, 128),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        intermediate_size=inner,
        max_position_embeddings=WIDTH + 2,
    )
    with tempfile.TemporaryDirectory() as folder:
        ElectraModel(config).save_pretrained(folder)
        return network.build(vocabulary, width, layers, folder)


def one_by_one(model: Any, rows: Rows, _: int) -> list[float]:
    import torch

    with torch.no_grad():
        return [model(*network.pad([row]))[1].item() for row in rows]


def padded(model: Any, rows: Rows, _: int) -> list[float]:
    import torch

    found: list[float] = []
    with torch.no_grad():
        for start in range(0, len(rows), BATCH):
            found += model(*network.pad(rows[start : start + BATCH], width=WIDTH))[
                1
            ].tolist()
    return found


WAYS: dict[str, Callable[[Any, Rows, int], list[float]]] = {
    "one by one, fp32": one_by_one,
    "padded to 512, fp32": padded,
    "ours, fp32": judge,
    "ours, bf16": lambda model, rows, budget: judge(model, rows, budget, "bf16"),
}


def prepared(given: argparse.Namespace) -> tuple[Any, Rows]:
    """Model and snippets of a size, the same in every process."""
    import torch

    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    layers, width, inner, count = SIZES[given.size]
    texts = [
        tokenise(block.code)[: network.MAX_UNITS]
        for block in real_blocks(folder_samples(given.code))
    ]
    vocabulary = Vocabulary.of(texts)
    chosen = random.Random(0).sample(texts, count)
    model = encoder(layers, width, inner, len(vocabulary.tokens)).eval()
    return model, [[network.CLS, *vocabulary.encode(units)] for units in chosen]


def measure(given: argparse.Namespace) -> None:
    """One way in this process: prints its best seconds,
    best CPU seconds and its scores.
    """
    model, rows = prepared(given)
    way = WAYS[given.way]
    scores = way(model, rows[:BATCH], given.budget)
    seconds, cpu = [], []
    for _ in range(2):
        started, spent = time.perf_counter(), time.process_time()
        scores = way(model, rows, given.budget)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - spent)
    units = sum(map(len, rows)) / len(rows)
    print(
        json.dumps(
            {
                "seconds": min(seconds),
                "cpu_seconds": min(cpu),
                "scores": scores,
                "units": units,
            }
        )
    )


def compared(size: str, given: argparse.Namespace) -> dict[str, Any]:
    """Per way: snippets a second, how many times the rivals' that is, and how far
    log-odds are from one by one.
    """
    command = [sys.executable, __file__, "--code", str(given.code), "--size", size]
    command += ["--budget", str(given.budget), "--threads", str(given.threads)]
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        for way in WAYS:
            done = subprocess.run(
                [*command, "--way", way], stdout=subprocess.PIPE, check=True
            )
            runs[way].append(json.loads(done.stdout.splitlines()[-1]))
    base, filled = runs["one by one, fp32"], runs["padded to 512, fp32"]
    count = SIZES[size][-1]
    result: dict[str, Any] = {
        "snippets": count,
        "mean_units": round(base[0]["units"], 1),
    }
    for way, rounds in runs.items():
        result[way] = {
            f"{name}_{unit}": round(what / min(one[unit] for one in rounds), 2)
            for unit in ("seconds", "cpu_seconds")
            for name, what in (
                ("snippets_per", count),
                ("one_by_one_over", min(one[unit] for one in base)),
                ("padded_over", min(one[unit] for one in filled)),
            )
        }
        pairs = zip(rounds[0]["scores"], base[0]["scores"], strict=True)
        result[way]["moved"] = max(abs(a - b) for a, b in pairs)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        return measure(given)
    sizes: dict[str, Any] = {}
    for size in SIZES:
        sizes[size] = compared(size, given)
        for way in WAYS:
            print(f"{size:38} {way:20} {sizes[size][way]}", flush=True)
    if given.output:
        write_json(
            given.output,
            {"threads": given.threads, "budget": given.budget, "sizes": sizes},
        )
    return None


if __name__ == "__main__":
    main()
