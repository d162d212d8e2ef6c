"""The rehearsal buffer: rows of older versions that a new version is trained on again.

Policies behind one signature choose them: `top_quality`, `random` (stratified by domain) and
`quality_diversity` (greedy quality plus facility location). Names and defaults of the configuration are
the documented ones. Memory: the buffer's rows are held, at most a version's worth.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from afs_stages.core import jsonl
from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.params import Block
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import policies
from afs_stages.dataset.keys import Rows
from afs_stages.dataset.policies import Samples, allot, choose_samples

MANY = 10**12
"""More rows than any ratio below 1 asks for."""
Policy = Literal["top_quality", "random", "quality_diversity"]


class RehearsalBufferConfig(Block):
    """What may enter a buffer and how it is chosen."""

    quality_threshold: float = Field(default=0.5, ge=0, le=1, description="rows below it never enter")
    top_ratio: float = Field(default=0.3, gt=0, le=1, description="best share of the whole version")
    enable_diversity: bool = Field(default=True, description="choose within domains, not over all of them")
    max_per_domain: int | None = Field(default=None, ge=1)
    track_provenance: bool = Field(default=True, description="mark each row with its version")
    compress: bool = Field(default=False, description="save as .zst where the name does not say otherwise")
    policy: Policy = "top_quality"
    diversity_weight: float = Field(default=0.5, ge=0, le=1)
    seed: int = 42


class RehearsalBuffer:
    """Rows of older versions, and the choice among them."""

    def __init__(self, config: RehearsalBufferConfig | None = None) -> None:
        self.config = config or RehearsalBufferConfig()
        self.samples: list[TrainingSample] = []
        self.loaded: Counter[str] = Counter()
        """Rows read per version, before any floor."""
        self.dropped: Counter[str] = Counter()

    def load_from_jsonl(self, path: Path, version: str = "", on_bad: jsonl.OnBad = jsonl.refuse) -> int:
        """Add the rows of a version's file that reach the quality threshold; returns how many.

        Raises `UserError` where no row of the file has a quality score: nothing could be chosen by it.
        """
        before, scored = len(self.samples), 0
        for sample in jsonl.read_samples(Path(path).expanduser(), on_bad):
            self.loaded[version] += 1
            scored += sample.quality_score is not None
            if reason := too_poor(sample.quality_score, self.config.quality_threshold):
                self.dropped[reason] += 1
                continue
            if self.config.track_provenance and version:
                sample.metadata.setdefault("origin_version", version)
            self.samples.append(sample)
        if not scored:
            refuse_unscored(self.loaded[version], self.config.quality_threshold, path)
        return len(self.samples) - before

    def select_top_samples(self, ratio: float | None = None) -> list[TrainingSample]:
        """Keep the best `ratio` of the whole version (not of what the threshold left), by the policy."""
        ratio = self.config.top_ratio if ratio is None else ratio
        total = sum(self.loaded.values()) or len(self.samples)
        return self.keep(round(ratio * total))

    def keep(self, count: int) -> list[TrainingSample]:
        """Keep `count` rows (fewer where there are not so many), chosen by the policy."""
        config = self.config
        found = Samples.of(self.samples)
        limited = self._at(policies.within_limit(found, np.arange(len(self.samples)), config.max_per_domain))
        self.dropped["over_max_per_domain"] += len(self.samples) - len(limited)
        if config.enable_diversity or config.policy != "top_quality":
            chosen = choose_samples(limited, config.policy, count, config.seed, config.diversity_weight)
        else:
            chosen = best_samples(limited)[:count]
        self.dropped["not_selected"] += len(limited) - len(chosen)
        self.samples = chosen
        return chosen

    def diversity_sample(self, target: int) -> list[TrainingSample]:
        """Keep `target` rows spread evenly over the domains; what a small one leaves goes to the others."""
        return self._spread(target, [sample.domain for sample in self.samples])

    def version_balance(self, target: int) -> list[TrainingSample]:
        """Keep `target` rows spread evenly over the versions; what a small one leaves goes to the others."""
        return self._spread(target, [str(sample.metadata.get("origin_version", "")) for sample in self.samples])

    def merge_with_new_data(
        self, new: Sequence[TrainingSample], rehearsal_ratio: float = 0.3, shuffle: bool = True, seed: int = 42
    ) -> list[TrainingSample]:
        """New rows and as many of the buffer's best that they are `rehearsal_ratio` of the result.

        Rows that are in the new data already are not added again. With ratio 1 the buffer alone.
        """
        known = {sample.sample_id for sample in new}
        free = best_samples([sample for sample in self.samples if sample.sample_id not in known])
        wanted = rehearsal_count(len(new), rehearsal_ratio, len(free))
        asked = rehearsal_count(len(new), rehearsal_ratio, MANY) if rehearsal_ratio < 1 else wanted
        if wanted < asked:
            warn(f"the ratio {rehearsal_ratio} asks for {asked} rehearsed rows, the buffer has {wanted}")
        merged = [*(() if rehearsal_ratio >= 1 else new), *free[:wanted]]
        if shuffle:
            random.Random(seed).shuffle(merged)
        return merged

    def save(self, path: Path) -> Path:
        """Write the buffer; returns the path, with `.zst` added where `compress` asks for it."""
        path = Path(path).expanduser()
        if self.config.compress and path.suffix not in (".gz", ".zst"):
            path = path.with_name(path.name + ".zst")
        with jsonl.open_write(path) as writer:
            for sample in self.samples:
                writer.write(sample)
        return path

    def stats(self) -> dict[str, Any]:
        """Rows loaded and kept, by version and domain, and the scores' range."""
        scores = [sample.quality_score for sample in self.samples if sample.quality_score is not None]
        versions = Counter(str(sample.metadata.get("origin_version", "")) for sample in self.samples)
        return {
            "loaded": dict(sorted(self.loaded.items())),
            "kept": len(self.samples),
            "versions": dict(sorted(versions.items())),
            "domains": dict(sorted(Counter(sample.domain for sample in self.samples).items())),
            "quality": {"min": min(scores), "mean": sum(scores) / len(scores), "max": max(scores)} if scores else None,
        }

    def remove(self, ids: Iterable[str], reason: str) -> None:
        """Take rows out, counted under a reason."""
        gone = set(ids)
        kept = [sample for sample in self.samples if sample.sample_id not in gone]
        self.dropped[reason] += len(self.samples) - len(kept)
        self.samples = kept

    def _at(self, rows: Rows) -> list[TrainingSample]:
        return [self.samples[i] for i in rows.tolist()]

    def _spread(self, target: int, keys: list[str]) -> list[TrainingSample]:
        groups: dict[str, list[TrainingSample]] = {key: [] for key in sorted(set(keys))}
        for i in policies.best_first(Samples.of(self.samples), np.arange(len(keys))).tolist():
            groups[keys[i]].append(self.samples[i])
        quota = allot(target, {key: len(rows) for key, rows in groups.items()}, dict.fromkeys(groups, 1.0))
        self.samples = [sample for key, rows in groups.items() for sample in rows[: quota[key]]]
        return self.samples


def best_samples(samples: Sequence[TrainingSample]) -> list[TrainingSample]:
    """The samples by score, the best first, then by the keys of their ids."""
    order = policies.best_first(Samples.of(samples), np.arange(len(samples)))
    return [samples[i] for i in order.tolist()]


def rehearsal_count(new: int, ratio: float, available: int) -> int:
    """How many old rows make `ratio` of the final set: n_r = r/(1-r) * n_new, at most what there is."""
    if not 0 <= ratio <= 1:
        raise UserError(f"the rehearsal ratio must be in [0, 1], got {ratio}")
    return available if ratio >= 1 else min(round(ratio / (1 - ratio) * new), available)


def too_poor(score: float | None, threshold: float) -> str:
    """Why a row of this score may not enter; empty where it may."""
    if score is None:
        return "unscored" if threshold > 0 else ""
    return "below_quality_threshold" if score < threshold else ""


def refuse_unscored(rows: int, threshold: float, path: Path) -> None:
    """Raise `UserError` for a file none of whose rows has a score, unless none is asked for."""
    if rows and threshold > 0:
        raise UserError(
            f"none of the {rows} rows has a quality score",
            where=str(path),
            fix="score them first (`afs scoring score`), or set the quality threshold to 0",
        )
