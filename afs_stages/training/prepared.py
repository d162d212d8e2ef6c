"""What both training engines take and give back: the model with its adapter, encoded
rows, the plan of steps; and where a training stands.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.core.progress import QUIET_SECONDS
from afs_stages.training.batches import BatchPlan, MicroBatch
from afs_stages.training.curve import Curve
from afs_stages.training.encode import Encoded

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from afs_stages.training.anchor import Hold
    from afs_stages.training.lora import Weights
    from afs_stages.training.train import TrainingRun

Engine = Literal["trl", "builtin"]


@dataclass
class TrainingState:
    """Where training stands; with weights, optimizer and random state it is
    all a resume needs.
    """

    step: int = 0
    parts: int = 1
    tokens: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    best_val: float | None = None
    bad_epochs: int = 0
    stopped: bool = False


@dataclass
class PreparedTraining:
    """One training as an engine sees it; `packed` says whether samples can run end to
    end, `mark` tells this training from any other.
    """

    job: TrainingRun
    model: PeftModel
    tokenizer: PreTrainedTokenizerBase
    packed: bool
    items: Sequence[Encoded]
    val: Sequence[Encoded]
    plan: BatchPlan
    mark: str
    curve: Curve
    hold: Hold | None = None
    main: bool = True
    """Whether this process writes files."""
    state: TrainingState = field(default_factory=TrainingState)
    best: Weights = field(default_factory=dict)

    def begin(self) -> None:
        """Write the curve up to where the training stands, and show progress on."""
        for point in self.state.curve:
            self.curve.add(point)
        name = f"train {self.job.model}".strip()
        self._meter = Meter(name, len(self.plan.steps), self.state)

    def after_step(self) -> None:
        """Measure val where an epoch ends, and tell of the step."""
        if self.val and self.state.step in self.plan.epoch_ends:
            self._end_epoch()
        self.curve.add(self.state.curve[-1])
        self._meter(self.state)

    def _end_epoch(self) -> None:
        """Note the val loss beside the step, keep the best weights where early stopping
        asks for them, and say when to stop.
        """
        from afs_stages.training.lora import trainable
        from afs_stages.training.token_losses import mean_loss

        settings, state = self.job.train, self.state
        tokens = settings.batch_size * settings.max_length
        loss = mean_loss(self.model, self.val, tokens, self.packed)
        state.curve[-1]["val_loss"] = round(loss, 6)
        patience = settings.early_stopping_patience
        if state.best_val is None or loss < state.best_val:
            state.best_val, state.bad_epochs = loss, 0
            if patience is not None:
                weights = trainable(self.model).items()
                self.best = {name: weight.detach().clone() for name, weight in weights}
            return
        state.bad_epochs += 1
        state.stopped = patience is not None and state.bad_epochs >= patience


class Meter:
    """Progress on stderr: a line that changes on a terminal, one every ten seconds in a
    pipe; tokens/s and time left.
    """

    def __init__(self, what: str, total: int, state: TrainingState) -> None:
        self._what, self._total = what, total
        self._step, self._tokens = state.step, state.tokens
        self._started = self._shown = time.monotonic()

    def __call__(self, state: TrainingState) -> None:
        """Show where training stands, if it is time to."""
        on_terminal = sys.stderr.isatty()
        now = time.monotonic()
        if not on_terminal and now - self._shown < QUIET_SECONDS:
            return
        self._shown = now
        seconds = now - self._started
        rate = (state.tokens - self._tokens) / seconds
        left = seconds / (state.step - self._step) * (self._total - state.step)
        is_last = state.step == self._total
        end = "\r" if on_terminal and not is_last else "\n"
        step = f"step {state.step:,} of {self._total:,}"
        loss = f"loss {state.curve[-1]['loss']:.3f}"
        speed = f"{rate:,.0f} tokens/s, {left:,.0f} s left"
        sys.stderr.write(f"{self._what}: {step}, {loss}, {speed}{end}")


def tokens_of(items: Sequence[Encoded], batches: Iterable[MicroBatch]) -> int:
    """Tokens of some micro-batches."""
    return sum(len(items[index].ids) for batch in batches for index in batch)


def row_names(items: Sequence[Encoded], batch: MicroBatch) -> str:
    """The rows of a micro-batch, for messages to the user."""
    return ", ".join(items[index].name for index in batch[:8])


def not_finite(value: float, step: int, names: str) -> UserError:
    """The error of a loss that is no number."""
    return UserError(
        f"the loss is {value} at step {step}, in the micro-batch of rows {names}",
        fix="look at these rows; lower train.learning_rate, or train in fp32",
    )


def no_memory(step: int, where: str) -> UserError:
    """The error of a micro-batch that does not fit into memory."""
    return UserError(
        f"out of memory at step {step} {where}",
        fix="lower train.batch_size, train.max_length or train.r, or set "
        "train.gradient_checkpointing: true, train.dtype: bf16 or "
        "train.load_in_4bit: true",
    )


def engine_for(train: Train) -> Engine:
    """The engine that `train.engine` asks for; `auto` is TRL on a GPU or with several
    processes, and the built-in loop on a CPU, where it is faster.

    Raises `UserError` where TRL is needed and not installed, or cannot do what is asked
    for.
    """
    from importlib.util import find_spec

    import torch

    installed = find_spec("trl") is not None
    needed = train.engine == "trl" or train.processes > 1
    if needed and train.engine == "builtin":
        raise UserError(
            f"train.processes is {train.processes}, and the built-in engine has one",
            fix="set train.engine: trl",
        )
    if needed and not installed:
        raise UserError(
            "this training needs the package trl",
            fix="pip install 'afs-stages[trl]', or set train.engine: builtin and "
            "train.processes: 1",
        )
    on_gpu = train.engine == "auto" and installed and torch.cuda.is_available()
    chosen: Engine = "trl" if needed or on_gpu else "builtin"
    if chosen == "trl" and train.anchor.share:
        raise UserError(
            "train.anchor.share is set, and TRL's engine cannot hold a model to its "
            "base",
            fix="set train.engine: builtin, or train.anchor.share: 0",
        )
    return chosen
