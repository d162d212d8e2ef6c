"""Training by several processes of one machine, a GPU each, or on the CPU:
`train.processes`.

The processes are started here and train together by TRL and accelerate; what one of
them refuses is said once. Run as a module with a job's file it is one of these
processes.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import OnBad, read_json, write_json
from afs_stages.training.chat_rows import read_chat_rows
from afs_stages.training.train import TrainingRun, train


def train_together(job: TrainingRun, on_bad: OnBad) -> dict[str, Any]:
    """Train with `train.processes` processes; returns the content of training.json.

    Bad rows are told once, before the processes start. Raises `UserError` where there
    are fewer GPUs than processes, and whatever a process refuses.
    """
    _check_devices(job.train.processes)
    for path in (job.train_file, job.val_file):
        for _ in read_chat_rows(path, on_bad) if path else ():
            pass
    with TemporaryDirectory() as folder:
        task = Path(folder) / "job.pickle"
        task.write_bytes(pickle.dumps(job))
        codes = _run(task, job.train.processes)
        refused = sorted(Path(folder).glob("refused-*.json"))
        if refused:
            raise UserError(**read_json(refused[0]))
        if any(codes):
            raise UserError(
                "a training process ended with code "
                f"{next(code for code in codes if code)}"
            )
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


def _run(task: Path, processes: int) -> list[int]:
    """Start the processes and wait; when one fails the others, which would wait for it,
    are ended.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    command = [sys.executable, "-m", "afs_stages.training.workers", str(task)]
    running = [
        subprocess.Popen(
            command,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdin=subprocess.PIPE,
        )
        for rank in range(processes)
    ]
    try:
        _wait(running)
    finally:
        for process in running:
            process.kill()
    return [process.wait() for process in running]


def _wait(running: Sequence[subprocess.Popen[bytes]]) -> None:
    while any(process.poll() is None for process in running):
        if any(process.poll() for process in running):
            return
        time.sleep(0.1)


def _end_with_parent() -> None:
    """Leave when the process that started this one is gone, however it went: its end of
    the pipe closes then.
    """
    os.read(0, 1)
    os._exit(1)


def work(task: Path) -> int:
    """Be one of the processes; the first one speaks and writes for all."""
    Thread(target=_end_with_parent, daemon=True).start()
    job: TrainingRun = pickle.loads(task.read_bytes())
    rank = int(os.environ["RANK"])
    with ExitStack() as stack:
        if rank:
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            stack.enter_context(redirect_stdout(nowhere))
            stack.enter_context(redirect_stderr(nowhere))
        try:
            train(job, lambda bad: None, main=rank == 0)
        except UserError as error:
            write_json(
                task.with_name(f"refused-{rank}.json"),
                {"what": error.what, "where": error.where, "fix": error.fix},
            )
            return 1
    _part()
    return 0


def _part() -> None:
    """Wait for the others and leave the group that accelerate made."""
    from accelerate import PartialState

    state = PartialState()
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))
