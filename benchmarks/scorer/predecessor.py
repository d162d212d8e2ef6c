"""The predecessor's scorer as a rival: its own code, from a checkout of it, with its
default configuration.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from afs_stages.core.sample import TrainingSample


def load(root: Path) -> Any:
    """Its module of scoring, loaded around its package's own imports,
    which do not load.
    """
    for name in ("afs", "afs.training", "afs.generators", "afs.knowledge"):
        package = types.ModuleType(name)
        package.__path__ = [str(root / "src" / name.replace(".", "/"))]
        sys.modules[name] = package
    return import_module("afs.training.scoring")


def its_samples(samples: Iterable[TrainingSample]) -> list[Any]:
    """The samples as records of its own; after `load`."""
    record = import_module("afs.generators.base").TrainingSample
    return [
        record(
            instruction=s.instruction,
            output=s.output,
            input=s.input,
            domain=s.domain,
            source=s.source,
        )
        for s in samples
    ]


def predecessor(root: Path) -> Callable[[TrainingSample], float]:
    """Its scorer, of one sample."""
    scorer = load(root).QualityScorer()
    return lambda sample: float(scorer.score(its_samples([sample])[0]).overall)
