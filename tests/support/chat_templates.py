"""Chat templates of real models, as TRL carries them."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

from afs_stages.training.template import chatml_with_tools

SMOLLM2 = "smollm2"
"""What `afs base fetch smollm2` gives the model: TRL carries no template of its own."""


def carried() -> list[str]:
    """The names of all templates that TRL carries, without its rewritten ones."""
    names = sorted(path.stem for path in _folder().glob("*.jinja"))
    return [name for name in names if not name.endswith("_training")]


def with_template(tokenizer: Any, name: str) -> Any:
    """A copy of the tokenizer that renders as the named model's does."""
    other = copy.deepcopy(tokenizer)
    if name == SMOLLM2:
        other.chat_template = chatml_with_tools("You are a lamp's keeper.")
    else:
        other.chat_template = (_folder() / f"{name}.jinja").read_text(encoding="utf-8")
    return other


def _folder() -> Path:
    spec = importlib.util.find_spec("trl")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "chat_templates"
