"""Blocks of params.yaml for the models: base, training, evaluation, remote jobs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from afs_stages.core.known_bases import folder_of
from afs_stages.core.params.block import Block
from afs_stages.core.params.data import Rebalance, Rehearsal
from afs_stages.core.params.mistake import Misfit, Mistake


class BaseModelBlock(Block):
    """The model an adapter is trained on: a known name, a hub id@revision, a folder,
    or a tiny one made here.
    """

    id: str = Field(
        default="",
        description="smollm2 (fetched once), hub id@revision or a folder in "
        "models/bases; empty: pre-train the tiny model below",
    )
    hidden_size: int = Field(default=128, ge=16)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    vocab_size: int = Field(default=2048, ge=300)
    context: int = Field(default=1024, ge=64, description="positions of the tiny model")
    epochs: int = Field(default=2, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    batch_tokens: int = Field(default=4096, ge=64)

    @field_validator("id")
    @classmethod
    def _known_names_are_folders(cls, value: str) -> str:
        return folder_of(value)


class Anchor(Block):
    """General skills held while an adapter learns, by text that the base wrote itself:
    the model is held to its base there (by the built-in engine alone), or what the
    adapter reads is restricted to what that text does not have.
    """

    share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="of all trained tokens that are the base's own text; 0: none",
    )
    weight: float = Field(
        default=2.0,
        gt=0,
        description="of the divergence from the base (nats a token) beside the loss",
    )
    texts: int = Field(
        default=128, ge=1, description="that the base writes, of 80 tokens at most"
    )
    subspace: bool = Field(
        default=False,
        description="let the adapter read only directions in which the rows stand out "
        "from that text: LoRA's A is computed and stays",
    )


class Train(Block):
    """LoRA training. A model's own `train` block overrides single keys."""

    script: str = Field(
        default="",
        description="own training script (--data --output --epochs); empty: peft LoRA",
    )
    engine: Literal["auto", "trl", "builtin"] = Field(
        default="auto",
        description="what trains: TRL on a GPU and with several processes, the "
        "built-in loop on a CPU",
    )
    trackers: list[str] = Field(
        default_factory=list,
        description="TRL: where it reports to (trackio, wandb, tensorboard, …)",
    )
    init_from: Literal["base", "previous"] = Field(
        default="base", description="start from base or previous adapter"
    )
    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"
    epochs: float = Field(default=3, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=4, ge=1)
    gradient_accumulation_steps: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_ratio: float = Field(default=0.03, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_length: int = Field(default=1024, ge=16)
    packing: bool = True
    completion_only: bool = Field(
        default=True, description="loss on assistant turns alone"
    )
    gradient_checkpointing: bool = False
    load_in_4bit: bool = False
    dtype: Literal["fp32", "bf16"] = "fp32"
    early_stopping_patience: int | None = Field(
        default=None, ge=1, description="evaluations of val without gain"
    )
    processes: int = Field(
        default=1, ge=1, description="processes that train together, one a GPU"
    )
    anchor: Anchor = Field(default_factory=Anchor)
    save_steps: int = Field(default=50, ge=1, description="steps between checkpoints")
    memory_limit_mb: float | None = Field(
        default=None, gt=0, description="memory beyond the loaded model; null: all"
    )


class Recall(Block):
    """How knowledge of trained facts is measured, and when too much of it is lost."""

    questions: int = Field(
        default=48,
        ge=0,
        description="of every version's recall set, drawn by seed; 0: none is asked",
    )
    min_kept: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of what an earlier version knew that this one must still "
        "know; null: any",
    )


class General(Block):
    """General skills against the base, by the frozen items of evaluation/data, in eight
    skills.
    """

    per_skill: int = Field(
        default=32,
        ge=0,
        description="items of each skill, at most the 32 there are; 0: not measured",
    )
    max_regression: float | None = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of the items a version may lose against the base, of all or "
        "of a skill; it fails when the whole interval lies beyond; null: any",
    )


class Evaluate(Block):
    """What an adapter is measured by, and when it may not pass."""

    batch_tokens: int = Field(default=4096, ge=64)
    bootstrap: int = Field(
        default=1000, ge=0, description="resamples behind every interval"
    )
    generate: int = Field(
        default=24, ge=0, description="test rows per task answered by greedy generation"
    )
    max_new_tokens: int | None = Field(
        default=None,
        ge=1,
        description="tokens of an answer at most; test rows with longer answers are "
        "left out; null: as many as the longest answer drawn has",
    )
    max_regression: float | None = Field(
        default=None,
        ge=0,
        description="allowed rise of loss per domain over the last release",
    )
    must_beat_base: bool = True
    recall: Recall = Recall()
    general: General = General()


class Model(Block):
    """One expert model and the version being built."""

    version: str = Field(pattern=r"^v[0-9]+$")
    weights: dict[str, float] = Field(
        min_length=1,
        description="source -> weight in the new part of the mix",
    )
    wordings: int | None = Field(
        default=None,
        ge=1,
        description="wordings of one fact that enter the mix, in their order; null: "
        "all there are",
    )
    rehearsal: Rehearsal = Rehearsal()
    rebalance: Rebalance = Rebalance()
    train: dict[str, Any] = Field(
        default_factory=dict, description="keys of the `train` block that differ here"
    )

    @field_validator("weights")
    @classmethod
    def _weights_are_usable(cls, value: dict[str, float]) -> dict[str, float]:
        below = [
            Mistake((name,), f"must be at least 0, got {weight}", "write 0 or more")
            for name, weight in value.items()
            if weight < 0
        ]
        if below:
            raise Misfit(*below)
        if not any(value.values()):
            fix = f"give one of {', '.join(value)} a weight above 0"
            raise Misfit(Mistake((), "every weight is 0, got only zeros", fix))
        return value
