"""The keys of params.yaml that DVC's stages name: it refuses to run a stage whose key
is missing, default or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from afs_stages.core.errors import UserError


def require_tracked(params: Path, pipeline: Path = Path("dvc.yaml")) -> None:
    """Raise `UserError` for the keys that a pipeline's stages name and a
    parameter file lacks.
    """
    if not pipeline.is_file():
        return
    data = yaml.safe_load(params.read_text(encoding="utf-8"))
    missing = sorted(
        set(_named(yaml.safe_load(pipeline.read_text(encoding="utf-8")), data))
        - _keys(data)
    )
    if missing:
        them = "them" if len(missing) > 1 else "it"
        raise UserError(
            f"{', '.join(missing)}: not there, and DVC compares {them} from run to run",
            where=str(params),
            fix="write what you want, or nothing for the defaults: "
            f"`{missing[0].rpartition('.')[2]}: {{}}`",
        )


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
