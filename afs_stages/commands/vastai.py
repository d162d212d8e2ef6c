"""`afs vastai …`: rent, watch, bring home and give back GPUs on vast.ai."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params import Params, load

app = console.stage_app(
    "vastai",
    "Train on rented GPUs: plan, launch, attach, monitor, collect, cleanup, receipts.",
)

Model = Annotated[str, typer.Option("--model", help="model of params.yaml")]
Gpu = Annotated[str | None, typer.Option("--gpu", help="class of remote.gpus")]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", help="dollars for the whole job; --all-models: for all of them"
    ),
]
All = Annotated[
    bool, typer.Option("--all-models", help="every model of params.yaml, in parallel")
]
Bid = Annotated[
    bool | None,
    typer.Option("--interruptible/--on-demand", help="bid; others may outbid"),
]


@app.callback()
def main() -> None:
    """Train on rented GPUs within a cap in dollars.
    The key comes from where the vastai client looks.
    """


@app.command()
def plan(
    model: Model = "",
    all_models: All = False,
    budget: Budget = None,
    gpu: Gpu = None,
    bid: Bid = None,
) -> None:
    """Show what a job needs, what is on offer, what it can cost, and what happens at
    the cap. Rents nothing.
    """
    from afs_stages.remote.job import JobOptions, prepare
    from afs_stages.remote.money import check_budget
    from afs_stages.remote.plan import offers, render
    from afs_stages.remote.service import Service

    check_budget(budget)
    params = load()
    names = _models(params, model, all_models)
    service = Service(params.remote.timing)
    credit = service.credit()
    for name in names:
        bundle, wanted = prepare(
            name, params, JobOptions(_share(params, name, names, budget), gpu, bid)
        )
        for line in render(wanted, params, bundle, offers(service, wanted), credit):
            console.say(line)


@app.command()
def launch(
    model: Model = "",
    all_models: All = False,
    budget: Budget = None,
    gpu: Gpu = None,
    bid: Bid = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="leave when training has started")
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="forget results and checkpoints of earlier jobs"),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from checkpoints, or fail")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only the plan")] = False,
) -> None:
    """Rent, train, bring home, destroy; then `dvc repro` records the outputs
    of remote-train and makes the page of remote-report.

    Ctrl-C or TERM gives the machines back before it leaves.
    """
    from afs_stages.remote.money import check_budget

    check_budget(budget)
    if dry_run:
        plan(model, all_models, budget, gpu, bid)
        return
    params = load()
    names = _models(params, model, all_models)
    _refuse_without_job(params, names)
    flags = ["--detach"] * detach + ["--fresh"] * fresh + ["--resume"] * resume
    flags += ["--gpu", gpu] if gpu else []
    flags += [] if bid is None else ["--interruptible" if bid else "--on-demand"]
    shares = {name: _share(params, name, names, budget) for name in names}
    _dvc(
        [f"{stage}@{name}" for name in names for stage in ("convert", "train-releases")]
        + ["base-model"],
        names,
    )
    failed = _parallel(shares, flags)
    if not detach:
        _dvc(
            [
                f"{layout.RENTING}:remote-report@{name}"
                for name in names
                if name not in failed
            ],
            names,
        )
    if failed:
        raise UserError(
            f"not finished: {', '.join(failed)}",
            fix="read the messages above; run the command again",
        )


def _refuse_without_job(params: Params, names: list[str]) -> None:
    """A model has its remote stages only when it has a job."""
    for name in names:
        if name not in params.remote.jobs:
            fix = (
                f"put `{name}: {{gpu_config: balanced, max_hours: 12, budget: "
                f"10}}` under remote.jobs"
            )
            raise UserError(
                f"{name} has no job", where="params.yaml: remote.jobs", fix=fix
            )


@app.command()
def attach(model: Model) -> None:
    """Come back to a detached or interrupted job: watch it, bring it home,
    destroy the machine.
    """
    _dvc([f"{layout.RENTING}:remote-report@{model}"], [model])


@app.command()
def collect(model: Model) -> None:
    """Bring a job's results home, waiting for its end, and destroy the machine (the
    same as attach).
    """
    attach(model)


@app.command()
def monitor(
    watch: Annotated[
        bool, typer.Option("--watch", help="again and again until Ctrl-C")
    ] = False,
) -> None:
    """Every machine of ours that is alive: status, runtime, step, loss,
    cost so far, cap.
    """
    from afs_stages.remote.service import Service
    from afs_stages.remote.watch import describe, seen

    params = load()
    service = Service(params.remote.timing)
    while True:
        found = seen(service)
        console.say(
            "Active Training Instances\n" + "=" * 40
            if found
            else "No active instances."
        )
        for one in found:
            console.say("\n" + "\n".join(describe(one)))
        if not watch:
            return
        service.clock.sleep(params.remote.timing.poll)


@app.command()
def cleanup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list them")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Destroy every machine of ours, found by label;
    exit 1 where one could not be confirmed gone.
    """
    from afs_stages.remote.service import Service
    from afs_stages.remote.watch import describe, end_all, seen

    service = Service(load().remote.timing)
    found = seen(service)
    for one in found:
        console.say("\n".join(describe(one)))
    if not found:
        return console.say("No machine of ours is alive.")
    if dry_run:
        return None
    if not yes and not (
        sys.stdin.isatty() and typer.confirm(f"Destroy {len(found)} machines?")
    ):
        raise UserError(
            f"{len(found)} machines left running",
            fix="--yes destroys them without asking",
        )
    failed = end_all(service, found)
    console.say(f"{len(found) - len(failed)} destroyed and confirmed gone")
    if failed:
        numbers = ", ".join(map(str, failed))
        raise UserError(
            f"not confirmed gone: {numbers}",
            fix="look at https://cloud.vast.ai/instances/ and run again",
        )
    return None


