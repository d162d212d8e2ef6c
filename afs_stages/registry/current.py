"""Which version of a model is in use: the registry's `current`.

`models/registry/current/<model>.json` names it. `register` moves it on to what it
records, `afs model rollback` back; chat, serve, merge, gguf and publish read it. No
stage reads it and none has it as an output, so that moving it never trains again.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from afs_stages.core import layout
from afs_stages.core.errors import UserError, first_problem
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.registry.records import Experiment


class Current(BaseModel):
    """The version in use, and the experiments that were taken out of use.

    A withdrawn experiment does not become current again when its stage runs again.
    """

    version: str = Field(pattern=r"^v[0-9]+$")
    withdrawn: list[str] = Field(default_factory=list)


def current_file(model: str, registry: Path = layout.REGISTRY) -> Path:
    """Where a model's `current` stands."""
    return registry / "current" / f"{Path(model).name}.json"


def read_current(model: str, registry: Path = layout.REGISTRY) -> Current | None:
    """A model's `current`; None where nothing was registered yet.

    Raises `UserError` where the file is not one.
    """
    path = current_file(model, registry)
    if not path.is_file():
        return None
    try:
        return Current.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(
            f"not a registry's current: {first_problem(error)}",
            where=str(path),
            fix=f"remove the file, then: afs model rollback {model} --to VERSION",
        ) from None


def put_forward(
    model: str, experiment: Experiment, version: str, registry: Path = layout.REGISTRY
) -> Current:
    """Make a newly registered version current, unless it was withdrawn."""
    old = read_current(model, registry)
    if old is not None and experiment.experiment_id in old.withdrawn:
        return old
    new = Current(version=version, withdrawn=old.withdrawn if old else [])
    return _write(model, new, registry)


def take_back(
    model: str,
    version: str,
    withdrawn: list[str],
    registry: Path = layout.REGISTRY,
) -> Current:
    """Make a version current by hand; `withdrawn` are the ids of the experiments of
    all versions after it.
    """
    new = Current(version=version, withdrawn=sorted(withdrawn))
    return _write(model, new, registry)


def _write(model: str, value: Current, registry: Path) -> Current:
    write_json(current_file(model, registry), value.model_dump())
    return value
