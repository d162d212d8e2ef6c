"""Weights of params.yaml that name no source: a misspelt one leaves a source out of the
mix without a word.

A version that is released already was built from sources that may be gone since; it
keeps its weights, and is not released again.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.errors import closest, nearest
from afs_stages.core.params import Params
from afs_stages.core.params.load import read
from afs_stages.core.params.mistake import Mistake
from afs_stages.dataset.frozen import versions


def idle_weights(model: str, params: Params) -> list[Mistake]:
    """A mistake for every weight of a model that names no source."""
    weights = params.model(model).weights
    free = sorted(set(params.sources) - set(weights))
    found = []
    for name in params.weights_without_source(model):
        guess = closest(name, free)
        fix = f"write '{guess}' in place of '{name}'"
        if not guess:
            fix = f"remove `{name}: {weights[name]}`, or add the block sources.{name}"
        what = f"no source '{name}' ({nearest(name, list(params.sources))})"
        found.append(Mistake(("models", model, "weights", name), what, fix))
    return found


def refuse_idle_weights(model: str, params: Params, path: Path = layout.PARAMS) -> None:
    """Raise `UserError` where a weight of a model names no source: it would be in the
    record of the release, and in none of its rows.
    """
    found = idle_weights(model, params)
    if found:
        raise read(path).refusal(found)


def is_released(model: str, version: str) -> bool:
    """Whether a version of a model is frozen here."""
    return layout.release(model, version) in versions(layout.RELEASES, model)