@app.command()
def receipts() -> None:
    """What every job cost: dollars, cap, machines, and whether each was seen gone."""
    from afs_stages.remote.receipt import receipts as all_receipts

    for one in all_receipts():
        gone = (
            "all gone"
            if one["confirmed_gone"]
            else "NOT CONFIRMED GONE: afs vastai cleanup"
        )
        spent = f"${one['dollars']:.2f} of ${one['cap']:.2f}"
        console.say(f"{one['model']} {one['job']}: {one['state']}, {spent}, {gone}")
        for row in one["machines"]:
            price = f"${row['dollars_per_hour']:.3f}/h x {row['hours']:.2f} h"
            name = row["instance"] or row["label"]
            cost = f"${row['dollars']:.2f} ({row['fate']})"
            console.say(f"  {name}: {row['gpu']}, {price}: {cost}")


def _models(params: Params, model: str, all_models: bool) -> list[str]:
    from afs_stages.core.errors import nearest

    if all_models:
        return list(params.models)
    if model not in params.models:
        raise UserError(
            f"no model '{model}' ({nearest(model, list(params.models))})",
            fix="--model or --all-models",
        )
    return [model]


def _share(
    params: Params, name: str, names: list[str], budget: float | None
) -> float | None:
    """A job's cap: one model's is the budget given; of several, an equal share, and
    never more than its own.
    """
    if budget is None or len(names) == 1:
        return budget
    return min(budget / len(names), params.remote.job(name).budget)


def _parallel(shares: dict[str, float | None], flags: list[str]) -> list[str]:
    """Run the stage for each model at the same time; the models that failed."""
    from afs_stages.remote import launchers

    commands = {}
    for name, share in shares.items():
        commands[name] = [
            sys.executable,
            "-m",
            "afs_stages.stages.remote_train",
            "--model",
            name,
            *flags,
        ]
        if share is not None:
            commands[name] += ["--budget", f"{share:g}"]
    codes = launchers.run(commands, list(commands))
    return [name for name, code in codes.items() if code]


def _dvc(targets: list[str], models: list[str]) -> None:
    """Have DVC make the targets, whose launchers, if any, are those of the models."""
    from afs_stages.remote import launchers

    if not targets:
        return
    # The stages say `python`: this one, also where its environment is not activated.
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
    command = [sys.executable, "-m", "dvc", "repro", *targets]
    code = launchers.run({"dvc": command}, models, {**os.environ, "PATH": path})["dvc"]
    if code:
        raise UserError(
            f"dvc repro left with code {code}",
            fix="read the messages above; run the command again",
        )
