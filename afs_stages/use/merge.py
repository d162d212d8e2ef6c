"""A version merged into its base: a folder that any program loads as one model.

The weights are the base's with the adapter's product added, in the base's own type or
another. The folder says what it was made from, so that it is made once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core import layout
from afs_stages.core.atomic import atomic_folder, write_text
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.training.base_model import load_model, load_tokenizer
from afs_stages.use.chosen import Chosen

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RECORD = "merged.json"
"""File of a merged folder: what it was made from."""
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Names of weight types, and what torch calls them."""
BASES_OWN = "base"
"""Names the type the base's weights are stored in."""
CARD = """\
---
library_name: transformers
tags: [merged]
---

# {name}

`{base}` with the adapter of {model} {version} merged in, made by `afs model merge`.
`AutoModelForCausalLM.from_pretrained` loads it from any folder; the tokenizer with its
chat template lies beside it.

|  |  |
|---|---|
| Base model | hash `{base_hash:.12}` |
| Adapter | hash `{adapter_hash:.12}` |
| Weights | {dtype} |
"""


def merge(
    chosen: Chosen, dtype: str = BASES_OWN, folder: Path | None = None
) -> tuple[Path, bool]:
    """(folder of the merged model, whether it was made now).

    `dtype` is one of `DTYPES`, or `BASES_OWN`. A folder that was made from the same
    adapter and base in the same type is kept as it is.
    """
    folder = folder or layout.merged_model(chosen.name)
    asked = {
        "model": chosen.model,
        "version": chosen.version,
        "adapter_hash": chosen.adapter_hash,
        "base_hash": chosen.base.hash,
        "dtype": dtype,
    }
    if _made_from(folder) == asked:
        return folder, False
    model = merged(chosen, dtype)
    with atomic_folder(folder) as part:
        model.save_pretrained(part)
        load_tokenizer(chosen.base).save_pretrained(part)
        facts = {"name": chosen.name, "base": chosen.base.name, **asked}
        facts["dtype"] = str(model.dtype).removeprefix("torch.")
        write_text(part / "README.md", CARD.format(**facts))
        write_json(part / RECORD, asked)
    keep_out_of_git(folder)
    return folder, True


def merged(chosen: Chosen, dtype: str = BASES_OWN) -> PreTrainedModel:
    """The model with the adapter in its weights, on the CPU."""
    from peft import PeftModel

    name = "auto" if dtype == BASES_OWN else DTYPES[dtype]
    # peft multiplies in float32 whatever the type, and rounds once into it.
    model = PeftModel.from_pretrained(
        load_model(chosen.base, dtype=name), str(chosen.adapter)
    )
    return model.merge_and_unload(safe_merge=True)


def keep_out_of_git(made: Path) -> None:
    """Let Git ignore `use/`, where what can be made again lies; a folder elsewhere is
    its owner's business.
    """
    root = layout.USE
    if made.is_relative_to(root) and not (root / ".gitignore").is_file():
        write_text(root / ".gitignore", "*\n")


def _made_from(folder: Path) -> dict[str, Any] | None:
    path = folder / RECORD
    return read_json(path) if path.is_file() else None
