"""The built-in engine: the loop with checkpoints, val and early stopping."""

from __future__ import annotations

import shutil

from afs_stages.core.console import say
from afs_stages.core.errors import UserError
from afs_stages.training import checkpoint
from afs_stages.training.loop import Loop, Meter, Optim
from afs_stages.training.prepared import PreparedTraining, TrainingState


def run(training: PreparedTraining) -> TrainingState:
    """Run the steps that are left; the model then holds the trained adapter."""
    settings = training.settings
    optim = Optim(
        settings.learning_rate,
        settings.schedule,
        settings.warmup_ratio,
        settings.weight_decay,
    )
    loop = Loop(
        training.model,
        training.items,
        training.plan,
        optim,
        training.packed,
        training.hold,
    )
    loop.state.parts = training.state.parts
    _resume(training, loop)
    training.state = loop.state
    total = len(training.plan.steps)
    meter = Meter(f"train {training.name}".strip(), total)
    for point in loop.state.curve:
        training.curve.add(point)

    def on_step(_: Loop) -> None:
        training.curve.add(loop.state.curve[-1])
        meter(loop.state)
        is_due = loop.state.step % settings.save_steps == 0
        if is_due and loop.state.step < total:
            checkpoint.save(training.checkpoints, loop, training.best, training.mark)

    loop.on_epoch = lambda _: training.end_of_epoch()
    loop.on_step = on_step
    return loop.run()


def _resume(training: PreparedTraining, loop: Loop) -> None:
    root = training.checkpoints
    if training.resume is False:
        shutil.rmtree(root, ignore_errors=True)
        return
    found = checkpoint.newest(root, training.mark)
    if found is None:
        if training.resume:
            raise UserError(
                "nothing to resume", where=str(root), fix="start anew without --resume"
            )
        shutil.rmtree(root, ignore_errors=True)
        return
    training.best.update(checkpoint.restore(found, loop))
    say(f"train: resumed at step {loop.state.step:,} of {len(loop.plan.steps):,}")
