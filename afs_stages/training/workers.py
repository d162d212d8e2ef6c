"""Training by several processes of one machine, a GPU each, or on the CPU:
`train.processes`.

torch starts them and ends the others when one fails. They train together by TRL and
accelerate; what one of them refuses is said once.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import OnBad, read_json
from afs_stages.training.chat_rows import read_chat_rows
from afs_stages.training.train import TrainingRun, train


def train_together(job: TrainingRun, on_bad: OnBad) -> dict[str, Any]:
    """Train with `train.processes` processes; returns the content of training.json.

    Bad rows are told once, before the processes start. Raises `UserError` where there
    are fewer GPUs than processes, and whatever a process refuses.
    """
    from accelerate.utils.other import get_free_port
    from torch.multiprocessing.spawn import ProcessException, spawn

    processes = job.train.processes
    _check_devices(processes)
    for path in (job.train_file, job.val_file):
        for _ in read_chat_rows(path, on_bad) if path else ():
            pass
    refusals = get_context("spawn").SimpleQueue()
    port = str(get_free_port())
    try:
        shared = (job, port, refusals)
        spawn(_work, shared, processes, daemon=True)  # type: ignore[no-untyped-call]
    except ProcessException as error:
        if refusals.empty():
            raise UserError(f"a training process failed: {error}") from None
        what, where, fix = refusals.get()
        raise UserError(what, where=where, fix=fix) from None
    facts: dict[str, Any] = read_json(job.output / "training.json")
    return facts


def _check_devices(processes: int) -> None:
    import torch

    if not torch.cuda.is_available():
        warn(f"no GPU here: {processes} processes share the CPU")
    elif torch.cuda.device_count() < processes:
        raise UserError(
            f"train.processes is {processes}, "
            f"and there are {torch.cuda.device_count()} GPUs",
            fix="one process a GPU: lower train.processes",
        )


def _end_with_parent() -> None:
    """Leave when the process that started this one is gone, however it went."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(rank: int, job: TrainingRun, port: str, refusals: Any) -> None:
    """Be one of the processes; the first one speaks and writes for all."""
    from accelerate import PartialState

    Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(job.train.processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    if rank:
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    try:
        train(job, lambda bad: None, main=rank == 0)
    except UserError as error:
        refusals.put((error.what, error.where, error.fix))
        sys.exit(1)
    state = PartialState()
    state.wait_for_everyone()
    state.destroy_process_group()
