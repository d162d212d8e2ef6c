"""How far an adapter is from its base, on text that the base wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afs_stages.core.params.model import Train
from afs_stages.training.encode import Encoded


def unseen_texts(base: Any, tokenizer: Any) -> list[Encoded]:
    """Texts of the base that no training in the tests sees."""
    from afs_stages.training import lora
    from afs_stages.training.anchor import write_texts

    model, _ = lora.load_for_training(base, Train(r=4), 1)
    return write_texts(model, tokenizer, 8, seed=99)


def drift(base: Any, adapter: Path, texts: Sequence[Encoded]) -> float:
    """Mean divergence of an adapter from its base, in nats a token."""
    from afs_stages.training import lora
    from afs_stages.training.anchor import divergence

    model, packed = lora.load_with_adapters(base, {"it": adapter})
    total = sum(divergence(model, text, packed).item() for text in texts)
    return total / sum(text.targets for text in texts)
