"""What both training engines take and give back: the model with its adapter, encoded
rows, the plan of steps; and where a training stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.training.batches import BatchPlan
from afs_stages.training.curve import Curve
from afs_stages.training.encode import Encoded

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from afs_stages.training.anchor import Hold
    from afs_stages.training.lora import Weights

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

    def judge(self, loss: float, patience: int | None) -> bool:
        """Note an epoch's val loss beside its step, and whether to stop; True where it
        is the best so far.
        """
        self.curve[-1]["val_loss"] = round(loss, 6)
        if self.best_val is None or loss < self.best_val:
            self.best_val, self.bad_epochs = loss, 0
            return True
        self.bad_epochs += 1
        self.stopped = patience is not None and self.bad_epochs >= patience
        return False


@dataclass
class PreparedTraining:
    """One training as an engine sees it; `packed` says whether samples can run end to
    end, `mark` tells this training from any other.
    """

    name: str
    model: PeftModel
    tokenizer: PreTrainedTokenizerBase
    packed: bool
    items: Sequence[Encoded]
    val: Sequence[Encoded]
    plan: BatchPlan
    settings: Train
    seed: int
    checkpoints: Path
    mark: str
    resume: bool | None
    curve: Curve
    hold: Hold | None = None
    main: bool = True
    """Whether this process writes files."""
    state: TrainingState = field(default_factory=TrainingState)
    best: Weights = field(default_factory=dict)

    def val_loss(self) -> float:
        """Mean loss of the val rows in nats per labelled token."""
        from afs_stages.training.token_losses import mean_loss

        tokens = self.settings.batch_size * self.settings.max_length
        return mean_loss(self.model, self.val, tokens, self.packed)

    def end_of_epoch(self) -> None:
        """Measure val, and keep the weights where early stopping asks for the best."""
        if not self.val:
            return
        from afs_stages.training.lora import trainable

        patience = self.settings.early_stopping_patience
        if self.state.judge(self.val_loss(), patience) and patience:
            for name, weight in trainable(self.model).items():
                self.best[name] = weight.detach().clone()

    def names(self, batch: Sequence[int]) -> str:
        """The rows of a micro-batch, for messages to the user."""
        return ", ".join(self.items[index].name for index in batch[:8])


def not_finite(value: float, step: int, names: str) -> UserError:
    """The error of a loss that is no number."""
    return UserError(
        f"the loss is {value} at step {step}, in the micro-batch of rows {names}",
        fix="look at these rows; lower train.learning_rate, or train in fp32",
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
    if train.engine == "builtin" and train.processes == 1:
        return "builtin"
    if train.engine == "builtin":
        raise UserError(
            f"train.processes is {train.processes}, and the built-in engine has one",
            fix="set train.engine: trl",
        )
    needed = train.engine == "trl" or train.processes > 1
    if needed and not installed:
        raise UserError(
            "this training needs the package trl",
            fix="pip install 'afs-stages[trl]', or set train.engine: builtin and "
            "train.processes: 1",
        )
    on_gpu = torch.cuda.is_available() and installed
    chosen: Engine = "trl" if needed or on_gpu else "builtin"
    if chosen == "trl" and train.anchor.share:
        raise UserError(
            "train.anchor.share is set, and TRL's engine cannot hold a model to its "
            "base",
            fix="set train.engine: builtin, or train.anchor.share: 0",
        )
    return chosen
