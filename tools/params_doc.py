"""Write docs/params.md from the parameter models,
or with --check say whether it is up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

sys.path.insert(0, str(Path(__file__).parents[1]))

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from afs_stages.core.params import Params

PAGE = Path(__file__).parents[1] / "docs/params.md"
HEAD = """\
# params.yaml, key by key

Made from the models in `afs_stages/core/params/` by `python tools/params_doc.py`; \
a test keeps it true.
An unknown key, a wrong type or a value out of range stops the pipeline with its line \
and the nearest
known key.
"""


def blocks(model: type[BaseModel], path: str) -> list[tuple[str, type[BaseModel]]]:
    """(path, model) of a block and of every block inside it,
    in the order of the file.
    """
    found = [(path, model)]
    for name, field in model.model_fields.items():
        inner, repeated = _inner(field.annotation)
        if inner is not None:
            found += blocks(
                inner,
                ".".join(filter(None, [path, name, "<name>" if repeated else ""])),
            )
    return found


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is dict:
        return _inner(get_args(annotation)[1])[0], True
    return None, False


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, model in blocks(Params, ""):
        rows = [
            _row(name, field)
            for name, field in model.model_fields.items()
            if _inner(field.annotation)[0] is None
        ]
        if not rows:
            continue
        doc = " ".join((model.__doc__ or "").split())
        table = ["| key | type | default | meaning |", "|---|---|---|---|", *rows]
        parts.append(
            "\n".join([f"## {path or 'top level'}", "", doc, "", *table]) + "\n"
        )
    return "\n".join(parts)


def _row(name: str, field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    shown = "required" if default is PydanticUndefined else f"`{_yaml(default)}`"
    limits = ", ".join(_limit(part) for part in field.metadata)
    kind = _kind(field.annotation) + (f" ({limits})" if limits else "")
    return f"| `{name}` | {kind} | {shown} | {field.description or ''} |".replace(
        "  ", " "
    )


def _limit(part: Any) -> str:
    signs = {
        "ge": "≥",
        "gt": ">",
        "le": "≤",
        "lt": "<",
        "pattern": "matches",
        "min_length": "at least",
    }
    texts = [
        f"{sign} {getattr(part, key)}"
        for key, sign in signs.items()
        if getattr(part, key, None) is not None
    ]
    return ", ".join(texts)


def _kind(annotation: Any) -> str:
    text = (
        annotation.__name__
        if isinstance(annotation, type) and not get_args(annotation)
        else str(annotation)
    )
    for old, new in (
        ("typing.Literal", ""),
        ("typing.", ""),
        (" | None", " or null"),
        ("|", "or"),
    ):
        text = text.replace(old, new)
    return f"`{text}`"


def _yaml(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "{}"
    # By type: 1 and 0 equal True and False.
    return (
        json.dumps(value)
        if value is None or isinstance(value, bool) or value == ""
        else str(value)
    )


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(
            0
            if PAGE.read_text(encoding="utf-8") == page()
            else "docs/params.md is stale: python tools/params_doc.py"
        )
    PAGE.write_text(page(), encoding="utf-8")
