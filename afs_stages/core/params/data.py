"""Blocks of params.yaml for the data set: sources, quality, splits, rehearsal,
mixes, formats.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, model_validator

from afs_stages.core.params.block import Block
from afs_stages.core.params.mistake import Misfit, Mistake, written

Profile = Literal["generic", "dialogue", "fact", "asm"]


class Source(Block):
    """One source of samples.
    Keys beyond these are options of its type and checked by it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    root: str = Field(
        description="folder or file that the source reads; "
        "a DVC dependency of its export"
    )
    type: str = Field(
        default="",
        description="which exporter reads it; the block's own name when left out",
    )
    domain: str = Field(
        default="",
        description="domain of its samples; the exporter's own when left out",
    )
    licence: str = Field(
        default="unstated",
        description="terms the source's content stands under, for the data card",
    )

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the exporter."""
        return dict(self.model_extra or {})


class Export(Block):
    """What all exporters share."""

    redact: bool = Field(
        default=True, description="replace secrets and personal names in every text"
    )
    context_tokens: int = Field(
        default=512,
        ge=0,
        description="budget of earlier turns kept before a follow-up turn",
    )
    max_tool_output_chars: int = Field(
        default=20_000,
        ge=0,
        description="longer tool results are cut, and say so; `fit` cuts them to what "
        "a model takes",
    )


class Discriminator(Block):
    """The discriminator trained on the user's assembly."""

    kind: Literal["electra", "ngram", "both"] = Field(
        default="ngram",
        description="what judges code: statements by their clues, a network, "
        "or the mean of both",
    )
    source: str = Field(
        default="oracle",
        description="source whose assembly is real; its rows train the model",
    )
    base: str = Field(
        default="",
        description="pre-trained ELECTRA to start from: hub id@revision or folder; "
        "empty: fresh",
    )
    hidden_size: int = Field(default=64, ge=8)
    layers: int = Field(default=2, ge=1)
    folds: int = Field(default=2, ge=2, description="cross-fitting folds by file")
    pretrain_epochs: int = Field(default=2, ge=0)
    epochs: int = Field(default=4, ge=1)
    batch_size: int = Field(default=16, ge=1, description="windows of code a step")
    learning_rate: float = Field(default=1e-3, gt=0)


Veto = Literal[
    "code",
    "empty",
    "unfinished",
    "repetitive",
    "residue",
    "language",
    "refusal",
    "tools",
]


class QualityWeights(Block):
    """By what each signal's evidence is multiplied; only the ratios count."""

    electra: float = Field(default=0.2, ge=0, description="the discriminator")
    asar: float = Field(
        default=0.2, ge=0, description="the assembler, or the table check in its place"
    )
    static: float = Field(
        default=0.2,
        ge=0,
        description="widths, stack, returns: what no assembler checks",
    )
    entity: float = Field(default=0.2, ge=0, description="known names and addresses")
    length: float = Field(
        default=0.2, ge=0, description="what the answer says to its question"
    )

    @model_validator(mode="after")
    def _leave_a_signal(self) -> QualityWeights:
        if not any(self.model_dump().values()):
            fix = "give one signal at least a weight above 0, or leave the block out"
            raise Misfit(Mistake((), "every signal has weight 0, got only zeros", fix))
        return self


class Quality(Block):
    """How samples are scored and which survive."""

    min_score: float = Field(
        default=0.5, ge=0, le=1, description="rows below it go to data/rejected"
    )
    profile: Profile = Field(
        default="generic",
        description="weights for a domain that `profiles` does not name",
    )
    profiles: dict[str, Profile] = Field(
        default_factory=dict, description="domain -> profile"
    )
    weights: dict[Profile, QualityWeights] = Field(
        default_factory=dict, description="overrides a profile's weights"
    )
    electra: bool = Field(default=True, description="use the discriminator")
    assembler: Literal["table", "asar", "off"] = Field(
        default="table", description="what checks assembly"
    )
    asar: str = Field(
        default="",
        description="path of libasar or of the asar program; empty: ASAR, then PATH",
    )
    vetoes: list[Veto] = Field(
        default_factory=lambda: list(get_args(Veto)),
        description="certain faults that set a row aside whatever else is right; "
        "leave one out to turn it off",
    )
    workers: int = Field(
        default=0, ge=0, description="processes; 0: one for each processor"
    )


