"""The built-in engine: the loop with checkpoints, val and early stopping."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from afs_stages.core.atomic import atomic_folder
from afs_stages.training import checkpoint, lora
from afs_stages.training.loop import Loop
from afs_stages.training.prepared import PreparedTraining, TrainingState

WEIGHTS, REST = "weights.safetensors", "optimizer.pt"


def run(training: PreparedTraining) -> TrainingState:
    """Run the steps that are left; the model then holds the trained adapter."""
    found = checkpoint.resume(training)
    plan, settings, state = training.plan, training.job.train, training.state
    loop = Loop(
        training.model,
        training.items,
        plan,
        settings,
        training.packed,
        training.hold,
        state,
    )
    if found:
        _restore(found, loop)
    training.begin()
    for _ in loop.steps():
        training.after_step()
        is_due = state.step % settings.save_steps == 0
        if is_due and state.step < len(plan.steps):
            _save(training, loop)
    return state


def _save(training: PreparedTraining, loop: Loop) -> None:
    """Write a checkpoint; only the newest are kept."""
    weights = lora.trainable(loop.model)
    random = {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}
    rest = {"optimizer": loop.optimizer.state_dict(), "random": random}
    with atomic_folder(checkpoint.folder_of(training)) as part:
        save_file({name: weights[name].detach() for name in weights}, part / WEIGHTS)
        torch.save(rest, part / REST)
        checkpoint.complete(training, part)
    kept = checkpoint.in_order(training.job.checkpoints)
    for old in kept[: -checkpoint.KEPT]:
        shutil.rmtree(old)


def _restore(folder: Path, loop: Loop) -> None:
    """Set weights, optimizer and random state back to a checkpoint."""
    lora.put(loop.model, load_file(folder / WEIGHTS))
    rest = torch.load(folder / REST, weights_only=True, map_location="cpu")
    loop.optimizer.load_state_dict(rest["optimizer"])
    torch.set_rng_state(rest["random"]["cpu"])
    torch.cuda.set_rng_state_all(rest["random"]["cuda"])
