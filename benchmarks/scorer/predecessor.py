"""The predecessor's scorer as a rival: its own code, from a checkout of it, with its default configuration."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

from afs_stages.core.sample import TrainingSample


def predecessor(root: Path) -> Callable[[TrainingSample], float]:
    """Its scorer, loaded around its package's own imports, which do not load."""
    for name in ("afs", "afs.training", "afs.generators", "afs.knowledge"):
        package = types.ModuleType(name)
        package.__path__ = [str(root / "src" / name.replace(".", "/"))]
        sys.modules[name] = package
    from importlib import import_module

    base = import_module("afs.generators.base")
    scorer = import_module("afs.training.scoring").QualityScorer()

    def score(sample: TrainingSample) -> float:
        old = base.TrainingSample(
            instruction=sample.instruction, output=sample.output, input=sample.input, domain=sample.domain,
            source=sample.source,
        )  # fmt: skip
        return float(scorer.score(old).overall)

    return score
