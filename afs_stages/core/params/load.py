"""Reading params.yaml: YAML to typed values, with errors that name line, key and the
nearest known key.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.layout import PARAMS
from afs_stages.core.params.root import Params

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path = PARAMS) -> Params:
    """The parameters in a file.

    Raises `UserError` naming `params.yaml:line: key` when the file is missing, is not
    YAML, has an unknown key, or a value of the wrong type or range.
    """
    if not path.is_file():
        raise UserError(
            "no such file",
            where=str(path),
            fix="run from the repository root, where params.yaml lies",
        )
    return parse(path.read_text(encoding="utf-8"), str(path))


def parse(text: str, name: str = "params.yaml") -> Params:
    """The parameters in a YAML text; `name` stands in errors."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            f"not valid YAML: {error.problem}", where=f"{name}:{line}"
        ) from None
    if not isinstance(data, dict):
        raise UserError(
            "the file is empty or no mapping",
            where=name,
            fix="restore it: git checkout params.yaml",
        )
    if isinstance(tree, yaml.MappingNode):
        _refuse_repeated_keys(tree, name)
    try:
        return Params.model_validate(data)
    except ValidationError as error:
        raise _explain(error, tree, name) from None


def read_tree(path: Path) -> dict[str, Any]:
    """What a parameter file says, unchecked: for a look before it is complete."""
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    return data if isinstance(data, dict) else {}


def place(path: Path, key: str) -> str:
    """`params.yaml:12`: where a key with dots, or the part of it that is there, stands
    in a file.
    """
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    return f"{path}:{_line(tree, key.split('.'))}"


def _refuse_repeated_keys(node: yaml.MappingNode, name: str) -> None:
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in seen and key.value != "<<":
            raise UserError(
                f"key '{key.value}' stands twice, first in line {seen[key.value]}",
                where=f"{name}:{line}",
            )
        seen[key.value] = line
        if isinstance(value, yaml.MappingNode):
            _refuse_repeated_keys(value, name)


def _explain(error: ValidationError, tree: Any, name: str) -> UserError:
    """The first problem as a `UserError`; every further one is listed in a
    line of its own.
    """
    lines, first = [], ""
    for problem in error.errors(include_url=False):
        path = [part for part in problem["loc"] if part not in _TAGS]
        where = f"{name}:{_line(tree, path)}"
        key = ".".join(str(part) for part in path)
        if problem["type"] == "extra_forbidden":
            text = (
                f"unknown key '{key}' "
                f"({nearest(str(path[-1]), _known_keys(path[:-1]))})"
            )
        elif problem["type"] == "missing":
            text = f"missing key '{key}'"
        else:
            text = f"{key}: {problem['msg']}, got {problem['input']!r}"
        first = first or where
        lines.append(text if where == first else f"{where}: {text}")
    return UserError(
        "\n".join(lines),
        where=first,
        fix="edit the line; docs/params.md explains every key",
    )


_TAGS = {"function-after", "function-before"}


def _line(tree: Any, path: Sequence[Any]) -> int:
    """Line number (from 1) of the deepest part of `path` that is in the file."""
    line, node = 1, tree
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [
                (key, value) for key, value in node.value if key.value == str(part)
            ]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif (
            isinstance(node, yaml.SequenceNode)
            and isinstance(part, int)
            and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _known_keys(path: Sequence[Any]) -> list[str]:
    """The keys allowed at `path`, by walking the models' annotations."""
    model: Any = Params
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        elif get_origin(model) is dict:
            model = get_args(model)[1]
        else:
            return []
    return (
        list(model.model_fields)
        if isinstance(model, type) and issubclass(model, BaseModel)
        else []
    )
