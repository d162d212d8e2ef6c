"""One machine at work: reached, loaded, watched, its results brought home. It gives nothing back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.jsonl import write_json
from afs_stages.core.params import Params
from afs_stages.remote import collect
from afs_stages.remote.bundle import Bundle
from afs_stages.remote.clock import Clock
from afs_stages.remote.journal import Journal, Machine
from afs_stages.remote.link import Link, Unreachable
from afs_stages.remote.plan import Wish
from afs_stages.remote.rent import Desk
from afs_stages.remote.service import Instance, Service

LOOK = ["EXIT", "status.json", "checkpoint.json", "guard.state"]


class Lost(Exception):
    """This machine will not finish the job; another may."""


@dataclass
class Kit:
    """What a job is done with, whichever machine does it."""

    service: Service
    params: Params
    journal: Journal
    wish: Wish
    bundle: Bundle
    clock: Clock
    connect: Callable[[Instance], Link]
    public_key: str
    show: Callable[[dict[str, Any]], None]

    @property
    def partial(self) -> Path:
        """Checkpoints brought home so far."""
        return self.journal.folder / "partial"

    @property
    def result(self) -> Path:
        """The finished job's results."""
        return self.journal.folder / "result"

    def checkpoints(self) -> list[Path]:
        """Whole checkpoints at home, to go on from."""
        if not self.partial.is_dir():
            return []
        found = [path for path in self.partial.rglob("*") if path.is_dir() and path.parent.name.endswith("adapter")]
        found += [path for path in self.partial.rglob("*.checkpoints/*") if path.is_dir()]
        return sorted(path for path in found if not path.name.startswith("."))


@dataclass
class Visit:
    """One machine, from the wait for it to its results; raises `Lost` where it will not finish."""

    kit: Kit
    desk: Desk
    machine: Machine

    def reach(self) -> Link:
        """Wait until the machine runs, answers, and its guard is on watch. Raises `Lost`."""
        instance = self._running()
        end = self.kit.clock.now() + self.kit.params.remote.timing.ssh
        why = "its guard did not start"
        while True:
            link = self.kit.connect(instance)
            try:
                if "guard.state" in link.read(["guard.state"]):
                    self.kit.journal.save(self.desk.job, "guarded")
                    return link
            except Unreachable as error:
                why = f"ssh does not answer: {error}"
            if self.kit.clock.now() >= end:
                raise Lost(why)
            self.kit.clock.sleep(self.kit.params.remote.timing.poll)
            instance = self.alive()

    def _running(self) -> Instance:
        timing = self.kit.params.remote.timing
        new = self.machine.running is None
        end = self.machine.asked + timing.loading if new else self.kit.clock.now() + timing.stopped
        while True:
            instance = self.alive()
            if instance.status == "running" and instance.host:
                if self.machine.running is None:
                    self.machine.running = self.kit.clock.now()
                    self.kit.journal.save(self.desk.job, "running")
                return instance
            self.kit.show({"machine": self.machine.instance, "phase": instance.status, "message": instance.message})
            if self.kit.clock.now() >= end:
                raise Lost(f"still '{instance.status}' after the time-out {instance.message}".strip())
            if instance.status in ("exited", "stopped") and not self.kit.wish.interruptible:
                self.kit.service.start(instance.id)
            self.kit.clock.sleep(timing.poll)

    def alive(self) -> Instance:
        """The machine as the service shows it."""
        assert self.machine.instance is not None
        instance = self.kit.service.show(self.machine.instance)
        if instance is None:
            raise Lost("the machine is gone")
        return instance

    def begin(self, link: Link) -> None:
        """Upload bundle and checkpoints and say READY; anything half done before is done over."""
        try:
            link.touch("heartbeat")
            link.push(self.kit.bundle.folder, "bundle")
            self.kit.journal.save(self.desk.job, "uploaded")
            for folder in self.kit.checkpoints():
                link.push(folder, f"bundle/{folder.relative_to(self.kit.partial)}")
            link.touch("heartbeat", "READY")
        except Unreachable as error:
            raise Lost(f"the upload broke off: {error}") from None
        self.machine.started = True
        self.kit.journal.save(self.desk.job, "started")

    def detach(self, link: Link) -> str:
        """Tell the guard that nobody watches from now on."""
        try:
            link.touch("detached")
        except Unreachable as error:
            raise Lost(f"it could not be told that nobody watches: {error}") from None
        self.desk.job.detached = True
        self.kit.journal.save(self.desk.job, "detached")
        return "detached"

    def watch(self) -> dict[str, Any]:
        """Heartbeat, progress and checkpoints until the box writes EXIT; its content. Raises `Lost`."""
        timing, have = self.kit.params.remote.timing, ""
        silent_since: float | None = None
        while True:
            link = self.kit.connect(self._running())
            try:
                link.touch("heartbeat")
                found = link.read(LOOK)
                have = self._keep(link, found.get("checkpoint.json", ""), have)
                silent_since = None
                status = _json(found.get("status.json"))
                write_json(self.kit.journal.folder / "status.json", status)
                self.kit.show({"machine": self.machine.instance, "dollars": self.desk.cost(self.machine), **status})
                if "EXIT" in found:
                    return _json(found["EXIT"])
            except Unreachable as error:
                silent_since = silent_since or self.kit.clock.now()
                if self.kit.clock.now() - silent_since >= timing.stopped:
                    raise Lost(f"out of reach: {error}") from None
            self.desk.sweep()
            self.kit.clock.sleep(timing.poll)

    def _keep(self, link: Link, text: str, have: str) -> str:
        """Bring a new checkpoint home; one that goes away or changes while it is copied is left.

        Traffic is paid for: the last share of what was set aside for it is the results'.
        """
        if not text or text == have:
            return have
        largest = self._largest()
        if self.machine.home_gb + 2 * largest > self.kit.wish.up_gb:
            warn(f"no more checkpoints come home: {self.kit.wish.up_gb:.2f} GB of traffic were set aside")
            return text
        try:
            name = collect.checkpoint(link, text, self.kit.partial)
        except (collect.Damaged, Unreachable):
            self.machine.home_gb += largest
            return have
        self.machine.home_gb += size_gb(self.kit.partial / name)
        self.kit.journal.save(self.desk.job, "checkpoint")
        return text

    def _largest(self) -> float:
        """Size of the checkpoint at home, GB: the next will be like it."""
        return max((size_gb(folder) for folder in self.kit.checkpoints()), default=0.0)

    def bring_home(self) -> None:
        """Collect, again and again until it is whole: the machine holds the only copy."""
        end = self.kit.clock.now() + self.kit.params.remote.timing.stopped
        while True:
            try:
                link = self.kit.connect(self.alive())
                link.touch("heartbeat")
                return collect.results(link, self.kit.result)
            except (collect.Damaged, Unreachable) as error:
                warn(f"bringing the results home: {error}; trying again")
                if self.kit.clock.now() >= end:
                    raise Lost(f"the results could not be brought home: {error}") from None
            self.kit.clock.sleep(self.kit.params.remote.timing.poll)


def size_gb(folder: Path) -> float:
    """Size of a folder's files, GB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


def _json(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}
