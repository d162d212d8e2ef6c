"""Reading params.yaml: YAML to typed values, with errors that name line, key and the
nearest known key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from afs_stages.core.layout import PARAMS
from afs_stages.core.params.root import Params
from afs_stages.core.params.validation import mistakes_of
from afs_stages.core.params.yaml_file import YamlFile, read_text, read_yaml


def load(path: Path = PARAMS) -> Params:
    """The parameters in a file.

    Raises `UserError` naming `params.yaml:line: key` when the file is missing, is not
    YAML, has an unknown key, or a value of the wrong type or range.
    """
    return validate(read(path))


def parse(text: str, name: str = "params.yaml") -> Params:
    """The parameters in a YAML text; `name` stands in errors."""
    return validate(read_yaml(text, name))


def read(path: Path = PARAMS) -> YamlFile:
    """A parameter file before its values are checked. Raises `UserError` where it is
    missing or not YAML.
    """
    return read_yaml(read_text(path), str(path))


def validate(file: YamlFile) -> Params:
    """The parameters in a file that is read; a `UserError` tells all its mistakes."""
    try:
        return Params.model_validate(file.data)
    except ValidationError as error:
        raise file.refusal(mistakes_of(error, Params)) from None


def read_tree(path: Path) -> dict[str, Any]:
    """What a parameter file says, unchecked: for a look before it is complete."""
    return read(path).data


def place(path: Path, key: str) -> str:
    """`params.yaml:12`: where a key with dots, or the part of it that is there, stands
    in a file.
    """
    return read(path).where(key.split("."))
