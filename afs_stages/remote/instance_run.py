"""One machine at work: reached, loaded, watched, its results brought home.
It gives nothing back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.jsonl import write_json
from afs_stages.core.params import Params
from afs_stages.remote import fetch as collect
from afs_stages.remote import inbox
from afs_stages.remote.bundle import Bundle, adapter_of
from afs_stages.remote.clock import Clock
from afs_stages.remote.connection import Connection, Unreachable
from afs_stages.remote.journal import Journal, Machine
from afs_stages.remote.lease import LeaseManager
from afs_stages.remote.plan import JobRequest
from afs_stages.remote.service import Instance, Service

LOOK = ["EXIT", "status.json", "checkpoint.json", "guard.state"]


class InstanceLost(Exception):
    """This machine will not finish the job; another may."""


@dataclass
class JobContext:
    """What a job is done with, whichever machine does it."""

    service: Service
    params: Params
    journal: Journal
    request: JobRequest
    bundle: Bundle
    clock: Clock
    connect: Callable[[Instance, float], Connection]
    """A line to a machine that holds for so many seconds."""
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
        found = [
            path
            for path in self.partial.rglob("*")
            if path.is_dir() and path.parent.name.endswith("adapter")
        ]
        found += [
            path for path in self.partial.rglob("*.checkpoints/*") if path.is_dir()
        ]
        return sorted(path for path in found if not path.name.startswith("."))


@dataclass
class GuardWatch:
    """Whether a machine's guard goes on: what it writes changes from look to look, by
    this computer's clock.

    What the machine's own clock says is not believed.
    """

    patience: float
    """Seconds after which a guard that stands still is dead."""
    said: str = ""
    since: float | None = None

    def look(self, text: str, now: float) -> bool:
        """Whether it has moved since the look before.
        Raises `InstanceLost` where it has long stood still.
        """
        if self.since is None or text != self.said:
            moved = self.since is not None
            self.said, self.since = text, now
            return moved
        if now - self.since >= self.patience:
            raise InstanceLost("its guard stands still")
        return False

    def blind(self) -> None:
        """The machine could not be looked at, or did not run: the time until the next
        look does not count.
        """
        self.since = None


@dataclass
class InstanceRun:
    """One machine, from the wait for it to its results;
    raises `InstanceLost` where it will not finish.

    The guard ends it at the end of its paid time. Should the guard be dead, this does,
    half of `timing.teardown` later: the other half is for the destroy to get through.
    """

    kit: JobContext
    desk: LeaseManager
    machine: Machine
    guard: GuardWatch = field(init=False)

    def __post_init__(self) -> None:
        self.guard = GuardWatch(self.kit.params.remote.timing.stopped)

    def left(self) -> float:
        """Seconds until this computer ends the machine."""
        timing = self.kit.params.remote.timing
        end = self.machine.lease_end(timing.loading) + timing.teardown / 2
        return end - self.kit.clock.now()

    def line(self, instance: Instance) -> Connection:
        """A line to the machine that holds as long as it may live."""
        return self.kit.connect(instance, self.left())

    def reach(self) -> Connection:
        """Wait until the machine runs, answers, and its guard is on watch.
        Raises `InstanceLost`.
        """
        instance = self._running()
        end = self.kit.clock.now() + self.kit.params.remote.timing.ssh
        why = "its guard did not start"
        while True:
            link = self.line(instance)
            try:
                if "guard.state" in link.read(["guard.state"]):
                    self.kit.journal.save(self.desk.job, "guarded")
                    return link
            except Unreachable as error:
                why = f"ssh does not answer: {error}"
            if self.kit.clock.now() >= end:
                raise InstanceLost(why)
            self.kit.clock.sleep(self.kit.params.remote.timing.poll)
            instance = self.alive()

    def _running(self) -> Instance:
        timing = self.kit.params.remote.timing
        new = self.machine.running is None
        end = (
            self.machine.asked + timing.loading
            if new
            else self.kit.clock.now() + timing.stopped
        )
        while True:
            instance = self.alive()
            if instance.status == "running" and instance.host:
                if self.machine.running is None:
                    self.machine.running = self.kit.clock.now()
                    self.kit.journal.save(self.desk.job, "running")
                return instance
            self.guard.blind()
            self.kit.show(
                {
                    "machine": self.machine.instance,
                    "phase": instance.status,
                    "message": instance.message,
                }
            )
            if self.kit.clock.now() >= end:
                raise InstanceLost(
                    f"still '{instance.status}' after the time-out "
                    f"{instance.message}".strip()
                )
            if (
                instance.status in ("exited", "stopped")
                and not self.kit.request.interruptible
            ):
                self.kit.service.start(instance.id)
            self.kit.clock.sleep(timing.poll)

    def alive(self) -> Instance:
        """The machine as the service shows it.
        Raises `InstanceLost` where it is gone, or lives longer than is paid for.
        """
        assert self.machine.instance is not None
        instance = self.kit.service.show(self.machine.instance)
        if instance is None:
            raise InstanceLost("the machine is gone")
        if self.left() <= 0:
            raise InstanceLost("its paid time is over and its guard did not end it")
        return instance

    def begin(self, link: Connection) -> None:
        """Upload bundle and checkpoints and say READY;
        anything half done before is done over.
        """
        try:
            link.touch("heartbeat")
            link.push(self.kit.bundle.folder, "bundle")
            self.kit.journal.save(self.desk.job, "uploaded")
            for folder in self.kit.checkpoints():
                link.push(folder, f"bundle/{folder.relative_to(self.kit.partial)}")
            link.touch("heartbeat", "READY")
        except Unreachable as error:
            raise InstanceLost(f"the upload broke off: {error}") from None
        self.machine.started = True
        self.kit.journal.save(self.desk.job, "started")

    def detach(self, link: Connection) -> str:
        """Tell the guard that nobody watches from now on, and see that it does."""
        try:
            link.touch("detached")
            self._guard_moves(link)
        except Unreachable as error:
            raise InstanceLost(
                f"it could not be told that nobody watches: {error}"
            ) from None
        self.desk.job.detached = True
        self.kit.journal.save(self.desk.job, "detached")
        return "detached"

    def _guard_moves(self, link: Connection) -> None:
        """Wait until the guard has written something new; nobody else looks after a
        detached machine.
        """
        timing = self.kit.params.remote.timing
        watch = GuardWatch(timing.ssh)
        while not watch.look(
            link.read(["guard.state"]).get("guard.state", ""), self.kit.clock.now()
        ):
            self.kit.clock.sleep(min(timing.poll, timing.guard_tick))

    def watch(self) -> dict[str, Any]:
        """Heartbeat, progress and checkpoints until the box writes EXIT; its content.
        Raises `InstanceLost`.
        """
        timing, have = self.kit.params.remote.timing, ""
        silent_since: float | None = None
        while True:
            link = self.line(self._running())
            try:
                link.touch("heartbeat")
                found = link.read(LOOK)
                have = self._keep(link, found.get("checkpoint.json", ""), have)
                silent_since = None
                status = inbox.status(found.get("status.json"))
                write_json(self.kit.journal.folder / "status.json", status)
                self.kit.show(
                    {
                        "machine": self.machine.instance,
                        "dollars": self.desk.cost(self.machine),
                        **status,
                    }
                )
                if "EXIT" in found:
                    return inbox.exit_facts(found["EXIT"])
                self.guard.look(found.get("guard.state", ""), self.kit.clock.now())
            except Unreachable as error:
                self.guard.blind()
                silent_since = silent_since or self.kit.clock.now()
                if self.kit.clock.now() - silent_since >= timing.stopped:
                    raise InstanceLost(f"out of reach: {error}") from None
            self.desk.sweep()
            self.kit.clock.sleep(timing.poll)

    def _keep(self, link: Connection, text: str, have: str) -> str:
        """Bring a new checkpoint home; one that goes away or changes while it
        is copied is left.

        Traffic is paid for: the last share of what was set aside for it
        is the results'.
        """
        if not text or text == have:
            return have
        largest = self._largest()
        if self.machine.home_gb + 2 * largest > self.kit.request.up_gb:
            warn(
                f"no more checkpoints come home: {self.kit.request.up_gb:.2f} GB of "
                "traffic were set aside"
            )
            return text
        try:
            name = collect.checkpoint(link, text, self.kit.partial, self._places())
        except (collect.Damaged, Unreachable):
            self.machine.home_gb += largest
            return have
        self.machine.home_gb += size_gb(self.kit.partial / name)
        self.kit.journal.save(self.desk.job, "checkpoint")
        return text

    def _places(self) -> list[str]:
        """Folders of the machine in which a checkpoint may lie."""
        adapter = adapter_of(self.kit.request.model)
        return [f"{adapter}.checkpoints", str(adapter)]

    def _largest(self) -> float:
        """Size of the checkpoint at home, GB: the next will be like it."""
        return max((size_gb(folder) for folder in self.kit.checkpoints()), default=0.0)

    def bring_home(self) -> None:
        """Collect, again and again until it is whole:
        the machine holds the only copy.
        """
        end = self.kit.clock.now() + self.kit.params.remote.timing.stopped
        while True:
            try:
                link = self.line(self.alive())
                link.touch("heartbeat")
                return collect.results(link, self.kit.result)
            except (collect.Damaged, Unreachable) as error:
                warn(f"bringing the results home: {error}; trying again")
                if self.kit.clock.now() >= end:
                    raise InstanceLost(
                        f"the results could not be brought home: {error}"
                    ) from None
            self.kit.clock.sleep(self.kit.params.remote.timing.poll)


def size_gb(folder: Path) -> float:
    """Size of a folder's files, GB."""
    return (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9
    )
