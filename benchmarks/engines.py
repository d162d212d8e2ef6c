"""Both training engines side by side, packed, on the same rows: tokens per second, the
share of what the processor's matrix multiplication reaches, and peak memory.

    python benchmarks/engines.py [--threads 1] [--width 128]

A random model (by default of the toy's size), 120 rows of 60 to 600 tokens, one epoch;
the first round of each warms up and is not told. Every round is a process of its own,
so that its peak memory is its own, and the engines alternate, so that both meet the
same machine. The limit is `torch.mm` on matrices of the model's width, measured in the
same process; a token's work is 4 operations a weight that it passes through (forward,
and back to the activations: the base's weights are frozen), the adapter's not counted.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from afs_stages.core.params.model import BaseModelBlock, Train
from afs_stages.training import attention, builtin_engine, tiny, trl_engine
from afs_stages.training.base_model import Base
from afs_stages.training.batches import plan_for
from afs_stages.training.curve import Curve
from afs_stages.training.encode import IGNORE, Encoded
from afs_stages.training.prepared import PreparedTraining
from afs_stages.training.train import TrainingRun

VOCABULARY = 2048
SETTINGS = Train(
    epochs=1,
    batch_size=2,
    gradient_accumulation_steps=1,
    max_length=1024,
    learning_rate=1e-3,
    save_steps=10_000,
)


def rows() -> list[Encoded]:
    """Random tokens; the second half of each row carries loss."""
    rng = random.Random(1)
    found = []
    for number in range(120):
        size = rng.randrange(60, 600)
        ids = [rng.randrange(5, VOCABULARY) for _ in range(size)]
        half = size // 2
        found.append(Encoded(ids, [IGNORE] * half + ids[half:], str(number)))
    return found


def measure(name: str, width: int) -> dict[str, float]:
    """One training: tokens per second of wall time and of CPU time, share of the matrix
    limit, peak memory in MB, last loss.
    """
    engine = {"builtin": builtin_engine, "trl": trl_engine}[name]
    items = rows()
    torch.manual_seed(1)
    model = tiny.build_model(BaseModelBlock(hidden_size=width), VOCABULARY, 1)
    weights = sum(weight.numel() for weight in model.parameters())
    attention.install(model)
    lora = LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora)
    adapted.train()
    limit = matrix_limit(width)
    with tempfile.TemporaryDirectory() as folder:
        rows_file, output = Path(folder) / "rows.jsonl", Path(folder) / "adapter"
        base = Base("", "", None, "")
        job = TrainingRun(base, SETTINGS, 1, rows_file, None, output)
        training = PreparedTraining(
            job=job,
            model=adapted,
            tokenizer=tiny.build_tokenizer(["a b c"], 300, 1024),
            packed=True,
            items=items,
            val=[],
            plan=plan_for(items, SETTINGS, 1),
            mark="bench",
            curve=Curve(None),
        )
        begun, worked = time.perf_counter(), time.process_time()
        state = engine.run(training)
        seconds = time.perf_counter() - begun
        cpu_seconds = time.process_time() - worked
    return {
        "tokens_per_second": state.tokens / seconds,
        "tokens_per_cpu_second": state.tokens / cpu_seconds,
        "share_of_limit": 4 * weights * state.tokens / seconds / limit,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "last_loss": state.curve[-1]["loss"],
    }


def matrix_limit(width: int) -> float:
    """Operations per second of a matrix multiplication of the model's width."""
    left, right = torch.rand(2048, width), torch.rand(width, 4 * width)
    best = 0.0
    for _ in range(20):
        begun = time.perf_counter()
        torch.mm(left, right)
        best = max(best, 2 * 2048 * 4 * width**2 / (time.perf_counter() - begun))
    return best


def in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """`measure` in a process of its own."""
    words = [f"--threads={options.threads}", f"--width={options.width}"]
    done = subprocess.run(
        [sys.executable, __file__, f"--only={name}", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Alternate the engines and print a row for each round of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--width", type=int, default=128, help="of the model's layers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["builtin", "trl"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        torch.set_num_threads(options.threads)
        print(json.dumps(measure(options.only, options.width)))
        return
    print("| engine | tokens/s | per CPU second | of the limit | MB | last loss |")
    print("|---|---:|---:|---:|---:|---:|")
    for turn in range(options.rounds + 1):
        for name in ("builtin", "trl"):
            found = in_a_process(name, options)
            if turn:
                print(
                    f"| {name} | {found['tokens_per_second']:,.0f} "
                    f"| {found['tokens_per_cpu_second']:,.0f} "
                    f"| {found['share_of_limit']:.0%} | {found['peak_mb']:,.0f} "
                    f"| {found['last_loss']} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
