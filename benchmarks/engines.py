"""Tokens per second of CPU time of both training engines, packed, on the same rows.

A random model of the toy's size, 120 rows of 60 to 600 tokens, one epoch; the first
round of each warms up and is not told. One thread: `OMP_NUM_THREADS=1 python
benchmarks/engines.py`.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from types import ModuleType

import torch
from peft import LoraConfig, get_peft_model

from afs_stages.core.params.model import BaseModelBlock, Train
from afs_stages.training import attention, builtin_engine, tiny, trl_engine
from afs_stages.training.curve import Curve
from afs_stages.training.encode import IGNORE, Encoded
from afs_stages.training.prepared import PreparedTraining
from afs_stages.training.train import plan_for

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


def measure(engine: ModuleType, items: list[Encoded]) -> tuple[float, float]:
    """(tokens per second of CPU time, last loss) of one training."""
    torch.manual_seed(1)
    model = tiny.build_model(BaseModelBlock(hidden_size=128), VOCABULARY, 1)
    attention.install(model)
    lora = LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora)
    adapted.train()
    with tempfile.TemporaryDirectory() as folder:
        training = PreparedTraining(
            name="bench",
            model=adapted,
            tokenizer=tiny.build_tokenizer(["a b c"], 300, 1024),
            packed=True,
            items=items,
            val=[],
            plan=plan_for(items, SETTINGS, 1),
            settings=SETTINGS,
            seed=1,
            checkpoints=Path(folder) / "checkpoints",
            mark="bench",
            resume=None,
            curve=Curve(None),
        )
        begun = time.process_time()
        state = engine.run(training)
        return state.tokens / (time.process_time() - begun), state.curve[-1]["loss"]


def main() -> None:
    """Alternate the engines, so that both meet the same machine."""
    items = rows()
    for turn in range(4):
        found = [measure(engine, items) for engine in (builtin_engine, trl_engine)]
        if turn:
            (own, own_loss), (theirs, their_loss) = found
            print(
                f"builtin {own:,.0f}, TRL {theirs:,.0f} tokens per CPU second: "
                f"{theirs / own:.2f}; last losses {own_loss} and {their_loss}"
            )


if __name__ == "__main__":
    main()
