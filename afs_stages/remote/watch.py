"""Every machine of ours, by label, whatever this computer remembers:
shown, or ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from afs_stages.core.jsonl import read_json
from afs_stages.remote.clock import SystemClock
from afs_stages.remote.journal import PREFIX, STATE, Job, Journal, Machine, jobs
from afs_stages.remote.lease import LeaseManager
from afs_stages.remote.receipt import write_receipt
from afs_stages.remote.service import Instance, Service


@dataclass(frozen=True)
class LiveInstance:
    """One live machine and what the journals say of it."""

    instance: Instance
    job: Job | None
    machine: Machine | None

    @property
    def model(self) -> str:
        """The model, from the label."""
        return self.instance.label.removeprefix(PREFIX).split(":")[0]


def seen(service: Service) -> list[LiveInstance]:
    """Every live machine whose label is ours."""
    known = {
        machine.label: (job, machine) for job in jobs() for machine in job.machines
    }
    found = []
    for instance in service.mine(PREFIX):
        job, machine = known.get(instance.label, (None, None))
        found.append(LiveInstance(instance, job, machine))
    return found


def describe(one: LiveInstance) -> list[str]:
    """A machine as lines for a person: status, runtime, step and loss as last heard,
    cost, cap.
    """
    lines = [
        f"Instance {one.instance.id} ({one.model})",
        f"  Status: {one.instance.status}",
    ]
    if one.machine is None or one.job is None:
        return [
            *lines,
            f"  Cost: ${one.instance.dph:.3f} per hour; not rented from this computer",
        ]
    begun = one.machine.running or one.machine.asked
    hours = max(0.0, SystemClock().now() - begun) / 3600
    lines.append(f"  Runtime: {hours:.1f}h")
    last = STATE / one.model / "status.json"
    if last.is_file():
        facts = read_json(last)
        said = [
            f"{name} {facts[name]}"
            for name in ("phase", "step", "loss")
            if facts.get(name) not in (None, "")
        ]
        lines.append(f"  Last heard: {', '.join(said)}")
    lines.append(
        f"  Cost: ${float(one.machine.offer['dph']) * hours:.2f} (cap "
        f"${one.job.budget:.2f})"
    )
    return lines


def end_all(service: Service, found: list[LiveInstance]) -> list[int]:
    """Destroy machines; the numbers of those that could not be confirmed gone."""
    failed = []
    for one in found:
        gone = service.destroy(one.instance.id)
        if not gone:
            failed.append(one.instance.id)
        if one.job and one.machine:
            _note(service, one.instance.id, one.job, one.machine, gone)
    return failed


def _note(service: Service, id: int, job: Job, machine: Machine, gone: bool) -> None:
    """The journal learns that a machine was ended from outside."""
    from afs_stages.core.params import load

    journal = Journal(job.model)
    desk = LeaseManager(service, load(), journal, job, service.clock)
    machine.fate, machine.instance = (
        machine.fate or "cleaned up",
        machine.instance or id,
    )
    machine.ended = None  # it was alive a moment ago, whatever was believed before
    desk.settle(machine, machine.fate, gone)
    write_receipt(journal, job, desk.cost)
