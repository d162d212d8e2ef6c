"""What this computer knows of a job: one small file, replaced atomically before and
after every act.

It is written before a machine is asked for, so that a launcher killed at any moment
finds its machine again by label; and it holds every dollar promised, so that a cap
holds over several machines.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json

STATE = Path(".afs/remote")
"""Local state of remote jobs, ignored by Git."""
PREFIX = "afs-stages:"
"""Every machine of ours has a label that starts so."""


@dataclass
class Machine:
    """One machine asked for, from the asking to the last that was heard of it."""

    label: str
    offer: dict[str, Any]
    seconds: float
    """Paid life its guard allows."""
    reserved: float
    """Dollars it can cost at the very most."""
    asked: float
    instance: int | None = None
    running: float | None = None
    ended: float | None = None
    fate: str = ""
    gone: bool = False
    """The service itself showed nothing any more (or never rented it)."""
    started: bool = False
    dollars: float = 0.0
    home_gb: float = 0.0
    """Checkpoints that came home from it."""

    def lease_end(self, loading: float) -> float:
        """When its paid time is over, by this computer's clock; `loading` is how long
        it may load at the most.
        """
        latest = self.asked + loading
        begun = latest if self.running is None else min(self.running, latest)
        return begun + self.seconds


@dataclass
class Job:
    """A training job and its machines."""

    model: str
    bundle: str
    budget: float
    max_hours: float
    gpu: str
    interruptible: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    detached: bool = False
    state: str = "open"
    """open, done or failed"""
    why: str = ""
    collected: bool = False
    """The results are home and checked; only giving the machine back is left."""
    machines: list[Machine] = field(default_factory=list)
    former: list[str] = field(default_factory=list)
    """What the labels of earlier jobs' machines start with that were
    never seen gone.
    """

    @property
    def prefix(self) -> str:
        """What the labels of this job's machines start with; the nonce keeps two
        computers apart.
        """
        return f"{PREFIX}{self.model}:{self.bundle[:12]}:{self.nonce}:"

    @property
    def current(self) -> Machine | None:
        """The machine in use, or asked for and not settled."""
        last = self.machines[-1] if self.machines else None
        return last if last and not last.fate else None

    def unsettled(self) -> list[Machine]:
        """Machines that may still live."""
        return [machine for machine in self.machines if not machine.gone]

    def promised(self) -> float:
        """Dollars spent for certain plus dollars that machines not confirmed
        gone may still cost.
        """
        return sum(
            machine.dollars if machine.gone else machine.reserved
            for machine in self.machines
        )

    def left(self) -> float:
        """Dollars of the budget that nothing has a claim on."""
        return self.budget - self.promised()


class Journal:
    """The file of one model's job."""

    def __init__(self, model: str, root: Path = STATE) -> None:
        self.folder = root / model
        self.path = self.folder / "journal.json"

    def load(self) -> Job | None:
        """The job as last saved."""
        if not self.path.is_file():
            return None
        data = read_json(self.path)
        return Job(
            **{**data, "machines": [Machine(**machine) for machine in data["machines"]]}
        )

    def save(self, job: Job, step: str) -> None:
        """Write the job; `step` names what has just been done, or is about to be."""
        write_json(self.path, asdict(job))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only launcher of this model here;
        the kernel lets go when the process dies.

        Raises `UserError` where another launcher is at work.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = _number_in(handle)
                raise UserError(
                    f"another launcher is at work on {self.folder.name} (process "
                    f"{owner or 'unknown'})",
                    where=str(self.folder),
                    fix="wait for it (`afs vastai monitor` shows how far it is), "
                    "or end it with Ctrl-C or `kill "
                    f"{owner or 'PROCESS'}` and run again",
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def owner(self) -> int:
        """The process that holds the lock, 0 for none."""
        try:
            handle = os.open(self.folder / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return 0
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return 0
        except BlockingIOError:
            return _number_in(handle)
        finally:
            os.close(handle)


def _number_in(handle: int) -> int:
    text = os.pread(handle, 32, 0).decode()
    return int(text) if text.isdigit() else 0


def jobs(root: Path = STATE) -> list[Job]:
    """Every job this computer knows of."""
    found = [
        Journal(path.parent.name, root).load()
        for path in sorted(root.glob("*/journal.json"))
    ]
    return [job for job in found if job]
