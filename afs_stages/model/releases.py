"""Earlier versions of a model, gathered for comparison: an adapter on today's base, and the frozen test rows.

Versions are compared on the same base only. A release whose adapter was trained on another base (or
that has none) is trained again from its released rows. What later stages need of a release lies in
`models/<model>/releases/<version>/{adapter/, test.jsonl}`, which a newer release does not change.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.atomic import atomic_folder, write_bytes
from afs_stages.core.console import say
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import OnBad, read_json
from afs_stages.core.params.model import Train
from afs_stages.model.base import Base
from afs_stages.model.hashes import file_hash, folder_hash, value_hash
from afs_stages.model.lora import base_hash_of


@dataclass(frozen=True)
class Lineage:
    """One model's history: its name, the version being built, the base, how adapters are trained."""

    model: str
    version: str
    base: Base
    train: Train
    seed: int

    def released(self, version: str) -> Path:
        """The frozen folder of a release."""
        return layout.release(self.model, version)

    def gathered(self, version: str) -> Path:
        """What later stages read of a release."""
        return layout.release_adapters(self.model) / version


def number(version: str) -> int:
    """5 of `v5`; a `UserError` for anything else."""
    if not version.startswith("v") or not version[1:].isdecimal():
        raise UserError(f"'{version}' is no version", fix="versions are called v1, v2, …")
    return int(version[1:])


def older(folder: Path, version: str) -> list[str]:
    """The versions in a folder strictly before `version`, oldest first."""
    names = [path.name for path in folder.glob("v*") if path.is_dir()]
    return sorted((name for name in names if number(name) < number(version)), key=number)


def previous_adapter(model: str, version: str, base: Base) -> Path | None:
    """The adapter a version with `init_from: previous` goes on from; None where nothing was released before.

    Raises `UserError` where the gathered adapter belongs to another base.
    """
    names = older(layout.release_adapters(model), version)
    if not names:
        return None
    folder = layout.release_adapters(model) / names[-1] / "adapter"
    check_base(folder, base, f"dvc repro train-releases@{model}")
    return folder


def check_base(adapter: Path, base: Base, fix: str) -> None:
    """Raise `UserError` where a folder holds no adapter, or one that remembers another base."""
    known = base_hash_of(adapter)
    if not (adapter / "training.json").is_file() and not (adapter / "adapter_config.json").is_file():
        raise UserError("no adapter in this folder", where=str(adapter), fix=fix)
    if known is not None and known != base.hash:
        raise UserError(
            f"the adapter was trained on another base (hash {known[:12]}, {base.name} has {base.hash[:12]})",
            where=str(adapter),
            fix=fix,
        )


def gather(line: Lineage, on_bad: OnBad) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Gather every earlier release; yields (version, `released` | `kept` | `trained`, its training.json).

    What was trained from the same rows, base and parameters before is kept; folders of versions that
    are no longer wanted are removed.
    """
    root = layout.release_adapters(line.model)
    root.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in older(layout.RELEASES / line.model, line.version) if _has_rows(line, name)]
    start: Path | None = None
    for name in wanted:
        how = _gather_adapter(line, name, start, on_bad)
        write_bytes(line.gathered(name) / "test.jsonl", _bytes(line.released(name) / "test.jsonl"))
        start = line.gathered(name) / "adapter" if line.train.init_from == "previous" else None
        yield name, how, read_json(line.gathered(name) / "adapter" / "training.json")
    for folder in root.iterdir():
        if folder.name not in wanted:
            shutil.rmtree(folder)


def _gather_adapter(line: Lineage, version: str, start: Path | None, on_bad: OnBad) -> str:
    own, target = line.released(version) / "adapter", line.gathered(version) / "adapter"
    if base_hash_of(own) == line.base.hash:
        with atomic_folder(target) as folder:
            shutil.copytree(own, folder, dirs_exist_ok=True)
        return "released"
    if _is_current(line, version, start):
        return "kept"
    say(f"train-releases: {line.model} {version} has no adapter on this base: training it from its released rows")
    _train(line, version, start, on_bad)
    return "trained"


def _has_rows(line: Lineage, version: str) -> bool:
    return (line.released(version) / "train.jsonl").is_file()


def _bytes(path: Path) -> bytes:
    """A file's bytes; none where a release has no such file (an adopted one may lack test rows)."""
    return path.read_bytes() if path.is_file() else b""


def _train(line: Lineage, version: str, start: Path | None, on_bad: OnBad) -> None:
    from afs_stages.model.script import run_job
    from afs_stages.model.train import Job

    val = line.released(version) / "val.jsonl"
    job = Job(
        base=line.base,
        train=line.train,
        seed=line.seed,
        train_file=line.released(version) / "train.jsonl",
        val_file=val if val.is_file() else None,
        output=line.gathered(version) / "adapter",
        start=start,
        model=line.model,
        version=version,
    )
    run_job(job, on_bad)


def _is_current(line: Lineage, version: str, start: Path | None) -> bool:
    """Whether an adapter trained here before comes from the same rows, base, start and parameters."""
    path = line.gathered(version) / "adapter" / "training.json"
    if not path.is_file():
        return False
    facts = read_json(path)
    had = [facts["base"]["hash"], facts["data"]["train"]["hash"], facts["train"], facts.get("seed"), facts.get("start")]
    rows = file_hash(line.released(version) / "train.jsonl")
    begun = {"hash": folder_hash(start)} if start else None
    return value_hash(had) == value_hash([line.base.hash, rows, line.train.model_dump(), line.seed, begun])