class NearDuplicates(Block):
    """MinHash LSH over word shingles; candidates are verified pair by pair."""

    threshold: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Jaccard similarity that makes two rows near-duplicates",
    )
    shingle: int = Field(default=5, ge=1, description="words per shingle")
    permutations: int = Field(default=128, ge=16)
    max_cluster: int = Field(
        default=200, ge=2, description="larger clusters are not grown further"
    )
    keep_per_cluster: int = Field(
        default=3, ge=1, description="best-scored rows of a cluster that stay"
    )


class Split(Block):
    """Train, val and test by hash of the cluster; test is what is left."""

    train: float = Field(default=0.8, gt=0, lt=1)
    val: float = Field(default=0.1, ge=0, lt=1)
    stratify_by: Literal["domain", "source"] = "domain"
    tolerance: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="how far a domain's shares may lie from the ratios",
    )
    near_duplicates: NearDuplicates = NearDuplicates()

    @model_validator(mode="after")
    def _leaves_a_test_set(self) -> Split:
        if self.train + self.val >= 1:
            key = written(self, "val", "train")
            room = {"val": (1 - self.train) / 2, "train": (1 - self.val) * 0.9}[key]
            what = f"train + val must stay below 1, got {self.train} + {self.val}"
            fix = f"test is what they leave: write `{key}: {room:.3g}`, say"
            raise Misfit(Mistake((key,), what, fix))
        return self


class Fit(Block):
    """Token limits, by the model's own tokenizer."""

    max_tokens: int = Field(
        default=1024,
        ge=16,
        description="prompt and answer together; tool output is cut to fit, longest "
        "first",
    )
    over_long: Literal["drop", "truncate"] = Field(
        default="drop",
        description="what becomes of rows that are over-long even so; truncate cuts "
        "the answer of single turns",
    )


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Check(Block):
    """The gate before training."""

    allowed_secrets: list[Sha256] = Field(
        default=[],
        description="SHA-256 of each value that looks like a vendor's key and is none; "
        "`check` prints the line to add",
    )


Policy = Literal["random", "each_fact", "top_quality", "quality_diversity"]
"""How rows to be rehearsed are chosen."""


class Selection(Block):
    """Which rows of older versions may be trained on again."""

    policy: Policy = "random"
    quality_threshold: float = Field(default=0.5, ge=0, le=1)
    top_ratio: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="best share of the whole version that may be chosen",
    )
    max_per_domain: int | None = Field(default=None, ge=1)
    diversity_weight: float = Field(
        default=0.5, ge=0, le=1, description="quality_diversity: 0 is quality alone"
    )


class Rehearsal(Selection):
    """Which rows of older versions are trained on again, and how many."""

    ratio: float = Field(
        default=0.0, ge=0, le=1, description="share of the final training set"
    )


class Rebalance(Block):
    """How the mix is drawn from the groups."""

    within: Literal["quality", "quality_diversity", "random"] = Field(
        default="quality",
        description="which rows of a group are drawn; the scores of unlike domains "
        "do not compare",
    )
    max_total: int | None = Field(default=None, ge=1)
    max_per_domain: int | None = Field(default=None, ge=1)
    oversample: int = Field(
        default=1,
        ge=1,
        description="times a row may stand in the set; 1: never repeated",
    )
    temperature: float | None = Field(
        default=None, gt=0, description="p ~ n^(1/t) instead of the weights"
    )
    tolerance: float = Field(
        default=0.02, ge=0, le=1, description="how far a share may lie from its weight"
    )
    order: Literal["shuffled", "curriculum"] = "shuffled"


class Convert(Block):
    """Output formats of the training sets."""

    formats: list[str] = Field(default=["messages", "alpaca", "sharegpt"])
    cot_mode: Literal["separate", "embedded", "drop"] = "separate"
    system_prompt: str = ""
    system_prompts: dict[str, str] = Field(
        default_factory=dict, description="domain -> system prompt"
    )
