"""What the scorer is told: profile, weights, which signals run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, Self

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.data import Quality
from afs_stages.scoring.information import InformationRange

SIGNALS = ("electra", "asar", "static", "entity", "length")


@dataclass(frozen=True)
class ScoringWeights:
    """Weights of the signals; shared out again over those that apply to a sample."""

    electra: float = 0.3
    asar: float = 0.3
    static: float = 0.25
    entity: float = 0.15
    length: float = 0.2

    def __post_init__(self) -> None:
        bad = [f"{name} {value}" for name, value in asdict(self).items() if value < 0]
        if bad or not sum(asdict(self).values()):
            raise UserError(
                "weights must be at least 0 and not all 0, "
                f"got {', '.join(bad) or 'only zeros'}"
            )

    def to_dict(self) -> dict[str, float]:
        """Weight by signal."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, float]) -> Self:
        """Weights by signal name; those left out keep their default."""
        unknown = set(data) - set(SIGNALS)
        if unknown:
            raise UserError(
                f"no signal '{sorted(unknown)[0]}' "
                f"({nearest(sorted(unknown)[0], list(SIGNALS))})"
            )
        return cls(**data)

    def normalize(self) -> ScoringWeights:
        """The same weights with sum 1."""
        total = sum(asdict(self).values())
        return ScoringWeights(
            **{name: value / total for name, value in asdict(self).items()}
        )


@dataclass(frozen=True)
class Profile:
    """Weights and the amount of information expected, for one kind of sample."""

    weights: ScoringWeights = field(default_factory=ScoringWeights)
    shape: InformationRange = field(default_factory=InformationRange)


PROFILES: dict[str, Profile] = {
    "generic": Profile(),
    "dialogue": Profile(
        ScoringWeights(0.2, 0.25, 0.15, 0.15, 0.35), InformationRange(20, 60, 6000)
    ),
    "fact": Profile(
        ScoringWeights(0.3, 0.3, 0.25, 0.3, 0.2), InformationRange(20, 60, 6000)
    ),
    "asm": Profile(
        ScoringWeights(0.3, 0.3, 0.3, 0.1, 0.2), InformationRange(40, 140, 6000)
    ),
}

TABLE_WEIGHT = 0.8
"""The table check sees less than an assembler:
its weight is this share of the assembler's.
"""


@dataclass(frozen=True)
class ScoringConfig:
    """Everything a score depends on beside the sample and the model."""

    profile: Profile = PROFILES["generic"]
    domains: Mapping[str, Profile] = field(default_factory=dict)
    electra_model_path: Path | None = None
    use_electra: bool = True
    assembler: Literal["table", "asar", "off"] = "table"
    asar: str = ""
    asar_timeout: float = 2.0
    batch_tokens: int = 1024
    dtype: Literal["fp32", "bf16"] = "fp32"
    workers: int = 1

    @classmethod
    def from_profile(cls, name: str) -> Self:
        """The configuration of a profile: `generic`, `dialogue` or `asm`,
        for every domain.
        """
        return cls(profile=_profile(name))

    @classmethod
    def from_params(cls, params: Quality, model: Path | None) -> Self:
        """The configuration params.yaml describes;
        `model` is the discriminator's folder.
        """

        def profile(name: str) -> Profile:
            weights = params.weights.get(name)  # type: ignore[call-overload]
            chosen = _profile(name)
            if not weights:
                return chosen
            return replace(chosen, weights=ScoringWeights(**weights.model_dump()))

        domains = {domain: profile(name) for domain, name in params.profiles.items()}
        return cls(
            profile=profile(params.profile),
            domains=domains,
            electra_model_path=model,
            use_electra=params.electra,
            assembler=params.assembler,
            asar=params.asar,
            batch_tokens=params.batch_tokens,
            dtype=params.dtype,
            workers=params.workers,
        )

    def profile_of(self, domain: str) -> Profile:
        """The profile of a domain."""
        return self.domains.get(domain, self.profile)

    def key(self) -> str:
        """What identifies the scores this configuration gives;
        batch size and workers change none.
        """
        apart = {
            "batch_tokens",
            "workers",
            "electra_model_path",
            "asar",
            "asar_timeout",
        }
        return repr(
            [
                (item.name, getattr(self, item.name))
                for item in fields(self)
                if item.name not in apart
            ]
        )


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise UserError(f"no score profile '{name}' ({nearest(name, list(PROFILES))})")
    return PROFILES[name]
