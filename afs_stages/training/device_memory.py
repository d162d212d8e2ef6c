"""Memory of the device a model is on: what is free, and a cap that holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from torch.nn import Module

MB = 2**20


def available_mb(model: Module) -> float:
    """Free memory of the model's device in MiB."""
    import torch

    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / MB
    return float(psutil.virtual_memory().available / MB)


@contextmanager
def capped(model: Module, limit_mb: float | None) -> Iterator[None]:
    """Let the process take at most `limit_mb` beyond what it has now; beyond it torch
    runs out of memory.

    On a GPU torch's own fraction holds the cap, on Linux the kernel's limit on data;
    elsewhere there is none.
    """
    import torch

    if limit_mb is None:
        yield
    elif next(model.parameters()).is_cuda:
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, (torch.cuda.memory_reserved() + limit_mb * MB) / total)
        )
        yield
        torch.cuda.set_per_process_memory_fraction(1.0)
    elif sys.platform == "linux":
        import resource

        held = psutil.Process().memory_info().data
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (int(held + limit_mb * MB), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    else:
        yield
