"""What the scorer is told: profile, weights, which signals run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, Self

from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params.data import Quality
from afs_stages.scoring.answer import AnswerLength

WEIGHT_OF = {
    "discriminator": "electra",
    "assembler": "asar",
    "static": "static",
    "names": "entity",
    "answer": "length",
}
"""The documented name of each signal's weight."""
VETOES = (
    "code",
    "empty",
    "unfinished",
    "repetitive",
    "residue",
    "language",
    "refusal",
    "tools",
)
"""Faults that set a row aside whatever else is right."""


@dataclass(frozen=True)
class ScoringWeights:
    """By what each signal's evidence is multiplied, relative to the others: only the
    ratios count, since the mean of the weights is brought to 1.
    """

    electra: float = 0.2
    asar: float = 0.2
    static: float = 0.2
    entity: float = 0.2
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
        known = list(WEIGHT_OF.values())
        for name in sorted(set(data) - set(known)):
            raise UserError(f"no signal '{name}' ({nearest(name, known)})")
        return cls(**data)

    def factor(self, signal: str) -> float:
        """By what the evidence of a signal is multiplied."""
        weights = self.to_dict()
        return weights[WEIGHT_OF[signal]] * len(weights) / sum(weights.values())

    def normalize(self) -> ScoringWeights:
        """The same weights with sum 1."""
        total = sum(asdict(self).values())
        return ScoringWeights(
            **{name: value / total for name, value in asdict(self).items()}
        )


@dataclass(frozen=True)
class Profile:
    """Weights and the length expected, for one kind of sample."""

    weights: ScoringWeights = field(default_factory=ScoringWeights)
    length: AnswerLength = field(default_factory=AnswerLength)


PROFILES: dict[str, Profile] = {
    "generic": Profile(),
    "dialogue": Profile(ScoringWeights(entity=0.25, length=0.25), AnswerLength(60)),
    "fact": Profile(ScoringWeights(entity=0.25), AnswerLength(60)),
    "asm": Profile(ScoringWeights(electra=0.25, asar=0.25), AnswerLength(140)),
}
"""As documented: `dialogue` favours names and answer, `asm` the judges of code."""


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
    vetoes: tuple[str, ...] = VETOES
    workers: int = 1
    """Processes that score a file; 0: one for each processor."""

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
            vetoes=tuple(name for name in VETOES if name in params.vetoes),
            workers=params.workers,
        )

    def profile_of(self, domain: str) -> Profile:
        """The profile of a domain."""
        return self.domains.get(domain, self.profile)

    def key(self) -> str:
        """What identifies the scores this configuration gives; workers change none."""
        apart = {
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
