"""The model card of an adapter, written from what its training recorded."""

from __future__ import annotations

from typing import Any


def model_card(facts: dict[str, Any]) -> str:
    """Markdown for README.md of an adapter folder; `facts` is the content of its training.json."""
    train, base, data = facts["train"], facts["base"], facts["data"]
    losses = facts["loss"]
    rows = [
        ("Base model", f"`{base['name']}` (hash `{base['hash'][:12]}`)"),
        ("Starts from", f"adapter `{facts['start']['hash'][:12]}`" if facts["start"] else "the base model"),
        ("LoRA", f"r {train['r']}, alpha {train['alpha']}, dropout {train['dropout']}, {train['target_modules']}"),
        ("Train rows", f"{data['train']['rows']:,} (hash `{data['train']['hash'][:12]}`)"),
        ("Val rows", f"{data['val']['rows']:,}"),
        ("Steps, tokens", f"{facts['steps']:,} steps, {facts['tokens_seen']:,} tokens"),
        ("Learning rate", f"{train['learning_rate']}, {train['schedule']}, warm-up {train['warmup_ratio']}"),
        ("Train loss", f"{losses['first']:.3f} → {losses['last']:.3f} nats per token"),
        ("Val loss", "not measured" if losses["val"] is None else f"{losses['val']:.3f} nats per token"),
    ]
    title = " ".join(part for part in (facts["model"], facts["version"]) if part) or "LoRA adapter"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"---\nlibrary_name: peft\nbase_model: {base['name']}\ntags: [lora]\n---\n\n# {title}\n\n"
        f"A LoRA adapter trained by AFS Stages. Load it with `peft.PeftModel.from_pretrained(base, folder)`;\n"
        f"the tokenizer with its chat template lies beside it, everything measured in `training.json`.\n\n"
        f"|  |  |\n|---|---|\n{table}\n"
    )
