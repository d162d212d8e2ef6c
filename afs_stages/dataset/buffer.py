"""`RehearsalBuffer`: the documented Python class, a thin face over `rehearsal_pool` and
`mix` for samples in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from afs_stages.core import jsonl
from afs_stages.core.console import warn
from afs_stages.core.params.data import Policy, Selection
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import mix, policies
from afs_stages.dataset.policies import Samples, allot
from afs_stages.dataset.rehearsal_pool import (
    RehearsalPool,
    buffer_facts,
    refuse_unscored,
)


class RehearsalBufferConfig(Selection):
    """What may enter a buffer and how it is chosen.

    Names and defaults are those the predecessor documents;
    the pipeline's own stand in `Selection`.
    """

    top_ratio: float = Field(
        default=0.3, gt=0, le=1, description="best share of the whole version"
    )
    policy: Policy = "top_quality"
    enable_diversity: bool = Field(
        default=True, description="choose within domains, not over all of them"
    )
    track_provenance: bool = Field(
        default=True, description="mark each row with its version"
    )
    compress: bool = Field(
        default=False, description="save as .zst where the name does not say otherwise"
    )
    seed: int = 42


class RehearsalBuffer:
    """Rows of older versions in memory, and the choice among them."""

    def __init__(self, config: RehearsalBufferConfig | None = None) -> None:
        self.config = config or RehearsalBufferConfig()
        self.samples: list[TrainingSample] = []
        self.loaded: Counter[str] = Counter()
        """Rows read per version, before any floor."""
        self.dropped: Counter[str] = Counter()

    def load_from_jsonl(
        self, path: Path, version: str = "", on_bad: jsonl.OnBad = jsonl.refuse
    ) -> int:
        """Add the rows of a version's file that reach the quality threshold;
        returns how many.

        Raises `UserError` where no row of the file has a quality score: nothing could
        be chosen by it.
        """
        read = Samples.of(list(jsonl.read_samples(Path(path).expanduser(), on_bad)))
        self.loaded[version] += len(read.samples)
        refuse_unscored(read.score, self.config.quality_threshold, path)
        pool = RehearsalPool(read, read.rows, self.dropped)
        pool.keep_good(self.config.quality_threshold)
        good = read.at(pool.rows)
        if self.config.track_provenance and version:
            for sample in good:
                sample.metadata.setdefault("origin_version", version)
        self.samples += good
        return len(good)

    def select_top_samples(self, ratio: float | None = None) -> list[TrainingSample]:
        """Keep the best `ratio` of the whole version (not of what the threshold left),
        by the policy.
        """
        ratio = self.config.top_ratio if ratio is None else ratio
        total = sum(self.loaded.values()) or len(self.samples)
        return self.keep(round(ratio * total))

    def keep(self, count: int) -> list[TrainingSample]:
        """Keep `count` rows (fewer where there are not so many),
        chosen by the policy.
        """
        config, found = self.config, Samples.of(self.samples)
        pool = RehearsalPool(found, found.rows, self.dropped)
        pool.limit(config.max_per_domain)
        pool.choose(count, config, config.seed, spread=config.enable_diversity)
        self.samples = found.at(pool.rows)
        return self.samples

    def diversity_sample(self, target: int) -> list[TrainingSample]:
        """Keep `target` rows spread evenly over the domains; what a small one leaves
        goes to the others.
        """
        return self._spread(target, [sample.domain for sample in self.samples])

    def version_balance(self, target: int) -> list[TrainingSample]:
        """Keep `target` rows spread evenly over the versions; what a small one leaves
        goes to the others.
        """
        return self._spread(target, [_version(sample) for sample in self.samples])

    def merge_with_new_data(
        self,
        new: Sequence[TrainingSample],
        rehearsal_ratio: float = 0.3,
        shuffle: bool = True,
        seed: int = 42,
    ) -> list[TrainingSample]:
        """New rows and as many of the buffer's best that they are
        `rehearsal_ratio` of the result.

        Rows that are in the new data already are not added again.
        With ratio 1 the buffer alone.
        """
        known = {sample.sample_id for sample in new}
        free = [sample for sample in self.samples if sample.sample_id not in known]
        found = Samples.of([*new, *free])
        groups = {
            mix.NEW: found.rows[: len(new)],
            mix.REHEARSAL: found.rows[len(new) :],
        }
        result = mix.mix_by_ratio(found, groups, rehearsal_ratio)
        if result.short:
            warn(mix.describe_short_buffer(result))
        rows = mix.shuffled_rows(found, result, seed) if shuffle else result.rows
        return found.at(rows)

    def save(self, path: Path) -> Path:
        """Write the buffer; returns the path, with `.zst` added where
        `compress` asks for it.
        """
        path = Path(path).expanduser()
        if self.config.compress:
            path = compressed(path)
        with jsonl.open_write(path) as writer:
            for sample in self.samples:
                writer.write(sample)
        return path

    def stats(self) -> dict[str, Any]:
        """Rows loaded and kept, by version and domain, and the scores' range."""
        versions = [_version(sample) for sample in self.samples]
        domains = [sample.domain for sample in self.samples]
        return buffer_facts(
            self.loaded, versions, domains, Samples.of(self.samples).score
        )

    def _spread(self, target: int, keys: list[str]) -> list[TrainingSample]:
        found = Samples.of(self.samples)
        groups: dict[str, list[TrainingSample]] = {key: [] for key in sorted(set(keys))}
        for row in policies.best_first(found, found.rows).tolist():
            groups[keys[row]].append(self.samples[row])
        sizes = {key: len(members) for key, members in groups.items()}
        quota = allot(target, sizes, dict.fromkeys(groups, 1.0))
        self.samples = [
            sample
            for key, members in groups.items()
            for sample in members[: quota[key]]
        ]
        return self.samples


def compressed(path: Path) -> Path:
    """The path with `.zst` added, unless its suffix says already how
    it is compressed.
    """
    return (
        path if path.suffix in (".gz", ".zst") else path.with_name(f"{path.name}.zst")
    )


def _version(sample: TrainingSample) -> str:
    return str(sample.metadata.get("origin_version", ""))
