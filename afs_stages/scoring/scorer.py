"""One score for a sample from the signals that apply to it; what did not apply is null,
with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.asm import opcode_table as table
from afs_stages.asm.opcode_table import AssemblyResult
from afs_stages.asm.syntax import BLOCKS
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring import static
from afs_stages.scoring.blocks import sample_assembly, without_code
from afs_stages.scoring.config import (
    SIGNALS,
    TABLE_WEIGHT,
    Profile,
    ScoringConfig,
    ScoringWeights,
)
from afs_stages.scoring.context import Context
from afs_stages.scoring.entities import coverage
from afs_stages.scoring.information import InformationResult, read


class QualityScore(msgspec.Struct, frozen=True):
    """A score in [0, 1] and what it is made of;
    None is a signal that did not apply or could not run.
    """

    overall: float
    components: dict[str, float | None]
    reasons: dict[str, str] = {}
    asar_errors: tuple[str, ...] = ()
    entity_count: int = 0
    known_entity_count: int = 0
    faults: tuple[str, ...] = ()

    @property
    def electra_score(self) -> float | None:
        """Probability that the sample's assembly is genuine."""
        return self.components["electra"]

    @property
    def asar_valid(self) -> bool | None:
        """Whether the sample's assembly assembles, stubs included."""
        score = self.components["asar"]
        return None if score is None else score > 0

    @property
    def entity_coverage(self) -> float | None:
        """Known entities over those used."""
        return self.components["entity"]

    @property
    def length_score(self) -> float | None:
        """Information and form of the answer."""
        return self.components["length"]

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON."""
        return msgspec.structs.asdict(self)


@dataclass(slots=True)
class _Draft:
    """A sample on its way through the signals."""

    sample: TrainingSample
    profile: Profile
    codes: list[str]
    reading: InformationResult
    values: dict[str, float | None]
    reasons: dict[str, str]
    errors: tuple[str, ...] = ()
    entities: tuple[int, int] = (0, 0)

    def skip(self, signal: str, reason: str) -> None:
        self.reasons[signal] = reason


_NO_ASSEMBLY = dict.fromkeys(("electra", "asar", "static"), "no_assembly")
_REPETITIVE = dict.fromkeys(SIGNALS[:-1], "repetitive")


class QualityScorer:
    """Scores samples, one by one or in batches; models are loaded when the first
    assembly is met.
    """

    def __init__(
        self, config: ScoringConfig | None = None, context: Context | None = None
    ) -> None:
        """Read the discriminator's names and calls (not its models); raise `UserError`
        if it is absent.
        """
        self.config = config or ScoringConfig()
        self._bundle: Any = None
        self._assembler: Any = None
        self.manifest = self._read_manifest()
        self.context = context or Context.from_manifest(self.manifest)
        self._static_of = lru_cache(maxsize=BLOCKS)(
            partial(_static_of, calls=self.context.calls)
        )

    def _read_manifest(self) -> dict[str, Any]:
        folder = self.config.electra_model_path
        if folder is None:
            return {}
        from afs_stages.scoring.discriminator.fold_models import read_manifest

        return read_manifest(Path(folder))

    @property
    def fingerprint(self) -> str:
        """Identifies configuration, model, context and asar;
        equal fingerprints give equal scores.
        """
        config = self.config
        parts = [config.key(), self.manifest.get("fingerprint", ""), self.context.key()]
        if config.assembler == "asar":
            from afs_stages.scoring.asar.find import find

            parts.append(
                hashlib.blake2b(
                    find(config.asar).read_bytes(), digest_size=16
                ).hexdigest()
            )
        return "|".join(parts)

    def score(self, sample: TrainingSample) -> QualityScore:
        """The score of one sample."""
        return self.score_batch([sample])[0]

    def score_batch(self, samples: Sequence[TrainingSample]) -> list[QualityScore]:
        """The scores of samples, in order; a score does not depend on the
        others in the batch.
        """
        drafts = [self._draft(sample) for sample in samples]
        coded = [draft for draft in drafts if draft.codes]
        self._assemble(coded)
        self._discriminate(coded)
        return [self._finish(draft) for draft in drafts]

    def _draft(self, sample: TrainingSample) -> _Draft:
        profile = self.config.profile_of(sample.domain)
        reading = read(sample.instruction, sample.output, profile.shape, sample.input)
        values = {
            "electra": None,
            "asar": None,
            "static": None,
            "entity": None,
            "length": reading.score,
        }
        if reading.repetitive:
            return _Draft(sample, profile, [], reading, values, dict(_REPETITIVE))
        codes = sample_assembly(sample)
        draft = _Draft(
            sample, profile, codes, reading, values, {} if codes else dict(_NO_ASSEMBLY)
        )
        self._static(draft)
        self._entities(draft)
        return draft

    def _static(self, draft: _Draft) -> None:
        if draft.codes:
            draft.values["static"] = round(min(map(self._static_of, draft.codes)), 6)

    def _entities(self, draft: _Draft) -> None:
        known = self.context.known
        prose = without_code(draft.sample.output)
        share, used, hits = coverage(prose, draft.codes, known)
        draft.entities = used, hits
        if share is None:
            draft.skip("entity", "no_entities")
        elif known.empty:
            draft.skip("entity", "no_symbols_known")
        else:
            draft.values["entity"] = round(share, 6)

    def _assemble(self, drafts: Sequence[_Draft]) -> None:
        """A sample's assembly is as good as its worst block."""
        if self.config.assembler == "off":
            for draft in drafts:
                draft.skip("asar", "off")
            return
        codes = [code for draft in drafts for code in draft.codes]
        results = iter(self._results(codes))
        for draft in drafts:
            mine = [next(results) for _ in draft.codes]
            failed = next((result for result in mine if result.state == "lost"), None)
            if failed:
                draft.skip("asar", "worker_lost")
                draft.errors = failed.errors
                continue
            worst = min(mine, key=lambda result: result.score)
            draft.values["asar"], draft.errors = worst.score, worst.errors

    def _results(self, codes: Sequence[str]) -> list[AssemblyResult]:
        if self.config.assembler == "table":
            return [table.assemble(code, self.context.known.names) for code in codes]
        if self._assembler is None:
            from afs_stages.scoring.asar.pool import AsarPool

            self._assembler = AsarPool(
                self.config.asar, self.config.workers, self.config.asar_timeout
            )
        return list(self._assembler.assemble(codes, self.context.known.names))

    def _discriminate(self, drafts: Sequence[_Draft]) -> None:
        reason = self._no_discriminator()
        if reason or not drafts:
            for draft in drafts:
                draft.skip("electra", reason)
            return
        codes = [code for draft in drafts for code in draft.codes]
        chances = iter(
            self._loaded().score(
                codes, [_file(d.sample, self.manifest) for d in drafts for _ in d.codes]
            )
        )
        for draft in drafts:
            # a network's last bits depend on the batch:
            # four places are what it can promise
            draft.values["electra"] = round(min(next(chances) for _ in draft.codes), 4)

    def _no_discriminator(self) -> str:
        if not self.config.use_electra:
            return "off"
        if not self.manifest:
            return "no_model"
        return "" if self.manifest.get("calibrations") else "model_untrained"

    def _loaded(self) -> Any:
        if self._bundle is None:
            from afs_stages.scoring.discriminator.fold_models import load

            if self.config.electra_model_path is None:
                raise UserError(
                    "no discriminator folder given",
                    fix="set ScoringConfig.electra_model_path",
                )
            self._bundle = load(
                self.config.electra_model_path,
                self.config.batch_tokens,
                self.config.dtype,
            )
        return self._bundle

    def _finish(self, draft: _Draft) -> QualityScore:
        total = overall(draft.values, draft.profile.weights, self.config.assembler)
        used, known = draft.entities
        return QualityScore(
            total,
            draft.values,
            draft.reasons,
            draft.errors,
            used,
            known,
            draft.reading.faults,
        )

    def close(self) -> None:
        """End the assembler's workers."""
        if self._assembler is not None:
            self._assembler.close()


def overall(
    components: Mapping[str, float | None], weights: ScoringWeights, assembler: str
) -> float:
    """Weighted mean of the signals that are not null; 0 where none is."""
    total = weighted = 0.0
    for name, value in components.items():
        if value is not None:
            share = getattr(weights, name)
            if name == "asar" and assembler == "table":
                share *= TABLE_WEIGHT
            total += share
            weighted += share * value
    return round(weighted / total, 6) if total else 0.0


def _static_of(code: str, calls: Mapping[str, str]) -> float:
    return static.static_score(static.findings(code, calls), code.count("\n") + 1)


def _file(sample: TrainingSample, manifest: Mapping[str, Any]) -> str:
    """The file a sample is from, as the discriminator knows files:
    of its own source only.
    """
    own = not sample.source or sample.source == manifest.get("source")
    return str(sample.provenance.get("file") or sample.group) if own else ""
