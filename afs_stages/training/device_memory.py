"""Memory of the device a model is on: what is free, and a cap that holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Module

MB = 2**20


def available_mb(model: Module) -> float:
    """Free memory of the model's device in MiB; infinite where the system won't say."""
    import torch

    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / MB
    value = _proc(Path("/proc/meminfo"), "MemAvailable")
    return float("inf") if value is None else value


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
    else:
        with _limited_data(limit_mb):
            yield


@contextmanager
def _limited_data(limit_mb: float) -> Iterator[None]:
    held = _proc(Path("/proc/self/status"), "VmData")
    if sys.platform != "linux" or held is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int((held + limit_mb) * MB), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _proc(path: Path, key: str) -> float | None:
    """A value of one of the kernel's tables, in MiB."""
    if not path.is_file():
        return None
    line = next(line for line in path.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024
