"""A training script of your own: named by a model's `train.script`,
it runs instead of `afs train`.

It is called as `SCRIPT --data DIR --output DIR --epochs N` and knows nothing of this
package. Here it is transformers' Trainer with peft; unsloth, MLX or anything else fits
the same options. `BASE` is what it trains on.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

BASE = os.environ.get("BASE", "models/base")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with train.jsonl and, mostly, val.jsonl",
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="empty folder to leave the result in"
    )
    parser.add_argument("--epochs", type=float, default=3)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForCausalLM.from_pretrained(BASE)
    model = get_peft_model(
        model,
        LoraConfig(
            r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    settings = TrainingArguments(
        output_dir=str(options.output / "checkpoint"),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=4,
        learning_rate=2e-4,
        save_strategy="no",
        report_to=[],
        seed=42,
    )
    rows = [
        encoded(tokenizer, line)
        for line in (options.data / "train.jsonl").read_text().splitlines()
    ]
    trainer = Trainer(
        model, settings, DataCollatorForSeq2Seq(tokenizer), train_dataset=rows
    )
    trainer.train()
    model.save_pretrained(options.output)
    tokenizer.save_pretrained(options.output)
    # What stands here is kept in training.json, beside base, data hash and parameters.
    own = {"steps": trainer.state.global_step, "framework": "transformers"}
    (options.output / "training.json").write_text(json.dumps(own))


def encoded(tokenizer: Any, line: str) -> dict[str, list[int]]:
    """One row of messages; the loss falls on its last message."""
    row = json.loads(line)
    text = tokenizer.apply_chat_template(
        row["messages"], tools=row.get("tools"), tokenize=False
    )
    prompt = tokenizer.apply_chat_template(
        row["messages"][:-1], tools=row.get("tools"), tokenize=False
    )
    ids = tokenizer(text, add_special_tokens=False, truncation=True)["input_ids"]
    masked = min(
        len(tokenizer(prompt, add_special_tokens=False)["input_ids"]), len(ids)
    )
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [-100] * masked + ids[masked:],
    }


if __name__ == "__main__":
    main()
