"""The keys of params.yaml that DVC's stages name: it refuses to run a stage whose key
is missing, default or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from afs_stages.core.params.mistake import Mistake
from afs_stages.core.params.root import Params


def untracked(data: dict[str, Any], pipeline: Path = Path("dvc.yaml")) -> list[Mistake]:
    """The keys that a pipeline's stages name and the values of a parameter file
    lack.
    """
    if not pipeline.is_file():
        return []
    named = set(_named(yaml.safe_load(pipeline.read_text(encoding="utf-8")), data))
    missing = sorted(named - _keys(data))
    return [_missing(key.split(".")) for key in missing]


def _missing(names: list[str]) -> Mistake:
    write = f"`{names[-1]}: {_default(names)}`"
    return Mistake(
        tuple(names),
        "not there, and DVC compares it from run to run",
        f"write what you want, or nothing for the defaults: {write}",
    )


def _default(names: list[str]) -> str:
    """What stands for a key's default: `{}` of a block, else the value itself."""
    kind: Any = Params
    default: Any = None
    for name in names:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
            continue
        field = kind.model_fields[name]
        kind, default = field.annotation, field.default
    is_block = get_origin(kind) is dict or hasattr(kind, "model_fields")
    return "{}" if is_block else json.dumps(default)


def _named(pipeline: dict[str, Any], data: dict[str, Any]) -> Iterator[str]:
    """Every key that a stage names, once for each item of its `foreach`."""
    for stage in pipeline["stages"].values():
        items = (
            data.get(str(stage.get("foreach", "")).strip("${}"), {})
            if "foreach" in stage
            else [""]
        )
        for key in stage.get("do", stage).get("params", ()):
            if isinstance(key, str):
                yield from (key.replace("${key}", str(item)) for item in items)


def _keys(data: dict[str, Any], prefix: str = "") -> set[str]:
    """Every key of a tree as a path with dots."""
    found = set()
    for key, value in data.items():
        found.add(f"{prefix}{key}")
        if isinstance(value, dict):
            found |= _keys(value, f"{prefix}{key}.")
    return found
