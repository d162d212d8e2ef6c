"""AFS Stages: retrain a domain expert again and again without it
forgetting what it knew.

The names below are importable from here; each is loaded when it is first asked for, so
that `import afs_stages` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "TrainingSample": "afs_stages.core.sample",
    "BaseGenerator": "afs_stages.sources.base",
    "export_to_jsonl": "afs_stages.sources.base",
    "OracleTrainingGenerator": "afs_stages.codebase",
    "QualityScorer": "afs_stages.scoring",
    "QualityScore": "afs_stages.scoring",
    "ScoringConfig": "afs_stages.scoring",
    "ScoringWeights": "afs_stages.scoring",
    "score_jsonl": "afs_stages.scoring",
    "RehearsalBuffer": "afs_stages.dataset.buffer",
    "RehearsalBufferConfig": "afs_stages.dataset.buffer",
    "split_dataset": "afs_stages.dataset.splits",
    "ModelRegistry": "afs_stages.registry.records",
    "GPUConfig": "afs_stages.remote",
    "TrainingJob": "afs_stages.remote",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'afs_stages' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
