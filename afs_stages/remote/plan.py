"""The plan of a job: what it needs, what is on offer, what it can cost, and what
happens at the cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.errors import UserError, nearest
from afs_stages.core.params import Params
from afs_stages.core.params.remote import GPUConfig, TrainingJob
from afs_stages.remote.bundle import Bundle
from afs_stages.remote.estimate import Need, fitting, need
from afs_stages.remote.money import Lease, Offer, check_budget, lease
from afs_stages.remote.service import Service
from afs_stages.remote.traffic import COPIES, adapter_gb, home_gb


@dataclass(frozen=True)
class JobRequest:
    """A job with everything decided: model, class, cap, and what is needed."""

    model: str
    job: TrainingJob
    gpu_class: str
    gpu: GPUConfig
    budget: float
    max_hours: float
    interruptible: bool
    need: Need
    down_gb: float
    up_gb: float = 1.0
    """What comes home: adapter, checkpoints, logs."""
    bid_factor: float = 1.2

    def lease(self, offer: Offer, params: Params, budget: float) -> Lease:
        """How long this job may keep a machine of an offer for the dollars given."""
        timing = params.remote.timing
        return lease(
            offer,
            budget,
            self.max_hours,
            timing.loading,
            timing.teardown,
            self.down_gb,
            self.up_gb,
        )


def job_request(
    model: str,
    params: Params,
    bundle: Bundle,
    budget: float | None = None,
    gpu: str | None = None,
    interruptible: bool | None = None,
) -> JobRequest:
    """The job of a model with options over params.
    Raises `UserError` for a class unknown or too small.
    """
    remote, job = params.remote, params.remote.job(model)
    name = gpu or job.gpu_config
    if name not in remote.gpus:
        raise UserError(
            f"no GPU class '{name}' ({nearest(name, list(remote.gpus))})",
            where="params.yaml: remote.gpus",
        )
    kind = remote.gpus[name]
    data = (
        Path(job.training_data)
        if job.training_data
        else layout.trained_on(model, "train").parent
    )
    wanted = need(model, params, job, data)
    if kind.vram_gb < wanted.memory_gb:
        better = fitting(wanted, remote.gpus)
        fix = (
            f"--gpu {better[0]}"
            if better
            else "train.load_in_4bit, a smaller batch_size, or a larger class"
        )
        what = (
            f"class '{name}' is too small: {kind.vram_gb:g} GB, the job needs about "
            f"{wanted.memory_gb:.1f} GB"
        )
        raise UserError(what, fix=fix)
    check_budget(budget)
    cap = job.budget if budget is None else budget
    bid = remote.interruptible if interruptible is None else interruptible
    down = (
        bundle.gb
        + wanted.download_gb
        + (remote.install_gb if remote.requirements else 0.0)
    )
    train, file = (
        params.train_for(model),
        data / "train.jsonl" if data.is_dir() else data,
    )
    up = home_gb(job, train, wanted.parameters, wanted.tokens, file)
    down += COPIES * adapter_gb(
        wanted.parameters, train.r
    )  # a checkpoint to go on from
    return JobRequest(
        model,
        job,
        name,
        kind,
        cap,
        job.max_hours,
        bid,
        wanted,
        down,
        up,
        remote.bid_factor,
    )


def query(gpu: GPUConfig) -> dict[str, Any]:
    """A class as the service's search takes it (memory in MB, speed in Mbit/s)."""
    at_least = {
        "gpu_ram": gpu.vram_gb * 1000,
        "disk_space": gpu.disk_space,
        "reliability": gpu.min_reliability,
        "inet_down": gpu.min_down_mbps,
        "cuda_max_good": gpu.min_cuda,
        "direct_port_count": 1,
    }
    asked: dict[str, Any] = {name: {"gte": value} for name, value in at_least.items()}
    asked["gpu_name"] = {"in": gpu.names}
    asked["num_gpus"] = {"eq": gpu.num_gpus}
    asked["dph_total"] = {"lte": gpu.max_price}
    return asked


