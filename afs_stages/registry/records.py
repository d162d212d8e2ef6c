"""The registry of experiments: one JSON file each, in Git,
so that two writers never lose a record.

Every change is a read and a whole-file replacement under a lock; a new record takes a
name that was free under that lock.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afs_stages.core import layout
from afs_stages.core.errors import UserError, first_problem, nearest
from afs_stages.core.hashes import value_hash
from afs_stages.core.jsonl import read_json, write_json

Status = Literal["pending", "running", "completed", "failed"]


FACTS = (
    "experiment_id",
    "run_name",
    "base_model",
    "framework",
    "status",
    "ab_group",
    "ab_variant",
)
"""Fields that a comparison shows whether they differ or not."""


class DatasetRef(BaseModel):
    """A data set by path and content."""

    path: str
    hash: str | None = None
    rows: int | None = None


class Experiment(BaseModel):
    """One training: what was trained, on what, how, with which result.

    `revision` is where code and parameters stood in Git; `ab_group` and `ab_variant`
    put experiments side by side.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    experiment_id: str
    run_name: str
    base_model: str
    framework: str = "peft"
    status: Status = "pending"
    dataset: DatasetRef | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    adapter: dict[str, Any] | None = None
    revision: dict[str, Any] | None = None
    ab_group: str | None = None
    ab_variant: str | None = None
    tags: list[str] = Field(default_factory=list)
    notes: str = ""


class ModelRegistry:
    """Experiments under a folder, `models/registry` by default."""

    def __init__(self, root: Path = layout.REGISTRY) -> None:
        self.root = Path(root)

    def create_experiment(
        self, run_name: str, base_model: str, framework: str = "peft", **fields: Any
    ) -> Experiment:
        """Add a new experiment; the same facts given twice make two.

        `fields` are those of `Experiment`. Raises `UserError` where one
        has a wrong type.
        """
        named = {"run_name": run_name, "base_model": base_model, "experiment_id": ""}
        facts = _experiment({**named, "framework": framework, **fields}).model_dump()
        with self._lock():
            copy = 0
            while self._path(name := value_hash([facts, copy])[:8]).exists():
                copy += 1
            return self._write(_experiment({**facts, "experiment_id": name}))

    def put(self, experiment: Experiment) -> Experiment:
        """Add an experiment under its own id, or replace it; tags, notes and A/B group
        given by hand stay.

        The same result again keeps the revision it was first found at,
        so that its file stays as it is.
        """
        with self._lock():
            path = self._path(experiment.experiment_id)
            if path.exists():
                experiment = _with_what_was_given(self._read(path), experiment)
            return self._write(experiment)

    def get(self, name: str) -> Experiment:
        """The experiment with this id or, where it is the only one, this run name.

        Raises `UserError` where there is none or more than one.
        """
        if self._path(name).is_file():
            return self._read(self._path(name))
        everything = self.list()
        found = [one for one in everything if one.run_name == name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(one.experiment_id for one in found)
            raise UserError(
                f"{len(found)} experiments are called '{name}'",
                fix=f"name one by its id: {ids}",
            )
        known = {one.experiment_id for one in everything}
        known |= {one.run_name for one in everything}
        raise UserError(
            f"no experiment '{name}' ({nearest(name, [*known])})", where=str(self.root)
        )

    def list(
        self,
        status: str | None = None,
        ab_group: str | None = None,
        framework: str | None = None,
    ) -> list[Experiment]:
        """All experiments that match, by run name and id."""

        def matches(one: Experiment) -> bool:
            is_of_group = ab_group in (None, one.ab_group)
            is_of_framework = framework in (None, one.framework)
            return status in (None, one.status) and is_of_group and is_of_framework

        found = filter(matches, map(self._read, self.root.glob("*.json")))
        return sorted(found, key=lambda one: (one.run_name, one.experiment_id))

    def update_status(self, name: str, status: Status) -> Experiment:
        """Set an experiment's status."""
        return self._change(name, status=status)

    def record_metrics(self, name: str, metrics: dict[str, Any]) -> Experiment:
        """Add metrics to an experiment; the same names are replaced, others stay."""
        return self._change(name, metrics=metrics)

    def compare(self, names: Sequence[str]) -> dict[str, Sequence[Any]]:
        """Field -> its value in each experiment: facts first,
        then params and metrics that differ.
        """
        experiments = [self.get(name) for name in names]
        rows: dict[str, Sequence[Any]] = {
            key: [getattr(one, key) for one in experiments] for key in FACTS
        }
        data = [one.dataset for one in experiments]
        rows["dataset"] = [one and (one.hash or one.path) for one in data]
        for part in ("params", "metrics"):
            leaves = [dict(flatten(getattr(one, part), part)) for one in experiments]
            for key in sorted(set().union(*leaves)):
                values = [one.get(key) for one in leaves]
                if any(value != values[0] for value in values):
                    rows[key] = values
        return rows

    def _change(self, name: str, **fields: Any) -> Experiment:
        identity = self.get(name).experiment_id
        with self._lock():
            experiment = self._read(self._path(identity))
            if "metrics" in fields:
                fields["metrics"] = {**experiment.metrics, **fields["metrics"]}
            return self._write(_experiment({**experiment.model_dump(), **fields}))

    def _path(self, name: str) -> Path:
        return self.root / f"{Path(name).name}.json"

    def _read(self, path: Path) -> Experiment:
        return _experiment(read_json(path), str(path))

    def _write(self, experiment: Experiment) -> Experiment:
        write_json(self._path(experiment.experiment_id), experiment.model_dump())
        return experiment

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _with_what_was_given(old: Experiment, new: Experiment) -> Experiment:
    """A new record with what was written by hand into the old one."""
    kept: dict[str, Any] = {"tags": sorted({*old.tags, *new.tags})}
    for key in ("notes", "ab_group", "ab_variant"):
        kept[key] = getattr(new, key) or getattr(old, key)
    # A result that stands already, with a revision that tells all of its code and
    # parameters, keeps it.
    tells_all = old.revision is not None and not old.revision.get("changed")
    if tells_all and old.metrics == new.metrics:
        kept["revision"] = old.revision
    return new.model_copy(update=kept)


def _experiment(facts: Any, where: str | None = None) -> Experiment:
    try:
        return Experiment.model_validate(facts)
    except ValidationError as error:
        raise UserError(
            f"no valid experiment: {first_problem(error)}", where=where
        ) from None


def flatten(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings as (dotted name, value)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{prefix}.{key}")
    else:
        yield prefix, value
