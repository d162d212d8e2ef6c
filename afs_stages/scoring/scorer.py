"""One score for a sample: the probability that it is good, given the evidence of each
signal; what did not apply is null, with its reason.

    overall = logistic(prior + sum of weight x evidence), or 0 under a veto

First each row is read by itself (`read_batch`, what a cache keeps), then it is judged
beside the set it stands in (`judge`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.asm import opcode_table as table
from afs_stages.asm.opcode_table import AssemblyResult
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring import static
from afs_stages.scoring.answer import read_answer
from afs_stages.scoring.blocks import assembly_in, sample_assembly, without_code
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.context import Context
from afs_stages.scoring.dialogue import broken, grounded
from afs_stages.scoring.entities import coverage
from afs_stages.scoring.evidence import SIGNALS, chance, evidence
from afs_stages.scoring.peers import Peers

PRIOR = 3.0
"""Log-odds that a row is good of which nothing is known (95 %): reviewers found
92 to 97 % of the exporter's rows good (docs/quality/codebase-review.md).
"""
SURE = 1e-4
"""Probabilities are kept this far from 0 and 1."""
LABEL_MISSING = 0.5
"""Between code that assembles (0.95 and more) and code that does not (0)."""
CODE_SIGNALS = ("discriminator", "assembler", "static")


class RowReading(msgspec.Struct):
    """What a row shows by itself: measures (`evidence.MEASURES`), components in [0, 1],
    why one is null, faults that may be vetoes, and what the assembler said;
    `accident` where its worker was lost, which another run may not meet.
    """

    measures: dict[str, float | None] = {}
    components: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    faults: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    accident: bool = False
    names_used: int = 0
    names_known: int = 0

    def skip(self, signal: str, reason: str) -> None:
        """Say why a signal is null."""
        self.components[signal] = None
        self.reasons[signal] = reason


class QualityScore(msgspec.Struct, frozen=True):
    """A score in [0, 1] and what it is made of; None is a signal that did not apply or
    could not run. `evidence` is in log-odds, `judges` says what was behind
    `discriminator` and `assembler`.
    """

    overall: float
    components: dict[str, float | None]
    evidence: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    vetoes: tuple[str, ...] = ()
    asar_errors: tuple[str, ...] = ()
    entity_count: int = 0
    known_entity_count: int = 0
    judges: dict[str, str] = {}

    @property
    def electra_score(self) -> float | None:
        """Documented name of `discriminator`: the probability that the assembly is
        genuine. An ELECTRA's only where `judges["discriminator"]` says so.
        """
        return self.components["discriminator"]

    @property
    def asar_valid(self) -> bool | None:
        """Documented name: whether the assembly assembles, stubs included. By asar only
        where `judges["assembler"]` says so.
        """
        score = self.components["assembler"]
        return None if score is None else score > 0

    @property
    def entity_coverage(self) -> float | None:
        """Documented name of `names`: known names and addresses over those used."""
        return self.components["names"]

    @property
    def length_score(self) -> float | None:
        """Documented name of `answer`: what the answer says to its question."""
        return self.components["answer"]

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON."""
        return msgspec.structs.asdict(self)


