"""Chat templates of real models, as TRL carries them."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any


def with_template(tokenizer: Any, name: str) -> Any:
    """A copy of the tokenizer that renders as the named model's does."""
    spec = importlib.util.find_spec("trl")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "chat_templates"
    other = copy.deepcopy(tokenizer)
    other.chat_template = (folder / f"{name}.jinja").read_text(encoding="utf-8")
    return other
