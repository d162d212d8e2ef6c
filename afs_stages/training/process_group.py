"""The processes that train together, and what they must agree on: gradients, losses,
whether memory ran out.

Every process holds the whole model and takes its share of each step's micro-batches, so
that the sum of their gradients is the gradient one process would have found.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Process `rank` (from 0) of `size`; by default the only one."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def share(self, parts: Sequence[T]) -> Sequence[T]:
        """This process's share of a step's micro-batches."""
        return parts[self.rank :: self.size]

    def total(self, value: float) -> float:
        """The sum of every process's value."""
        return self._together(value, "SUM")

    def largest(self, value: float) -> float:
        """The largest of every process's value."""
        return self._together(value, "MAX")

    def add_gradients(self, weights: Sequence[Tensor]) -> None:
        """Replace the gradients by their sum over all processes;
        who had no share counts as zero.
        """
        if self.size == 1:
            return
        import torch
        from torch import distributed

        for weight in weights:
            weight.grad = (
                torch.zeros_like(weight) if weight.grad is None else weight.grad
            )
            distributed.all_reduce(weight.grad)

    def _together(self, value: float, how: str) -> float:
        if self.size == 1:
            return value
        import torch
        from torch import distributed

        device = "cuda" if torch.cuda.is_available() else "cpu"
        held = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(held, getattr(distributed.ReduceOp, how))
        return float(held)


def join() -> ProcessGroup:
    """Join the processes that the environment names (RANK, WORLD_SIZE …); accelerate
    chooses device and backend.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ProcessGroup()
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return ProcessGroup(state.process_index, state.num_processes)


def leave() -> None:
    """Wait for the others and part."""
    from accelerate import PartialState

    state = PartialState()
    state.wait_for_everyone()
    state.destroy_process_group()
