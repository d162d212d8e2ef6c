"""The training loop: the same for the tiny base model and for adapters.

A step's gradient is the mean over all its labelled tokens, whatever the cut into
micro-batches, so that halving a micro-batch after running out of memory changes nothing
but speed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.training.anchor import Hold
from afs_stages.training.batches import (
    BatchPlan,
    halves,
    learning_rate,
)
from afs_stages.training.encode import Encoded
from afs_stages.training.prepared import TrainingState, not_finite
from afs_stages.training.token_losses import token_losses

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Optim:
    """How weights move: peak learning rate, its schedule, warm-up as a share of the
    steps, decay, clipping.
    """

    learning_rate: float
    schedule: str = "cosine"
    warmup_ratio: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0


@dataclass
class Loop:
    """Training of `model` (already in train mode,
    its trainable parameters marked) by a plan.
    """

    model: PreTrainedModel
    items: Sequence[Encoded]
    plan: BatchPlan
    optim: Optim
    packed: bool = True
    hold: Hold | None = None
    state: TrainingState = field(default_factory=TrainingState)
    on_step: Callable[[Loop], None] = lambda loop: None
    on_epoch: Callable[[Loop], None] = lambda loop: None
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.weights = [
            weight for weight in self.model.parameters() if weight.requires_grad
        ]
        decayed = [weight for weight in self.weights if weight.ndim > 1]
        plain = [weight for weight in self.weights if weight.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.optim.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=self.optim.learning_rate,
            betas=(0.9, 0.95),
        )

    def run(self) -> TrainingState:
        """Run the steps that are left."""
        while self.state.step < len(self.plan.steps) and not self.state.stopped:
            self._step()
            if self.state.step in self.plan.epoch_ends:
                self.on_epoch(self)
            self.on_step(self)
        return self.state

    def _step(self) -> None:
        at, total = self.state.step, len(self.plan.steps)
        rate = learning_rate(
            at,
            total,
            self.optim.learning_rate,
            self.optim.schedule,
            self.optim.warmup_ratio,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self._gradient(self.plan.steps[at])
        point = {"step": at + 1, "loss": round(loss, 6), "learning_rate": rate}
        if self.hold is not None:
            point |= self._hold(self.hold)
        torch.nn.utils.clip_grad_norm_(self.weights, self.optim.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state.step += 1
        self.state.tokens += sum(
            len(self.items[i].ids) for batch in self.plan.steps[at] for i in batch
        )
        self.state.curve.append(point)

    def _hold(self, hold: Hold) -> dict[str, float]:
        """Add the step's pull to the base to the gradients; returns what the curve
        tells of it.
        """
        at = self.state.step
        found = hold.pull(self.model, at)
        if found is None:
            return {}
        if not math.isfinite(found):
            raise not_finite(found, at + 1, "that the base wrote (train.anchor)")
        self.state.tokens += hold.tokens(at)
        return {"anchor_kl": round(found, 6)}

    def _gradient(self, batches: list[list[int]]) -> float:
        """Fill the gradients of one step and return its mean loss; split finer when
        memory runs out.
        """
        while True:
            try:
                return self._accumulate(batches)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            self._split_finer(max(len(batch) for batch in batches))

    def _accumulate(self, batches: list[list[int]]) -> float:
        targets = sum(self.items[index].targets for batch in batches for index in batch)
        total = 0.0
        for batch in batches:
            for chunk in halves(batch, self.state.parts):
                rows = [self.items[i] for i in chunk]
                loss = token_losses(self.model, rows, self.packed).sum() / targets
                value = loss.item()
                if not math.isfinite(value):
                    names = ", ".join(row.name for row in rows[:8])
                    raise not_finite(value, self.state.step + 1, names)
                loss.backward()  # type: ignore[no-untyped-call]
                total += value
        return total

    def _split_finer(self, largest: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self.state.parts >= largest:
            raise UserError(
                f"out of memory at step {self.state.step + 1} with one "
                "sample at a time",
                fix="lower train.max_length or train.r, "
                "or set train.gradient_checkpointing: true, train.dtype: "
                "bf16 or train.load_in_4bit: true",
            )
        self.state.parts *= 2
        warn(
            f"out of memory at step {self.state.step + 1}: micro-batches are cut into "
            f"{self.state.parts}, gradients accumulate over the parts; "
            "the result is the same, only slower"
        )


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory ran out, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(
        error
    )


@dataclass
class Meter:
    """Progress on stderr: a bar on a terminal, a line every ten seconds in a pipe;
    tokens/s and time left.
    """

    what: str
    total: int
    started: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)
    _first: int | None = None

    def __call__(self, state: TrainingState) -> None:
        """Show where training stands, if it is time to."""
        import sys

        now = time.monotonic()
        self._first = self._first if self._first is not None else state.tokens
        done = state.step >= self.total
        if now - self._shown < (0.2 if sys.stderr.isatty() else 10.0) and not (
            done and sys.stderr.isatty()
        ):
            return
        self._shown = now
        end = "\n" if done or not sys.stderr.isatty() else "\r"
        sys.stderr.write(self._line(state, now - self.started) + end)

    def _line(self, state: TrainingState, seconds: float) -> str:
        rate = (state.tokens - (self._first or 0)) / max(seconds, 1e-9)
        left = seconds / max(1, state.step) * (self.total - state.step)
        loss = state.curve[-1]["loss"] if state.curve else float("nan")
        step = f"step {state.step:,} of {self.total:,}"
        return (
            f"{self.what}: {step}, loss {loss:.3f}, {rate:,.0f} tokens/s, "
            f"{left:,.0f} s left"
        )
