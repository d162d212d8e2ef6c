"""What a data set is made of: counted row by row, for the data card."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

from afs_stages.core import layout
from afs_stages.core.sample import TrainingSample


class DataFacts:
    """The numbers of the data card; kept of each row are its length and its score."""

    def __init__(self) -> None:
        self.rows = dict.fromkeys(layout.PARTS, 0)
        self.tokens = {part: array("i") for part in layout.PARTS}
        """Lengths of the rows that the chat template could render."""
        self.quality = array("d")
        """Scores of the training rows that have one."""
        self.sources: Counter[str] = Counter()
        self.domains: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.redactions: Counter[str] = Counter()
        self.traits: Counter[str] = Counter()

    def add(self, part: str, sample: TrainingSample, tokens: int | None) -> None:
        """Count one row of a part; `tokens` is None where its length is not known."""
        self.rows[part] += 1
        if tokens is not None:
            self.tokens[part].append(tokens)
        redactions = sample.metadata.get("redactions")
        if isinstance(redactions, dict):
            self.redactions.update(redactions)
        self.traits["conversations"] += sample.messages is not None
        self.traits["with_tools"] += bool(sample.tools)
        self.traits["with_thinking"] += bool(sample.thinking)
        if part == "train":
            self._add_trained(sample)

    def _add_trained(self, sample: TrainingSample) -> None:
        self.sources[sample.source] += 1
        self.domains[sample.domain] += 1
        self.kinds[str(sample.provenance.get("kind", "unknown"))] += 1
        self.versions[str(sample.metadata.get("origin_version") or "this version")] += 1
        self.traits["repeated"] += bool(sample.metadata.get("repeat"))
        if sample.quality_score is not None:
            self.quality.append(sample.quality_score)

    @property
    def longest(self) -> int:
        """Tokens of the longest row of all parts; 0 for no rows."""
        return max(
            (max(tokens, default=0) for tokens in self.tokens.values()), default=0
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers as JSON."""
        facts: dict[str, Any] = {"rows": dict(self.rows)}
        for name in ("sources", "domains", "kinds", "versions"):
            facts[name] = dict(sorted(getattr(self, name).items()))
        for name in ("repeated", "conversations", "with_tools", "with_thinking"):
            facts[name] = self.traits[name]
        facts["redactions"] = dict(sorted(self.redactions.items()))
        facts["quality"] = spread(self.quality)
        facts["tokens"] = {
            part: {**spread(tokens), "total": sum(tokens)}
            for part, tokens in self.tokens.items()
        }
        return facts


def spread(values: Sequence[float]) -> dict[str, float]:
    """Minimum, quartiles and maximum; empty for no values."""
    if not values:
        return {}
    ordered = sorted(values)
    places = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
    return {
        name: round(float(ordered[round(place * (len(ordered) - 1))]), 4)
        for name, place in places.items()
    }
