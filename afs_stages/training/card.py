"""The model card of an adapter, written from what its training recorded."""

from __future__ import annotations

from typing import Any

CARD = """\
---
library_name: peft
base_model: {base[name]}
tags: [lora]
---

# {title}

A LoRA adapter trained by AFS Stages. \
Load it with `peft.PeftModel.from_pretrained(base, folder)`;
the tokenizer with its chat template lies beside it, everything measured in \
`training.json`.
A base named by a folder is meant from the project; `afs model publish` copies the \
adapter with a base that loads from anywhere.

|  |  |
|---|---|
| Base model | `{base[name]}` (hash `{base[hash]:.12}`) |
| Starts from | {begun} |
| LoRA | r {train[r]}, alpha {train[alpha]}, dropout {train[dropout]}, \
{train[target_modules]} |
| Train rows | {data[train][rows]:,} (hash `{data[train][hash]:.12}`) |
| Val rows | {data[val][rows]:,} |
| Steps, tokens | {steps:,} steps, {tokens_seen:,} tokens |
| Learning rate | {train[learning_rate]}, {train[schedule]}, \
warm-up {train[warmup_ratio]} |
| Train loss | {loss[first]:.3f} → {loss[last]:.3f} nats per token |
| Val loss | {measured} |
"""


def model_card(facts: dict[str, Any]) -> str:
    """Markdown for README.md of an adapter folder;
    `facts` is the content of its training.json.
    """
    title = (
        " ".join(part for part in (facts["model"], facts["version"]) if part)
        or "LoRA adapter"
    )
    start, val = facts["start"], facts["loss"]["val"]
    begun = f"adapter `{start['hash'][:12]}`" if start else "the base model"
    measured = "not measured" if val is None else f"{val:.3f} nats per token"
    return CARD.format(**facts, title=title, begun=begun, measured=measured)
