"""One machine: asked for, found again after any doubt, given back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from afs_stages.core.console import warn
from afs_stages.core.errors import UserError
from afs_stages.core.params import Params
from afs_stages.remote.clock import Clock
from afs_stages.remote.journal import Job, Journal, Machine
from afs_stages.remote.money import Offer, spent
from afs_stages.remote.onstart import start_command
from afs_stages.remote.plan import JobRequest, offers
from afs_stages.remote.service import Instance, OfferGone, OutcomeUnknown, Service


@dataclass
class LeaseManager:
    """Rents and gives back the machines of one job,
    writing down every step before it is taken.
    """

    service: Service
    params: Params
    journal: Journal
    job: Job
    clock: Clock
    avoid: set[int] = field(default_factory=set)
    """Physical machines that failed this job before."""

    def rent(self, request: JobRequest, public_key: str) -> Machine:
        """A machine of the best offer that is still there and within what is
        left of the budget.

        Raises `UserError` when no offer suits, or the money does not reach.
        """
        self.service.register_key(public_key)
        self.journal.save(self.job, "key-registered")
        refused: list[str] = []
        for offer in self._suiting(request):
            machine = self._ask(request, offer, refused)
            if machine:
                return machine
            self.clock.sleep(self.params.remote.timing.api_gap)
        why = f" (refused: {refused[-1]})" if refused else ""
        raise UserError(
            f"no offer of class {request.gpu_class} could be rented{why}",
            fix="try later, or another --gpu class",
        )

    def _suiting(self, request: JobRequest) -> list[Offer]:
        found = [
            offer
            for offer in offers(self.service, request)
            if offer.machine not in self.avoid
        ]
        left, least = self.job.left(), self.params.remote.timing.tail
        paid = [
            offer
            for offer in found
            if request.lease(offer, self.params, left).seconds > least
        ]
        if found and not paid:
            cheapest = min(offer.dph for offer in found)
            raise UserError(
                f"${left:.2f} left of the cap does not pay for a machine: "
                f"the cheapest costs ${cheapest:.2f}/h, and traffic and a reserve for "
                "giving it back are set aside",
                fix="raise --budget",
            )
        if not found:
            raise UserError(
                f"no offer of class {request.gpu_class} at "
                f"${request.gpu.max_price:.2f}/h or less now",
                fix="try later, another --gpu class, or raise remote.gpus max_price",
            )
        return paid

    def _ask(
        self, request: JobRequest, offer: Offer, refused: list[str]
    ) -> Machine | None:
        """Ask for one offer, exactly once; None when it is gone."""
        timing = self.params.remote.timing
        lease = request.lease(offer, self.params, self.job.left())
        label = f"{self.job.prefix}{len(self.job.machines) + 1}"
        machine = Machine(
            label, asdict(offer), lease.seconds, lease.dollars, self.clock.now()
        )
        self.job.machines.append(machine)
        self.journal.save(self.job, "asking")
        wanted = {
            "image": self.params.remote.image,
            "disk": request.gpu.disk_space,
            "label": label,
            "onstart_cmd": start_command(timing, self.service.url, machine.seconds),
            "runtype": "ssh_direc ssh_proxy",
            "cancel_unavail": True,
        }
        if request.interruptible:
            wanted["bid_price"] = offer.bid
        try:
            machine.instance = self.service.create(offer.id, **wanted)
        except OfferGone as gone:
            refused.append(str(gone))
            self.settle(machine, f"not rented: {gone}", gone=True)
            return None
        except OutcomeUnknown as doubt:
            warn(
                f"no clear answer to renting offer {offer.id} ({doubt}): "
                "looking for the machine by its label"
            )
            machine.instance = self._find(label, timing.reconcile)
            if machine.instance is None:
                refused.append(str(doubt))
                self._doubtful(machine)
                return None
        except UserError as error:
            self.settle(machine, f"not rented: {error.what}", gone=True)
            raise
        self.journal.save(self.job, "rented")
        return machine

    def _doubtful(self, machine: Machine) -> None:
        """A machine that never showed: should it yet appear, its guard hears no
        heartbeat and ends it.
        """
        price = float(machine.offer["dph"])
        fixed = machine.reserved - price * max(0.0, machine.seconds) / 3600
        heard = price * self.params.remote.timing.heartbeat / 3600
        machine.reserved = min(machine.reserved, fixed + heard)
        self.settle(machine, "never showed up", gone=False)

    def _find(self, label: str, patience: float) -> int | None:
        """The machine with a label, waiting until the list must have caught up."""
        end = self.clock.now() + patience
        while True:
            found = [
                instance
                for instance in self.service.mine(label)
                if instance.label == label
            ]
            if found:
                return found[0].id
            if self.clock.now() >= end:
                return None
            self.clock.sleep(max(self.params.remote.timing.api_gap, patience / 4))

    def reconcile(self) -> None:
        """Square the journal with the service: adopt what was rented unnoticed, end
        what is not in use.
        """
        alive = {
            instance.label: instance for instance in self.service.mine(self.job.prefix)
        }
        for machine in self.job.machines:
            instance = alive.pop(machine.label, None)
            if machine.fate:
                self._reap(machine, instance)
            elif machine.instance is None:
                self._adopt(machine, instance)
        for prefix in self.job.former:
            alive |= {
                instance.label: instance for instance in self.service.mine(prefix)
            }
        for stray in alive.values():
            warn(
                f"machine {stray.id} ({stray.label}) is not in the journal: "
                "destroying it"
            )
            self.service.destroy(stray.id)
        self.journal.save(self.job, "reconciled")

    def sweep(self) -> None:
        """Look again for machines that are not known to be gone, and end those that
        have shown up since.
        """
        if self.job.former or any(machine.fate for machine in self.job.unsettled()):
            self.reconcile()

    def _reap(self, machine: Machine, instance: Instance | None) -> None:
        if instance is not None:
            machine.instance = machine.instance or instance.id
            machine.gone = False
            machine.ended = None  # it lives, whatever was believed before
        if not machine.gone and machine.instance is not None:
            self.give_back(machine, machine.fate)
        elif (
            not machine.gone
            and self.clock.now() > machine.asked + self._longest_unheard()
        ):
            machine.gone, machine.dollars = True, machine.reserved

    def _longest_unheard(self) -> float:
        """Seconds after which a machine that never heard from us has been
        ended by its guard.
        """
        timing = self.params.remote.timing
        return timing.reconcile + timing.loading + timing.heartbeat + timing.teardown

    def _adopt(self, machine: Machine, instance: Instance | None) -> None:
        """The launcher died between asking and noting the answer."""
        found = (
            instance.id
            if instance
            else self._find(machine.label, self.params.remote.timing.reconcile)
        )
        if found is None:
            self._doubtful(machine)
        else:
            machine.instance = found
            self.journal.save(self.job, "adopted")

    def give_back(self, machine: Machine, fate: str) -> bool:
        """Destroy a machine and believe it only when the service shows it gone."""
        machine.fate = fate
        self.journal.save(self.job, "destroying")
        if machine.instance is None:
            machine.instance = self._find(
                machine.label, self.params.remote.timing.reconcile
            )
        if machine.instance is None:
            self._doubtful(machine)
            return False
        gone = self.service.destroy(machine.instance)
        if not gone:
            warn(
                f"machine {machine.instance} could not be confirmed gone: "
                "its guard ends it by itself; check with `afs vastai cleanup`"
            )
        self.settle(machine, fate, gone)
        return gone

    def settle(self, machine: Machine, fate: str, gone: bool) -> None:
        """Write down how a machine ended and what it has cost."""
        machine.fate, machine.gone = fate, gone
        machine.ended = machine.ended or self.clock.now()
        machine.dollars = self.cost(machine) if machine.instance is not None else 0.0
        self.journal.save(self.job, "destroyed" if gone else "unconfirmed")

    def cost(self, machine: Machine) -> float:
        """Dollars of a machine until now or its end, from above.

        Never above what was reserved while it lived no longer than was reserved for;
        what it lived longer is added. One that may still live costs at least what was
        reserved.
        """
        if machine.instance is None:
            return machine.dollars if machine.gone else machine.reserved
        offer, timing = Offer(**machine.offer), self.params.remote.timing
        end = machine.ended or self.clock.now()
        running = (
            max(0.0, end - machine.running) if machine.running is not None else 0.0
        )
        loading = (
            machine.running if machine.running is not None else end
        ) - machine.asked
        fixed = (
            machine.reserved - offer.dph * max(0.0, machine.seconds) / 3600
            if machine.started
            else 0.0
        )
        beyond_loading = max(0.0, loading - timing.loading)
        beyond_running = max(0.0, running - max(0.0, machine.seconds) - timing.teardown)
        most = machine.reserved + spent(offer, beyond_loading, beyond_running, 0, 0)
        if machine.fate and not machine.gone:
            return most
        return min(most, spent(offer, loading, running, 0, 0) + max(0.0, fixed))