def offers(service: Service, request: JobRequest) -> list[Offer]:
    """Offers that suit a job, by what the whole job would cost there,
    checked again here.
    """
    rows = service.search(
        query(request.gpu), request.gpu.disk_space, request.interruptible
    )
    found = [Offer.read(row, request.gpu.disk_space) for row in rows]
    hours = request.need.hours(request.gpu, request.job)
    fit = [
        offer
        for offer in found
        if 0 < offer.dph <= request.gpu.max_price
        and offer.num_gpus == request.gpu.num_gpus
    ]
    if request.interruptible:
        highest = request.gpu.max_price
        fit = [
            offer.at_bid(request.bid_factor, highest)
            for offer in fit
            if offer.min_bid <= highest
        ]
    return sorted(fit, key=lambda offer: (cost(request, offer, hours), offer.id))


def cost(request: JobRequest, offer: Offer, hours: float) -> float:
    """Dollars of so many running hours on an offer, with the job's traffic."""
    return offer.dph * hours + offer.traffic(request.down_gb, request.up_gb)


def render(
    request: JobRequest,
    params: Params,
    bundle: Bundle,
    found: list[Offer],
    credit: float | None,
) -> list[str]:
    """The plan as lines for a person."""
    hours = request.need.hours(request.gpu, request.job)
    lines = [
        (
            f"plan for {request.model}: class {request.gpu_class} "
            f"({request.gpu.num_gpus} x {request.gpu.gpu_name})"
        )
    ]
    lines += [f"  {line}" for line in request.need.reasoning]
    traffic = f"{request.down_gb:.2f} GB down, {request.up_gb:.2f} GB home"
    lines.append(f"  bundle {bundle.gb * 1000:.1f} MB ({bundle.hash[:12]}), {traffic}")
    for name, gpu in params.remote.gpus.items():
        small = "" if gpu.vram_gb >= request.need.memory_gb else "  too small"
        time = request.need.hours(gpu, request.job)
        lines.append(
            f"  on {name:12} about {time:6.2f} h, "
            f"at most ${gpu.max_price * time:.2f}{small}"
        )
    if not found:
        return [*lines, f"  no offer at ${request.gpu.max_price:.2f}/h or less now"]
    lines.append(f"  {len(found)} offers now:")
    for offer in found[:5]:
        price = f"${offer.dph:.3f}/h with disk"
        host = f"reliability {offer.reliability:.3f}, {offer.down_mbps:.0f} Mbit/s"
        whole = f"whole job about ${cost(request, offer, hours):.2f}"
        lines.append(f"    {offer.id}: {offer.gpu}, {price}, {host}, {whole}")
    return [*lines, *_cap(request, params, found, credit, hours)]


def _cap(
    request: JobRequest,
    params: Params,
    found: list[Offer],
    credit: float | None,
    hours: float,
) -> list[str]:
    low, high = cost(request, found[0], hours), cost(request, found[-1], hours)
    best = request.lease(found[0], params, request.budget)
    timing = params.remote.timing
    most = max(0.0, best.seconds) / 3600
    disk = found[0].disk_dph * 24
    cap = f"cap ${request.budget:.2f} = at most {most:.1f} h on the cheapest"
    lines = [f"  estimated cost ${low:.2f} to ${high:.2f}; {cap}"]
    lines.append(
        f"  at the cap: training stops {timing.tail / 60:.0f} min before, "
        "the last checkpoint comes home, the machine destroys itself; "
        "run again with a new budget to go on"
    )
    lines.append(
        f"  if this computer dies: the machine goes {timing.heartbeat / 60:.0f} min "
        f"later, or when results lie {timing.grace / 60:.0f} min uncollected"
    )
    lines.append(
        "  what nobody can stop (container and computer both dead): the disk, "
        f"${disk:.2f} a day, bounded by the account's credit (keep autobilling off)"
    )
    if credit is not None:
        lines.append(f"  credit of the account: ${credit:.2f}")
    return lines
