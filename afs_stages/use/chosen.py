"""The version of a model that a command uses, and where its adapter lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.errors import UserError, nearest
from afs_stages.core.hashes import folder_hash
from afs_stages.core.jsonl import read_json
from afs_stages.registry.current import read_current
from afs_stages.remote.job import remote_folder
from afs_stages.training import lineage
from afs_stages.training.base_model import Base, resolve

WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Chosen:
    """One version of a model: its adapter's folder and the base it was trained on."""

    model: str
    version: str
    adapter: Path
    base: Base

    @property
    def name(self) -> str:
        """`veran-v5`, as files and servers call it."""
        return f"{self.model}-{self.version}"

    @property
    def adapter_hash(self) -> str:
        """The hash of the adapter's files."""
        return folder_hash(self.adapter)


def choose(model: str, version: str = "", base: str = "") -> Chosen:
    """The named version, else the registry's `current`, else the one built last.

    Raises `UserError` where there is no such version, or its adapter belongs to another
    base.
    """
    version = version or version_in_use(model)
    if not version:
        raise UserError(
            f"no version of {model} is trained yet",
            where=str(layout.adapter(model)),
            fix=f"dvc repro register@{model}",
        )
    found = dict(adapters_of(model))
    if version not in found:
        raise UserError(
            f"no adapter of {model} {version} here ({nearest(version, list(found))})",
            where=str(layout.adapter(model)),
            fix=f"dvc repro train-releases@{model}, or name one with --version",
        )
    known = resolve(base or str(layout.BASE_MODEL))
    lineage.check_base(
        found[version], known, f"dvc repro train-releases@{model}, or name its --base"
    )
    return Chosen(model, version, found[version], known)


def version_in_use(model: str) -> str:
    """The registry's `current`; where nothing was registered, the version built last;
    empty where there is none.
    """
    current = read_current(model)
    if current is not None:
        return current.version
    return max((name for name, _ in adapters_of(model)), key=lineage.number, default="")


def adapters_of(model: str) -> Iterator[tuple[str, Path]]:
    """(version, adapter's folder) of every version there is, oldest first.

    Releases lie gathered on today's base; the version built last is its own.
    """
    root = layout.release_adapters(model)
    released = {path.name: path / "adapter" for path in root.glob("v*")}
    # What was built here goes before what came home from a rented machine.
    built = {
        _version_of(folder): folder
        for folder in (remote_folder(model) / "adapter", layout.adapter(model))
    }
    folders = {**released, **built}
    there = [name for name in folders if name and (folders[name] / WEIGHTS).is_file()]
    for name in sorted(there, key=lineage.number):
        yield name, folders[name]


def _version_of(adapter: Path) -> str:
    """The version an adapter was trained as; empty where there is none."""
    record = adapter / "training.json"
    return str(read_json(record).get("version") or "") if record.is_file() else ""
