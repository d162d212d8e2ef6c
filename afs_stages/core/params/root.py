"""The whole of params.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationError, model_validator

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.backup import Backup
from afs_stages.core.params.block import Block
from afs_stages.core.params.data import (
    Check,
    Convert,
    Discriminator,
    Export,
    Fit,
    Quality,
    Source,
    Split,
)
from afs_stages.core.params.mistake import Misfit, Mistake
from afs_stages.core.params.model import BaseModelBlock, Evaluate, Model, Train
from afs_stages.core.params.remote import Remote
from afs_stages.core.params.validation import mistakes_of

TAKEN = {"electra", "base", "registry"}
"""Folders of models/ that are no model's."""


class Params(Block):
    """Every weight, ratio, threshold and seed of the pipeline."""

    seed: int = Field(default=42, description="the seed behind every random choice")
    sources: dict[str, Source] = Field(min_length=1)
    export: Export = Export()
    discriminator: Discriminator = Discriminator()
    quality: Quality = Quality()
    split: Split = Split()
    fit: Fit = Fit()
    check: Check = Check()
    convert: Convert = Convert()
    base_model: BaseModelBlock = BaseModelBlock()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    backup: Backup = Backup()
    remote: Remote = Remote()
    models: dict[str, Model] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Params:
        found = [
            mistake.below("models", name)
            for name, model in self.models.items()
            for mistake in self._mistakes_of(name, model)
        ]
        if found:
            raise Misfit(*found)
        return self

    def _mistakes_of(self, name: str, model: Model) -> Iterator[Mistake]:
        if name in TAKEN:
            what = f"a model cannot be called {name}: models/{name} is taken"
            yield Mistake((), what, "give the model another name, such as expert")
        try:
            self.train_for(name)
        except ValidationError as error:
            for mistake in mistakes_of(error, Train):
                yield mistake.below("train")
        ratio, weight = model.rehearsal.ratio, model.weights.get("rehearsal")
        if ratio > 0 and weight is not None:
            yield Mistake(
                ("weights", "rehearsal"),
                "set rehearsal.ratio or a weight for rehearsal, not both, got weight "
                f"{weight} and ratio {ratio}",
                f"remove `rehearsal: {weight}` here, or set rehearsal.ratio: 0",
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

    def weights_without_source(self, model: str) -> list[str]:
        """The names a model weighs that are no source, so that they count for
        nothing.
        """
        return [
            name
            for name in self.model(model).weights
            if name not in self.sources and name != "rehearsal"
        ]

    def train_for(self, model: str) -> Train:
        """The training parameters of a model: the `train` block with the model's
        own keys over it.
        """
        merged: dict[str, Any] = {**self.train.model_dump(), **self.model(model).train}
        return Train.model_validate(merged)
