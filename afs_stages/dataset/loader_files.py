"""Files for other training programs, beside the converted rows: LLaMA-Factory's
`dataset_info.json` and the `datasets:` block of an axolotl configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afs_stages.core.atomic import write_text
from afs_stages.core.jsonl import write_json

LLAMA_FACTORY = "dataset_info.json"
AXOLOTL = "axolotl.yaml"
_ROLES = {
    "alpaca": {},
    "sharegpt": {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
        "observation_tag": "observation",
        "function_tag": "function_call",
    },
    "messages": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "observation_tag": "tool",
        "function_tag": "function",
        "system_tag": "system",
    },
}
"""How each format names its roles. LLaMA-Factory writes a call's arguments as JSON
itself, so OpenAI's format, where they are text, is not among them."""
_READER = {"alpaca": "alpaca", "sharegpt": "sharegpt", "messages": "openai"}
"""LLaMA-Factory's name of the reader of each format."""
_COLUMNS = {
    "alpaca": {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    },
    "sharegpt": {
        "messages": "conversations",
        "system": "system",
        "tools": "tools",
    },
    "messages": {"messages": "messages", "tools": "tools"},
}
"""LLaMA-Factory's name of a column -> ours."""
_AXOLOTL = {
    "messages": {
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
    },
    "sharegpt": {
        "field_messages": "conversations",
        "message_property_mappings": {"role": "from", "content": "value"},
    },
}


def write_loader_files(
    folder: Path, model: str, columns: dict[tuple[str, str], set[str]]
) -> None:
    """Write both files into the folder of a model's converted rows.

    `columns` holds, by format and part, the columns that the rows of a file have: a
    reader fails on one that is named and not there.
    """
    info: dict[str, Any] = {}
    for (format, part), found in sorted(columns.items()):
        if format in _READER and found:
            info[f"{model}_{part}_{format}"] = _dataset(format, part, found)
    write_json(folder / LLAMA_FACTORY, info)
    write_text(folder / AXOLOTL, axolotl(folder, {name for name, _ in columns}))


def _dataset(format: str, part: str, found: set[str]) -> dict[str, Any]:
    named = {key: ours for key, ours in _COLUMNS[format].items() if ours in found}
    entry = {
        "file_name": f"{format}/{part}.jsonl",
        "formatting": _READER[format],
        "columns": named,
    }
    return {**entry, "tags": _ROLES[format]} if _ROLES[format] else entry


def axolotl(folder: Path, formats: set[str]) -> str:
    """The `datasets:` block for the first format of `_AXOLOTL` that is there; the
    answers that rows mark as context carry no loss.
    """
    import yaml

    chosen = next((name for name in _AXOLOTL if name in formats), None)
    if chosen is None:
        return "# axolotl reads `messages` or `sharegpt`: add one to convert.formats\n"
    shared = {
        "type": "chat_template",
        **_AXOLOTL[chosen],
        "message_field_training": "train",
        "roles_to_train": ["assistant" if chosen == "messages" else "gpt"],
    }
    files = {
        key: [{"path": (folder / chosen / f"{part}.jsonl").as_posix(), **shared}]
        for key, part in (("datasets", "train"), ("test_datasets", "val"))
    }
    head = "# For an axolotl configuration; chat_template is the base model's own.\n"
    body = yaml.safe_dump({"chat_template": "tokenizer_default", **files})
    return f"{head}{body}"
