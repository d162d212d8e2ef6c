"""What a job cost, machine by machine, and whether each was seen gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import read_json, write_json
from afs_stages.remote.journal import STATE, Job, Journal, Machine


def receipt(job: Job, cost: Callable[[Machine], float]) -> dict[str, Any]:
    """The receipt of a job: dollars are reckoned from the offer's prices, an upper
    bound of the bill.

    A machine asked for that never showed stands in it too: it may live, or have lived.
    """
    machines = [
        _machine(machine, cost(machine)) for machine in job.machines if _counts(machine)
    ]
    facts = {
        "model": job.model,
        "job": job.nonce,
        "bundle": job.bundle,
        "state": job.state,
        "why": job.why,
    }
    dollars = sum(machine["dollars"] for machine in machines)
    return {
        **facts,
        "cap": job.budget,
        "dollars": round(dollars, 4),
        "confirmed_gone": all(machine["destroyed"] for machine in machines),
        "machines": machines,
    }


def _counts(machine: Machine) -> bool:
    """Whether there was a machine, or may have been: an offer that was gone is none."""
    return machine.instance is not None or not machine.gone or machine.dollars > 0


def _machine(machine: Machine, dollars: float) -> dict[str, Any]:
    end = machine.ended or machine.running or machine.asked
    hours = (
        max(0.0, end - machine.running) / 3600 if machine.running is not None else 0.0
    )
    offer = machine.offer
    rented = {
        "instance": machine.instance,
        "label": machine.label,
        "offer": offer["id"],
    }
    rented["gpu"] = f"{offer['num_gpus']} x {offer['gpu']}"
    rented["dollars_per_hour"] = offer["dph"]
    return {**rented, **_outcome(machine, hours, dollars)}


def _outcome(machine: Machine, hours: float, dollars: float) -> dict[str, Any]:
    return {
        "hours": round(hours, 4),
        "dollars": round(dollars, 4),
        "fate": machine.fate or "in use",
        "destroyed": machine.gone,
        "confirmed_at": machine.ended if machine.gone else None,
    }


def write_receipt(journal: Journal, job: Job, cost: Callable[[Machine], float]) -> None:
    """Write the job's receipt among the model's; an older job's stays beside it."""
    write_json(journal.folder / "receipts" / f"{job.nonce}.json", receipt(job, cost))


def receipts(root: Path = STATE) -> list[dict[str, Any]]:
    """Every receipt on this computer."""
    return [read_json(path) for path in sorted(root.glob("*/receipts/*.json"))]
