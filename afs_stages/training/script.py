"""A model's own training script, in any framework:
`SCRIPT --data DIR --output DIR --epochs N`.

It reads `train.jsonl` and `val.jsonl` (messages rows) from DIR, leaves its finished
adapter or model in the output folder and exits 0. Pipeline, remote job and registry
treat the folder like any other.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from afs_stages.core.atomic import atomic_folder
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import file_hash
from afs_stages.core.jsonl import OnBad, read_json, write_json
from afs_stages.training.train import TrainingRun, train


def run_job(job: TrainingRun, on_bad: OnBad) -> dict[str, Any]:
    """Train as the parameters say: with the model's own script if it names one,
    else a LoRA adapter.
    """
    if job.train.script:
        return run_script(job)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            "this is one of several processes started from outside",
            fix="start one, with --processes N",
        )
    if job.train.processes > 1:
        from afs_stages.training.workers import train_together

        return train_together(job, on_bad)
    return train(job, on_bad)


def run_script(job: TrainingRun) -> dict[str, Any]:
    """Run `train.script` of a job; returns (and completes) its training.json.

    Raises `UserError` where the script is missing, fails, or leaves nothing behind.
    """
    script = Path(job.train.script)
    if not script.is_file():
        raise UserError(
            "no such training script",
            where=str(script),
            fix="set train.script, or leave it empty",
        )
    with atomic_folder(job.output) as folder:
        command = [sys.executable, str(script), "--data", str(job.train_file.parent)]
        command += ["--output", str(folder), "--epochs", f"{job.train.epochs:g}"]
        done = subprocess.run(command, check=False)
        if done.returncode:
            raise UserError(
                f"the training script left with code {done.returncode}",
                where=shlex.join(command),
            )
        if not any(folder.iterdir()):
            raise UserError(
                "the training script wrote nothing to its --output", where=str(script)
            )
        return complete(job, folder)


def complete(job: TrainingRun, adapter: Path) -> dict[str, Any]:
    """Write, and return, the training.json of what a script left in `adapter`.

    It holds what the script recorded itself,
    with the facts every adapter must carry over it.
    """
    own = adapter / "training.json"
    told = read_json(own) if own.is_file() else {}
    script = job.train.script
    facts = {
        **told,
        **job.facts(),
        # What a script starts from is its own affair.
        "start": None,
        "script": {"name": script, "hash": file_hash(Path(script))},
        "data": {"train": {"hash": file_hash(job.train_file)}},
    }
    write_json(own, facts)
    return facts
