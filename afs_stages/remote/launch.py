"""A job from plan to adapter: rent, upload, watch, bring home, give back; again on the
next machine when one is lost, as long as the cap allows. Every step can be killed and
started again.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.remote import fetch as collect
from afs_stages.remote import inbox
from afs_stages.remote.instance_run import InstanceLost, InstanceRun, JobContext
from afs_stages.remote.journal import Job, Machine
from afs_stages.remote.lease import LeaseManager
from afs_stages.remote.onstart import start_command
from afs_stages.remote.receipt import write_receipt


class Failed(UserError):
    """The job itself failed: no other machine would do better."""


class Launcher(JobContext):
    """Drives one job; whatever it learns stands in the journal before it acts on it."""

    def run(self, detach: bool = False) -> Job:
        """Take the job to its end (or, detached, to the start of training); raises
        `UserError` where it fails.

        A job of this very bundle that is done already is not paid for again.
        """
        start_command(
            self.params.remote.timing, self.service.url, self.request.max_hours * 3600
        )
        job = self._job()
        desk = self._desk(job)
        if job.state == "done":
            desk.sweep()
            write_receipt(self.journal, job, desk.cost)
            return job
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

    def _desk(self, job: Job) -> LeaseManager:
        return LeaseManager(self.service, self.params, self.journal, job, self.clock)

    def _job(self) -> Job:
        """The open job of this bundle, or a new one; another bundle's checkpoints are
        of no use to it.
        """
        job = self.journal.load()
        if (
            job
            and job.bundle == self.bundle.hash
            and (job.state == "open" or self._whole(job))
        ):
            return job
        former = self._finish_old(job) if job else []
        if job and job.bundle != self.bundle.hash:
            shutil.rmtree(self.partial, ignore_errors=True)
        request = self.request
        job = Job(
            request.model,
            self.bundle.hash,
            request.budget,
            request.max_hours,
            request.gpu_class,
            request.interruptible,
        )
        job.former = former
        self.journal.save(job, "planned")
        return job

    def _whole(self, job: Job) -> bool:
        """A finished job whose results are still here."""
        return job.state == "done" and (self.result / "adapter").is_dir()

    def _finish_old(self, job: Job) -> list[str]:
        """Nothing of an earlier job may go on costing money; the prefixes of labels
        still to be looked for.
        """
        if not job.former and not job.unsettled():
            return []
        desk = self._desk(job)
        desk.reconcile()
        if job.current:
            desk.give_back(job.current, "superseded by a new job")
        write_receipt(self.journal, job, desk.cost)
        return [*job.former, job.prefix][-5:] if job.unsettled() else job.former

    def _next(self, desk: LeaseManager) -> Machine:
        used = [
            machine for machine in desk.job.machines if machine.instance is not None
        ]
        if len(used) >= self.params.remote.max_machines:
            raise UserError(
                f"{len(used)} machines were lost, the last one: {used[-1].fate}",
                fix="run again to go on from the last checkpoint, "
                "or set remote.max_machines",
            )
        desk.avoid = {int(machine.offer["machine"]) for machine in used}
        return desk.rent(self.request, self.public_key)

    def _drive(self, desk: LeaseManager, machine: Machine, detach: bool) -> str:
        """One machine from rented to given back; a lost one is given back too,
        and the job stays open.
        """
        visit = InstanceRun(self, desk, machine)
        try:
            link = visit.reach()
            if not machine.started:
                visit.begin(link)
            if detach:
                return visit.detach(link)
            self._finish(visit, visit.watch())
        except InstanceLost as lost:
            self._lose(desk, machine, str(lost))
        except inbox.Refused as refused:
            self._lose(desk, machine, f"what it sent cannot be used: {refused}")
        return ""

    def _lose(self, desk: LeaseManager, machine: Machine, why: str) -> None:
        warn(f"machine {machine.instance}: {why}")
        desk.give_back(machine, why)

    def _finish(self, visit: InstanceRun, facts: dict[str, Any]) -> None:
        """Results home and checked, then the machine goes, then the job is done."""
        self.journal.save(visit.desk.job, "finished")
        if facts["code"] != 0:
            self._failed(visit, facts)
        visit.bring_home()
        visit.desk.job.collected = True
        self.journal.save(visit.desk.job, "collected")
        self._done(visit.desk)

    def _done(self, desk: LeaseManager) -> None:
        if desk.job.current:
            desk.give_back(desk.job.current, "finished")
        desk.job.state = "done"
        shutil.rmtree(self.partial, ignore_errors=True)
        self.journal.save(desk.job, "done")
        desk.sweep()

    def _failed(self, visit: InstanceRun, facts: dict[str, Any]) -> None:
        """The box says it failed: keep its logs, give it back, and say what it said."""
        logs = self.journal.folder / "logs"
        collect.logs(visit.line(visit.alive()), logs)
        why = f"phase '{facts['phase']}' failed on the machine: {facts['why']}"
        if facts["code"] == 97:
            raise InstanceLost(why)
        visit.desk.give_back(visit.machine, why)
        said = [f"  | {line}" for line in inbox.tail(logs / f"{facts['phase']}.log")]
        raise Failed("\n".join([why, *said]), where=str(logs), fix=self._advice())

    def _advice(self) -> str:
        if self.checkpoints():
            return (
                "run again to go on from the last checkpoint (a new budget counts "
                "anew), or mend the cause first"
            )
        return "mend the cause and run again; no checkpoint was made"

    def _close(self, desk: LeaseManager, error: BaseException) -> None:
        """Nothing may go on costing money after an error or Ctrl-C; results that are
        home stay the job's.
        """
        job, why = (
            desk.job,
            error.what if isinstance(error, UserError) else "stopped by the user",
        )
        with contextlib.suppress(UserError):
            if job.machines and job.machines[-1].ended is None:
                desk.give_back(job.machines[-1], job.machines[-1].fate or why)
            desk.sweep()
        if not job.collected:
            job.state, job.why = "failed", str(error)
        self.journal.save(job, "failed")
