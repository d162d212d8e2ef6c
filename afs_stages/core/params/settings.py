"""What params.yaml says of one model, or the defaults where a stage runs
without the file.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.core.params.data import Convert
from afs_stages.core.params.load import load
from afs_stages.core.params.model import Evaluate, Train
from afs_stages.core.params.root import Params


class Settings:
    """The blocks by which one model is trained and measured.

    Each is looked up when it is asked for, so that a stage reads no block that DVC does
    not compare for it.
    """

    def __init__(self, params: Params | None = None, model: str = "") -> None:
        self._params = params
        self._model = model

    @property
    def version(self) -> str:
        """The version being built; empty where no model is named."""
        if self._params is None or not self._model:
            return ""
        return self._params.model(self._model).version

    @property
    def seed(self) -> int:
        """The seed behind every random choice."""
        return 42 if self._params is None else self._params.seed

    @property
    def train(self) -> Train:
        """The model's training parameters."""
        if self._params is None:
            return Train()
        if not self._model:
            return self._params.train
        return self._params.train_for(self._model)

    @property
    def evaluate(self) -> Evaluate:
        """What an adapter is measured by."""
        return Evaluate() if self._params is None else self._params.evaluate

    @property
    def convert(self) -> Convert:
        """How rows are rendered."""
        return Convert() if self._params is None else self._params.convert


def settings_for(model: str, path: Path) -> Settings:
    """The settings of a model or, where none is named, those every model begins with.

    Raises `UserError` where a model is named and the file is missing or
    has no such model.
    """
    if not model and not path.is_file():
        return Settings()
    params = load(path)
    if model:
        params.require_model(model)
    return Settings(params, model)