class QualityScorer:
    """Scores samples, one by one or in batches. Models are loaded when the first
    assembly is met; `peers` is the set that rows stand in, where there is one.
    """

    def __init__(
        self,
        config: ScoringConfig | None = None,
        context: Context | None = None,
        peers: Peers | None = None,
    ) -> None:
        """Read the discriminator's names and calls (not its models); raise `UserError`
        if it is absent.
        """
        self.config = config or ScoringConfig()
        self.peers = peers
        self._models: Any = None
        self._asar: Any = None
        self.manifest = self._read_manifest()
        self.context = context or Context.from_manifest(self.manifest)
        kind = str(self.manifest.get("kind", ""))
        self.judges = {"discriminator": kind, "assembler": self.config.assembler}

    def _read_manifest(self) -> dict[str, Any]:
        folder = self.config.electra_model_path
        if folder is None:
            return {}
        from afs_stages.scoring.discriminator.fold_models import read_manifest

        return read_manifest(Path(folder))

    @property
    def fingerprint(self) -> str:
        """Identifies configuration, model, context and asar; equal fingerprints give
        equal readings.
        """
        config = self.config
        parts = [config.key(), self.manifest.get("fingerprint", ""), self.context.key()]
        if config.assembler == "asar":
            from afs_stages.scoring.asar.find import find

            program = find(config.asar).read_bytes()
            parts.append(hashlib.blake2b(program, digest_size=16).hexdigest())
        return "|".join(parts)

    def score(self, sample: TrainingSample) -> QualityScore:
        """The score of one sample."""
        return self.score_batch([sample])[0]

    def score_batch(self, samples: Sequence[TrainingSample]) -> list[QualityScore]:
        """The scores of samples, in order; a score does not depend on the others in
        the batch, only on `peers`.
        """
        return self.judge(samples, self.read_batch(samples))

    def read_batch(self, samples: Sequence[TrainingSample]) -> list[RowReading]:
        """What each sample shows by itself."""
        readings = [self._read(sample) for sample in samples]
        codes = [sample_assembly(sample) for sample in samples]
        coded = [i for i, blocks in enumerate(codes) if blocks]
        for i in set(range(len(samples))).difference(coded):
            for signal in CODE_SIGNALS:
                readings[i].skip(signal, "no_assembly")
        for i in coded:
            self._read_static(readings[i], codes[i])
        self._read_assembly(samples, coded, codes, readings)
        self._read_discriminator(samples, coded, codes, readings)
        for sample, blocks, reading in zip(samples, codes, readings, strict=True):
            self._read_names(sample, blocks, reading)
        return readings

    def _read(self, sample: TrainingSample) -> RowReading:
        profile = self.config.profile_of(sample.domain)
        question = f"{sample.instruction}\n{sample.input}"
        answer = read_answer(question, sample.output, profile.length)
        faults = list(answer.faults)
        if broken(sample):
            faults.append("tools")
        measures = {**answer.measures, "grounded": grounded(sample)}
        return RowReading(measures, faults=tuple(faults))

    def _read_static(self, reading: RowReading, codes: Sequence[str]) -> None:
        """A sample's code is as good as its worst block."""
        worst = min(
            static.static_score(
                static.findings(code, self.context.calls), code.count("\n") + 1
            )
            for code in codes
        )
        reading.components["static"] = round(worst, 6)
        reading.measures["findings"] = log(max(worst, SURE))

    def _read_names(
        self, sample: TrainingSample, codes: Sequence[str], reading: RowReading
    ) -> None:
        known = self.context.known
        prose = without_code(sample.output)
        share, used, hits = coverage(prose, codes, known)
        reading.names_used, reading.names_known = used, hits
        if share is None:
            reading.skip("names", "no_names")
        elif known.empty:
            reading.skip("names", "no_symbols_known")
        else:
            reading.components["names"] = round(share, 6)
            reading.measures["known"] = share
            reading.measures["unknown"] = -log(1 + used - hits)

    def _read_assembly(
        self,
        samples: Sequence[TrainingSample],
        coded: Sequence[int],
        codes: Sequence[Sequence[str]],
        readings: Sequence[RowReading],
    ) -> None:
        if self.config.assembler == "off":
            for i in coded:
                readings[i].skip("assembler", "off")
            return
        results = iter(self._assemble([code for i in coded for code in codes[i]]))
        for i in coded:
            mine = {code: next(results) for code in codes[i]}
            reading = readings[i]
            untried = [one for one in mine.values() if one.state == "untried"]
            if untried:
                reading.skip("assembler", "not_tried")
                reading.errors = untried[0].errors
                reading.accident = True
                continue
            reading.accident = any(one.state == "lost" for one in mine.values())
            worst = min(mine.values(), key=lambda result: result.score)
            reading.components["assembler"] = worst.score
            reading.measures["assembles"] = min(map(_assembles, mine.values()))
            reading.errors = worst.errors
            # what a person typed may be wrong, and be asked about for that
            sample = samples[i]
            learnt = [*assembly_in(sample.output), *assembly_in(sample.input)]
            if any(_refused(mine[code]) for code in learnt if code in mine):
                reading.faults += ("code",)

    def _assemble(self, codes: Sequence[str]) -> list[AssemblyResult]:
        names = self.context.known.names
        if self.config.assembler == "table":
            return [table.assemble(code, names) for code in codes]
        if self._asar is None:
            from afs_stages.scoring.asar.assembler import AsarAssembler

            self._asar = AsarAssembler(self.config.asar, self.config.asar_timeout)
        return list(self._asar.assemble(codes, names))

    def _read_discriminator(
        self,
        samples: Sequence[TrainingSample],
        coded: Sequence[int],
        codes: Sequence[Sequence[str]],
        readings: Sequence[RowReading],
    ) -> None:
        reason = self._no_discriminator()
        if reason or not coded:
            for i in coded:
                readings[i].skip("discriminator", reason)
            return
        blocks = [code for i in coded for code in codes[i]]
        files = [self._file(samples[i]) for i in coded for _ in codes[i]]
        chances = iter(self._loaded().score(blocks, files))
        for i in coded:
            # a network's last bits depend on the batch:
            # four places are what it can promise
            worst = round(min(next(chances) for _ in codes[i]), 4)
            sure = min(max(worst, SURE), 1 - SURE)
            readings[i].components["discriminator"] = worst
            readings[i].measures["chance"] = log(sure / (1 - sure))

    def _no_discriminator(self) -> str:
        if not self.config.use_electra:
            return "off"
        if not self.manifest:
            return "no_model"
        return "" if self.manifest.get("calibrations") else "model_untrained"

    def _loaded(self) -> Any:
        if self._models is None:
            from afs_stages.scoring.discriminator.fold_models import load

            self._models = load(Path(str(self.config.electra_model_path)))
        return self._models

    def _file(self, sample: TrainingSample) -> str:
        """The file a sample is from, as the discriminator knows files: of its own
        source only.
        """
        if sample.source and sample.source != self.manifest.get("source"):
            return ""
        return str(sample.provenance.get("file") or sample.group)

    def judge(
        self, samples: Sequence[TrainingSample], readings: Sequence[RowReading]
    ) -> list[QualityScore]:
        """The scores of samples that were read."""
        beside: Sequence[dict[str, float | None]] = [{}] * len(samples)
        if self.peers and samples:
            beside = self.peers.look(samples)
        return [
            self._judge(sample, reading, measures)
            for sample, reading, measures in zip(samples, readings, beside, strict=True)
        ]

    def _judge(
        self,
        sample: TrainingSample,
        reading: RowReading,
        beside: dict[str, float | None],
    ) -> QualityScore:
        measures = {**reading.measures, **beside}
        found = {signal: evidence(signal, measures) for signal in SIGNALS}
        weights = self.config.profile_of(sample.domain).weights
        odds = PRIOR
        for signal, value in found.items():
            odds += weights.factor(signal) * (value or 0.0)
        vetoes = tuple(one for one in reading.faults if one in self.config.vetoes)
        answer = found["answer"]
        told = None if answer is None else round(chance(answer), 6)
        components = {**dict.fromkeys(SIGNALS), **reading.components, "answer": told}
        overall = 0.0 if vetoes else round(chance(odds), 6)
        rounded = {name: _rounded(value) for name, value in found.items()}
        return QualityScore(
            overall=overall,
            components=components,
            evidence=rounded,
            reasons=reading.reasons,
            vetoes=vetoes,
            asar_errors=reading.errors,
            entity_count=reading.names_used,
            known_entity_count=reading.names_known,
            judges=self.judges,
        )

    def close(self) -> None:
        """End the assembler's workers."""
        if self._asar is not None:
            self._asar.close()


def _refused(result: AssemblyResult) -> bool:
    """Whether the assembler surely refuses code; a lost worker refused nothing."""
    return result.state == "error" and _assembles(result) == 0


def _assembles(result: AssemblyResult) -> float:
    """How well code assembles. Where all that is missing is a label, a part of a
    routine may have been quoted: that is no sure fault.
    """
    if result.errors and all("wasn't found" in error for error in result.errors):
        return LABEL_MISSING
    return result.score


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
