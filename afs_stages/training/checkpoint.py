"""Checkpoints of both engines: whole or absent, checked before they are believed.

An engine writes what it needs into a folder `checkpoint-STEP`, and `complete` makes it
whole: what both engines keep, and last of all the hashes of every file.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from afs_stages.core.console import say, warn
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash
from afs_stages.core.jsonl import read_json, write_json

if TYPE_CHECKING:
    from afs_stages.training.prepared import PreparedTraining

KEPT = 2
"""Checkpoints kept: the newest, and the one before in case the newest is damaged."""
STATE, BEST = "state.json", "best.safetensors"


def folder_of(training: PreparedTraining) -> Path:
    """The checkpoint of the step where a training stands."""
    return training.job.checkpoints / f"checkpoint-{training.state.step}"


def complete(training: PreparedTraining, folder: Path) -> None:
    """Make a checkpoint whole: the state, the best weights so far, the hashes."""
    from safetensors.torch import save_file

    if training.best:
        save_file(training.best, folder / BEST)
    files = sorted(file for file in folder.iterdir() if file.is_file())
    hashes = {file.name: file_hash(file) for file in files}
    state = asdict(training.state)
    facts = {"fingerprint": training.mark, "files": hashes, "state": state}
    write_json(folder / STATE, facts)


def resume(training: PreparedTraining) -> Path | None:
    """The newest whole checkpoint of this training, its state and best weights taken
    over; None where training starts anew, and then all checkpoints are removed.

    Raises `UserError` where the training must be resumed and cannot.
    """
    from safetensors.torch import load_file

    from afs_stages.training.prepared import TrainingState

    job = training.job
    found = None if job.resume is False else newest(job.checkpoints, training.mark)
    if found is None:
        if job.resume:
            raise UserError(
                "nothing to resume",
                where=str(job.checkpoints),
                fix="start anew without --resume",
            )
        if training.main:
            shutil.rmtree(job.checkpoints, ignore_errors=True)
        return None
    training.state = TrainingState(**read_json(found / STATE)["state"])
    best = found / BEST
    if best.is_file():
        training.best.update(load_file(best))
    total = len(training.plan.steps)
    say(f"train: resumed at step {training.state.step:,} of {total:,}")
    return found


def newest(root: Path, fingerprint: str) -> Path | None:
    """The newest whole checkpoint of this very training; damaged and foreign ones are
    named and passed over.
    """
    for folder in reversed(in_order(root)):
        problem = _problem(folder, fingerprint)
        if not problem:
            return folder
        warn(f"{folder}: {problem}; trying the one before")
    return None


def in_order(root: Path) -> list[Path]:
    """All checkpoints, oldest first."""
    return sorted(
        root.glob("checkpoint-*"), key=lambda folder: int(folder.name.split("-")[1])
    )


def _problem(folder: Path, fingerprint: str) -> str:
    """Why a checkpoint can't be used, or an empty string."""
    manifest = folder / STATE
    if not manifest.is_file():
        return "the checkpoint is not whole"
    try:
        facts = read_json(manifest)
    except UserError:
        return "its state.json is damaged"
    if facts.get("fingerprint") != fingerprint:
        return "it belongs to another training (parameters, data, base or code differ)"
    for name, value in facts["files"].items():
        file = folder / name
        if not file.is_file() or file_hash(file) != value:
            return f"the checkpoint is damaged ({name})"
    return ""
