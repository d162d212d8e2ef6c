"""Back to an earlier version, when the one in use turns out worse.

Only the registry's `current` moves. Adapters, reports and releases stay as they are, so
that DVC has nothing to do again.
"""

from __future__ import annotations

from afs_stages.core import layout
from afs_stages.core.errors import UserError
from afs_stages.registry.current import take_back
from afs_stages.registry.records import ModelRegistry
from afs_stages.training.lineage import number
from afs_stages.use.chosen import adapters_of, choose, version_in_use


def roll_back(model: str, to: str = "") -> tuple[str, str]:
    """(version in use before, version in use now): the newest release before it, or
    the version `to`.

    The experiments of later versions are withdrawn: they do not come back into use by
    being registered again. Raises `UserError` where there is nothing to go back to.
    """
    before = version_in_use(model)
    if not before:
        raise UserError(f"no version of {model} is in use", fix="dvc repro")
    target = to or _last_release(model, before)
    choose(model, target)
    later = {
        one.experiment_id
        for one in ModelRegistry().list()
        if model in one.tags and _is_later(one.tags, target)
    }
    take_back(model, target, sorted(later))
    return before, target


def _last_release(model: str, before: str) -> str:
    """The newest release before a version that has an adapter on today's base."""
    released = {path.name for path in (layout.RELEASES / model).glob("v*")}
    usable = [
        version
        for version, _ in adapters_of(model)
        if version in released and number(version) < number(before)
    ]
    if not usable:
        raise UserError(
            f"no release of {model} before {before} has an adapter on this base",
            where=str(layout.RELEASES / model),
            fix=f"afs release --list shows what there is; dvc repro "
            f"train-releases@{model} trains one",
        )
    return usable[-1]


def _is_later(tags: list[str], version: str) -> bool:
    """Whether an experiment's tags name a version after this one."""
    versions = [tag for tag in tags if tag[:1] == "v" and tag[1:].isdecimal()]
    return any(number(tag) > number(version) for tag in versions)
