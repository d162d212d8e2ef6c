"""What params.yaml says of one model, or the defaults where a stage runs
without the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from afs_stages.core.params.data import Convert
from afs_stages.core.params.load import load
from afs_stages.core.params.model import Evaluate, Train


class Settings(NamedTuple):
    """The blocks by which one model is trained and measured; `version` is empty where
    no model is named.
    """

    version: str = ""
    seed: int = 42
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    convert: Convert = Convert()


def settings_for(model: str, path: Path) -> Settings:
    """The settings of a model or, where none is named, those every model begins with.

    Raises `UserError` where a model is named and the file is missing or
    has no such model.
    """
    if not model and not path.is_file():
        return Settings()
    params = load(path)
    if not model:
        return Settings("", params.seed, params.train, params.evaluate, params.convert)
    version = params.model(model).version
    return Settings(
        version, params.seed, params.train_for(model), params.evaluate, params.convert
    )
