"""The whole of params.yaml."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from afs_stages.core.errors import UserError, nearest
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
from afs_stages.core.params.remote import Remote


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
    remote: Remote = Remote()
    models: dict[str, Model] = Field(min_length=1)

    @field_validator("models")
    @classmethod
    def _names_are_free(
        cls, value: dict[str, Model], info: ValidationInfo
    ) -> dict[str, Model]:
        taken = {"electra", "base", "registry"} & set(value)
        if taken:
            raise ValueError(
                f"a model cannot be called {sorted(taken)[0]}: "
                f"models/{sorted(taken)[0]} is taken"
            )
        return value

    @model_validator(mode="after")
    def _models_refer_to_sources(self) -> Params:
        for name, model in self.models.items():
            self.train_for(name)
            self._refuse_misspelt_weights(name, model)
            if model.rehearsal.ratio > 0 and "rehearsal" in model.weights:
                raise ValueError(
                    f"models.{name}: set rehearsal.ratio or a weight for rehearsal, "
                    f"not both (ratio {model.rehearsal.ratio}, "
                    f"weight {model.weights['rehearsal']})"
                )
        return self

    def _refuse_misspelt_weights(self, name: str, model: Model) -> None:
        """A weight close to a source that has none is a typo; any other unknown one is
        of a removed source.
        """
        free = sorted(set(self.sources) - set(model.weights))
        for weight in model.weights:
            guess = (
                get_close_matches(weight, free, n=1)
                if weight not in self.sources
                else []
            )
            if guess:
                raise ValueError(
                    f"models.{name}.weights: no source '{weight}', "
                    f"did you mean '{guess[0]}'?"
                )
        if not set(model.weights) & set(self.sources):
            raise ValueError(
                f"models.{name}.weights: none of {sorted(model.weights)} is a source"
            )

    def model(self, name: str) -> Model:
        """A model's block. Raises `UserError` for a name that is none."""
        self.require_model(name)
        return self.models[name]

    def source(self, name: str) -> Source:
        """A source's block. Raises `UserError` for a name that is none."""
        self.require_source(name)
        return self.sources[name]

    def require_model(self, name: str) -> None:
        """Raise `UserError` for a name that is no model's."""
        if name not in self.models:
            raise UserError(
                f"no model '{name}' ({nearest(name, list(self.models))})",
                where="params.yaml: models",
            )

    def require_source(self, name: str) -> None:
        """Raise `UserError` for a name that is no source's."""
        if name not in self.sources:
            raise UserError(
                f"no source '{name}' ({nearest(name, list(self.sources))})",
                where="params.yaml: sources",
            )

    def sources_of(self, model: str) -> list[str]:
        """The sources a model learns from: those it weighs and that are there, in
        alphabetical order.
        """
        weights = self.model(model).weights
        return sorted(
            name
            for name, weight in weights.items()
            if weight > 0 and name in self.sources
        )

    def weights_without_source(self) -> list[str]:
        """`models.<model>.weights.<name>` of every weight whose source's block is gone;
        it counts for nothing.
        """
        return [
            f"models.{model}.weights.{name}"
            for model, block in self.models.items()
            for name in block.weights
            if name not in self.sources and name != "rehearsal"
        ]

    def train_for(self, model: str) -> Train:
        """The training parameters of a model: the `train` block with the model's
        own keys over it.
        """
        merged: dict[str, Any] = {**self.train.model_dump(), **self.model(model).train}
        return Train.model_validate(merged)
