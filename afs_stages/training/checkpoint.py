"""Checkpoints: whole or absent, checked before they are believed,
deleted when training is done.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afs_stages.core.atomic import atomic_folder
from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash
from afs_stages.core.jsonl import read_json, write_json

if TYPE_CHECKING:
    from afs_stages.training.loop import Loop
    from afs_stages.training.lora import Weights

KEPT = 2
"""Checkpoints kept: the newest, and the one before in case the newest is damaged."""


def save(root: Path, loop: Loop, best: Weights, fingerprint: str) -> Path:
    """Write the state of a training loop after its last step;
    the manifest of hashes is written last.
    """
    import torch
    from safetensors.torch import save_file

    from afs_stages.training.lora import trainable

    target = root / f"step-{loop.state.step:07d}"
    root.mkdir(parents=True, exist_ok=True)
    with atomic_folder(target) as part:
        save_file(
            {name: weight.detach() for name, weight in trainable(loop.model).items()},
            part / "weights.safetensors",
        )
        if best:
            save_file(best, part / "best.safetensors")
        rest = {"optimizer": loop.optimizer.state_dict(), "random": _random_state()}
        torch.save(rest, part / "optimizer.pt")
        hashes = {file.name: file_hash(file) for file in sorted(part.iterdir())}
        write_json(
            part / "state.json",
            {"fingerprint": fingerprint, "files": hashes, "state": asdict(loop.state)},
        )
    for old in sorted(root.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old)
    return target


def newest(root: Path, fingerprint: str) -> Path | None:
    """The newest whole checkpoint of this very training; damaged and foreign ones are
    named and passed over.
    """
    for folder in sorted(root.glob("step-*"), reverse=True):
        problem = _problem(folder, fingerprint)
        if not problem:
            return folder
        warn(f"{folder}: {problem}; trying the one before")
    return None


def restore(folder: Path, loop: Loop) -> Weights:
    """Set a training loop back to a checkpoint; returns the best weights so far (empty
    where there are none).
    """
    import torch
    from safetensors.torch import load_file

    from afs_stages.training.lora import put
    from afs_stages.training.prepared import TrainingState

    put(loop.model, load_file(folder / "weights.safetensors"))
    rest = torch.load(folder / "optimizer.pt", weights_only=True, map_location="cpu")
    loop.optimizer.load_state_dict(rest["optimizer"])
    torch.set_rng_state(rest["random"]["cpu"])
    if torch.cuda.is_available() and "cuda" in rest["random"]:
        torch.cuda.set_rng_state(rest["random"]["cuda"])
    loop.state = TrainingState(**read_json(folder / "state.json")["state"])
    best = folder / "best.safetensors"
    return load_file(best) if best.is_file() else {}


def _random_state() -> dict[str, Any]:
    import torch

    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def _problem(folder: Path, fingerprint: str) -> str:
    """Why a checkpoint can't be used, or an empty string."""
    manifest = folder / "state.json"
    if not manifest.is_file():
        return "the checkpoint is not whole"
    try:
        facts = read_json(manifest)
    except UserError:
        return "its state.json is damaged"
    if facts.get("fingerprint") != fingerprint:
        return "it belongs to another training (parameters, data, base or code differ)"
    for name, value in facts.get("files", {}).items():
        file = folder / name
        if not file.is_file() or file_hash(file) != value:
            return f"the checkpoint is damaged ({name})"
    return ""
