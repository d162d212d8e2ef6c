"""A job from plan to adapter: rent, upload, watch, bring home, give back; again on the next machine
when one is lost, as long as the cap allows. Every step can be killed and started again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import write_json
from afs_stages.core.params import Params
from afs_stages.remote import collect
from afs_stages.remote.bundle import Bundle
from afs_stages.remote.clock import Clock
from afs_stages.remote.journal import Job, Journal, Machine
from afs_stages.remote.link import Link, Unreachable
from afs_stages.remote.plan import Wish
from afs_stages.remote.receipt import write_receipt
from afs_stages.remote.rent import Desk
from afs_stages.remote.service import Instance, Service

Connect = Callable[[Instance], Link]
Show = Callable[[dict[str, Any]], None]
LOOK = ["EXIT", "status.json", "checkpoint.json", "guard.state"]


class Lost(Exception):
    """This machine will not finish the job; another may."""


class Failed(UserError):
    """The job itself failed: no other machine would do better."""


@dataclass
class Launcher:
    """Drives one job; whatever it learns stands in the journal before it acts on it."""

    service: Service
    params: Params
    journal: Journal
    wish: Wish
    bundle: Bundle
    clock: Clock
    connect: Connect
    public_key: str
    show: Show

    @property
    def partial(self) -> Path:
        """Checkpoints brought home so far."""
        return self.journal.folder / "partial"

    @property
    def result(self) -> Path:
        """The finished job's results."""
        return self.journal.folder / "result"

    def run(self, detach: bool = False) -> Job:
        """Take the job to its end (or, detached, to the start of training); raises `UserError` where it fails.

        A job of this very bundle that is done already is not paid for again.
        """
        job = self._job()
        if job.state == "done":
            return job
        desk = Desk(self.service, self.params, self.journal, job, self.clock)
        desk.reconcile()
        try:
            while job.state == "open":
                if job.collected:
                    self._done(desk)
                    break
                machine = job.current or self._next(desk)
                if self._drive(desk, machine, detach) == "detached":
                    return job
        except BaseException as error:
            self._close(desk, error)
            raise
        finally:
            write_receipt(self.journal, job, desk.cost)
        return job

    def _job(self) -> Job:
        """The open job of this bundle, or a new one; another bundle's checkpoints are of no use to it."""
        job = self.journal.load()
        if job and job.bundle == self.bundle.hash and (job.state == "open" or self._whole(job)):
            return job
        if job and any(not machine.gone for machine in job.machines):
            self._finish_old(job)
        if job and job.bundle != self.bundle.hash:
            shutil.rmtree(self.partial, ignore_errors=True)
        wish = self.wish
        job = Job(wish.model, self.bundle.hash, wish.budget, wish.max_hours, wish.gpu_class, wish.interruptible)
        self.journal.save(job, "planned")
        return job

    def _whole(self, job: Job) -> bool:
        """A finished job whose results are still here."""
        return job.state == "done" and (self.result / "adapter").is_dir()

    def _finish_old(self, job: Job) -> None:
        """Nothing of an earlier job may go on costing money."""
        desk = Desk(self.service, self.params, self.journal, job, self.clock)
        desk.reconcile()
        if job.current:
            desk.give_back(job.current, "superseded by a new job")
        write_receipt(self.journal, job, desk.cost)

    def _next(self, desk: Desk) -> Machine:
        used = [machine for machine in desk.job.machines if machine.instance is not None]
        if len(used) >= self.params.remote.max_machines:
            raise UserError(
                f"{len(used)} machines were lost, the last one: {used[-1].fate}",
                fix="run again to go on from the last checkpoint, or set remote.max_machines",
            )
        desk.avoid = {int(machine.offer["machine"]) for machine in used}
        return desk.rent(self.wish, self.public_key)

    def _drive(self, desk: Desk, machine: Machine, detach: bool) -> str:
        """One machine from rented to given back; a lost one is given back too, and the job stays open."""
        try:
            link = self._reach(desk, machine)
            if not machine.started:
                self._begin(desk, machine, link)
            if detach:
                return self._detach(desk, link)
            facts = self._watch(desk, machine)
            self._finish(desk, machine, facts)
        except Lost as lost:
            warn(f"machine {machine.instance}: {lost}")
            desk.give_back(machine, str(lost))
        return ""

    def _detach(self, desk: Desk, link: Link) -> str:
        try:
            link.touch("detached")
        except Unreachable as error:
            raise Lost(f"it could not be told that nobody watches: {error}") from None
        desk.job.detached = True
        self.journal.save(desk.job, "detached")
        return "detached"

    def _reach(self, desk: Desk, machine: Machine) -> Link:
        """Wait until the machine runs, answers, and its guard is on watch. Raises `Lost`."""
        instance = self._running(desk, machine)
        end = self.clock.now() + self.params.remote.timing.ssh
        why = "its guard did not start"
        while True:
            link = self.connect(instance)
            try:
                if "guard.state" in link.read(["guard.state"]):
                    self.journal.save(desk.job, "guarded")
                    return link
            except Unreachable as error:
                why = f"ssh does not answer: {error}"
            if self.clock.now() >= end:
                raise Lost(why)
            self.clock.sleep(self.params.remote.timing.poll)
            instance = self._alive(machine)

    def _running(self, desk: Desk, machine: Machine) -> Instance:
        timing = self.params.remote.timing
        end = machine.asked + timing.loading if machine.running is None else self.clock.now() + timing.stopped
        while True:
            instance = self._alive(machine)
            if instance.status == "running" and instance.host:
                if machine.running is None:
                    machine.running = self.clock.now()
                    self.journal.save(desk.job, "running")
                return instance
            self.show({"machine": machine.instance, "phase": instance.status, "message": instance.message})
            if self.clock.now() >= end:
                raise Lost(f"still '{instance.status}' after the time-out {instance.message}".strip())
            if instance.status in ("exited", "stopped") and not self.wish.interruptible:
                self.service.start(instance.id)
            self.clock.sleep(timing.poll)

    def _alive(self, machine: Machine) -> Instance:
        assert machine.instance is not None
        instance = self.service.show(machine.instance)
        if instance is None:
            raise Lost("the machine is gone")
        return instance

    def _begin(self, desk: Desk, machine: Machine, link: Link) -> None:
        """Upload bundle and checkpoints and say READY; anything half done before is done over."""
        try:
            link.touch("heartbeat")
            link.push(self.bundle.folder, "bundle")
            self.journal.save(desk.job, "uploaded")
            for folder in self._checkpoints():
                link.push(folder, f"bundle/{folder.relative_to(self.partial)}")
            link.touch("heartbeat", "READY")
        except Unreachable as error:
            raise Lost(f"the upload broke off: {error}") from None
        machine.started = True
        self.journal.save(desk.job, "started")

    def _checkpoints(self) -> list[Path]:
        if not self.partial.is_dir():
            return []
        pattern = [path for path in self.partial.rglob("*") if path.is_dir() and path.parent.name.endswith("adapter")]
        pattern += [path for path in self.partial.rglob("*.checkpoints/*") if path.is_dir()]
        return sorted(path for path in pattern if not path.name.startswith("."))

    def _watch(self, desk: Desk, machine: Machine) -> dict[str, Any]:
        """Heartbeat, progress and checkpoints until the box writes EXIT; its content. Raises `Lost`."""
        timing, have = self.params.remote.timing, ""
        silent_since: float | None = None
        while True:
            link = self.connect(self._running(desk, machine))
            try:
                link.touch("heartbeat")
                found = link.read(LOOK)
                have = self._keep(desk, link, found.get("checkpoint.json", ""), have)
                silent_since = None
                status = _json(found.get("status.json"))
                write_json(self.journal.folder / "status.json", status)
                self.show({"machine": machine.instance, "dollars": desk.cost(machine), **status})
                if "EXIT" in found:
                    return _json(found["EXIT"])
            except Unreachable as error:
                silent_since = silent_since or self.clock.now()
                if self.clock.now() - silent_since >= timing.stopped:
                    raise Lost(f"out of reach: {error}") from None
            self.clock.sleep(timing.poll)

    def _keep(self, desk: Desk, link: Link, text: str, have: str) -> str:
        """Bring a new checkpoint home; one that goes away or changes while it is copied is left."""
        if not text or text == have:
            return have
        try:
            collect.checkpoint(link, text, self.partial)
        except (collect.Damaged, Unreachable):
            return have
        self.journal.save(desk.job, "checkpoint")
        return text

    def _finish(self, desk: Desk, machine: Machine, facts: dict[str, Any]) -> None:
        """Results home and checked, then the machine goes, then the job is done."""
        self.journal.save(desk.job, "finished")
        if facts.get("code", 1) != 0:
            self._failed(desk, machine, facts)
        self._bring_home(machine)
        desk.job.collected = True
        self.journal.save(desk.job, "collected")
        self._done(desk)

    def _done(self, desk: Desk) -> None:
        if desk.job.current:
            desk.give_back(desk.job.current, "finished")
        desk.job.state = "done"
        shutil.rmtree(self.partial, ignore_errors=True)
        self.journal.save(desk.job, "done")

    def _bring_home(self, machine: Machine) -> None:
        """Collect, again and again until it is whole: the machine holds the only copy."""
        end = self.clock.now() + self.params.remote.timing.stopped
        while True:
            try:
                link = self.connect(self._alive(machine))
                link.touch("heartbeat")
                return collect.results(link, self.result)
            except (collect.Damaged, Unreachable) as error:
                warn(f"bringing the results home: {error}; trying again")
                if self.clock.now() >= end:
                    raise Lost(f"the results could not be brought home: {error}") from None
            self.clock.sleep(self.params.remote.timing.poll)

    def _failed(self, desk: Desk, machine: Machine, facts: dict[str, Any]) -> None:
        """The box says it failed: keep its logs, give it back, and say what it said."""
        collect.logs(self.connect(self._alive(machine)), self.journal.folder / "logs")
        why = f"phase '{facts.get('phase')}' failed on the machine: {facts.get('why')}"
        desk.give_back(machine, why)
        tail = _tail(self.journal.folder / "logs" / f"{facts.get('phase')}.log")
        if facts.get("code") == 97:
            return
        raise Failed(f"{why}\n{tail}".rstrip(), where=str(self.journal.folder / "logs"), fix=self._advice())

    def _advice(self) -> str:
        if self._checkpoints():
            return "run again to go on from the last checkpoint (a new budget counts anew), or mend the cause first"
        return "mend the cause and run again; no checkpoint was made"

    def _close(self, desk: Desk, error: BaseException) -> None:
        """Nothing may go on costing money after an error or Ctrl-C."""
        if desk.job.current:
            desk.give_back(desk.job.current, "stopped by the user" if not isinstance(error, UserError) else error.what)
        desk.job.state, desk.job.why = "failed", str(error)
        self.journal.save(desk.job, "failed")


def _json(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}


def _tail(path: Path, lines: int = 8) -> str:
    if not path.is_file():
        return ""
    return "\n".join("  | " + line for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[-lines:])
