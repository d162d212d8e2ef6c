"""The whole of params.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from afs_stages.core.params.backup import Backup
from afs_stages.core.params.block import Block
from afs_stages.core.params.data import (
    Convert,
    Discriminator,
    Export,
    Fit,
    Quality,
    Source,
    Split,
)
from afs_stages.core.params.model import BaseModelBlock, Evaluate, Model, Train


class Params(Block):
    """Every weight, ratio, threshold and seed of the pipeline."""

    seed: int = Field(default=42, description="the seed behind every random choice")
    sources: dict[str, Source] = Field(min_length=1)
    export: Export = Export()
    discriminator: Discriminator = Discriminator()
    quality: Quality = Quality()
    split: Split = Split()
    fit: Fit = Fit()
    convert: Convert = Convert()
    base_model: BaseModelBlock = BaseModelBlock()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    backup: Backup = Backup()
    models: dict[str, Model] = Field(min_length=1)

    @field_validator("models")
    @classmethod
    def _names_are_free(cls, value: dict[str, Model], info: ValidationInfo) -> dict[str, Model]:
        taken = {"electra", "base", "registry"} & set(value)
        if taken:
            raise ValueError(f"a model cannot be called {sorted(taken)[0]}: models/{sorted(taken)[0]} is taken")
        return value

    @model_validator(mode="after")
    def _models_refer_to_sources(self) -> Params:
        for name, model in self.models.items():
            self.train_for(name)
            if model.rehearsal.ratio > 0 and "rehearsal" in model.weights:
                raise ValueError(
                    f"models.{name}: set rehearsal.ratio or a weight for rehearsal, not both "
                    f"(ratio {model.rehearsal.ratio}, weight {model.weights['rehearsal']})"
                )
        return self

    def train_for(self, model: str) -> Train:
        """The training parameters of a model: the `train` block with the model's own keys over it."""
        merged: dict[str, Any] = {**self.train.model_dump(), **self.models[model].train}
        return Train.model_validate(merged)
