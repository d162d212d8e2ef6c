"""Quality: a score from assembly checks, a discriminator, known entities and
information; names load lazily.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "QualityScorer": "afs_stages.scoring.scorer",
    "QualityScore": "afs_stages.scoring.scorer",
    "ScoringConfig": "afs_stages.scoring.config",
    "ScoringWeights": "afs_stages.scoring.config",
    "score_jsonl": "afs_stages.scoring.score_files",
}

__all__ = [*_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'afs_stages.scoring' has no attribute {name!r}")
