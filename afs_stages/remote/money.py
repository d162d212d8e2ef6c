"""Dollars and hours: what an offer costs, how long a budget lasts,
what a machine has cost.

All prices in dollars, all times in seconds unless a name says hours,
all sizes in GB (10^9 bytes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from afs_stages.core.errors import UserError

HOURS_PER_MONTH = 730.0
PLAIN = {
    "dph": "dph_total",
    "up_per_gb": "inet_up_cost",
    "down_per_gb": "inet_down_cost",
    "down_mbps": "inet_down",
    "min_bid": "min_bid",
}
"""Field of an offer -> the number of the API's row that it is."""


def check_budget(dollars: float | None) -> None:
    """A budget given on the command line bounds something.
    Raises `UserError` for one that is no amount above 0.
    """
    if dollars is not None and not (math.isfinite(dollars) and dollars > 0):
        raise UserError(
            f"a budget of {dollars:g} dollars bounds no bill",
            where="--budget",
            fix="give a number above 0, such as --budget 10",
        )


@dataclass(frozen=True)
class Offer:
    """What the service asks for one machine."""

    id: int
    machine: int
    gpu: str
    num_gpus: int
    gpu_ram_gb: float
    dph: float
    """Dollars per hour of a running machine, its disk included."""
    disk_dph: float
    """Dollars per hour of its disk alone: what a stopped or loading machine costs."""
    up_per_gb: float
    """Price of traffic that leaves the machine."""
    down_per_gb: float
    reliability: float
    down_mbps: float
    min_bid: float = 0.0
    bid: float = 0.0
    """What is bid per hour for an interruptible machine;
    0 for one at its full price.
    """

    @classmethod
    def read(cls, row: dict[str, Any], disk: float) -> Offer:
        """An offer from a row of the API, any price of which may be null."""

        def number(*names: str) -> float:
            """The first of these that the row has."""
            return next((float(row[name]) for name in names if row.get(name)), 0.0)

        numbers = {field: number(name) for field, name in PLAIN.items()}
        numbers["gpu_ram_gb"] = number("gpu_ram") / 1024
        numbers["reliability"] = number("reliability", "reliability2")
        numbers["disk_dph"] = number("storage_cost") * disk / HOURS_PER_MONTH
        return cls(
            id=int(row["id"]),
            machine=int(number("machine_id")),
            gpu=str(row.get("gpu_name") or "?"),
            num_gpus=int(number("num_gpus")) or 1,
            **numbers,
        )

    def at_bid(self, factor: float, highest: float) -> Offer:
        """The offer as an interruptible machine: over the lowest bid,
        never over `highest`.

        The hour then costs the bid and the disk, which is what plans,
        leases and caps count with.
        """
        price = round(min(highest, max(self.min_bid, self.dph) * factor), 4)
        return replace(self, bid=price, dph=price + self.disk_dph)

    def traffic(self, down_gb: float, up_gb: float) -> float:
        """Dollars for bytes into and out of the machine."""
        return down_gb * self.down_per_gb + up_gb * self.up_per_gb


@dataclass(frozen=True)
class Lease:
    """How long a machine may live, and what it can cost at the very most while
    its guard works.
    """

    seconds: float
    dollars: float


def lease(
    offer: Offer,
    budget: float,
    max_hours: float,
    loading: float,
    teardown: float,
    down_gb: float,
    up_gb: float,
) -> Lease:
    """The longest life a budget allows on an offer;
    `seconds` is 0 or less where it allows none.

    Set aside first: the disk while it loads, all traffic, and the running price for the
    time a destroy may need to get through.
    """
    fixed = (
        offer.disk_dph * loading / 3600
        + offer.traffic(down_gb, up_gb)
        + offer.dph * teardown / 3600
    )
    if offer.dph <= 0:
        return Lease(max_hours * 3600, fixed)
    seconds = min(max_hours * 3600, (budget - fixed) / offer.dph * 3600)
    return Lease(seconds, fixed + offer.dph * max(0.0, seconds) / 3600)


def spent(
    offer: Offer,
    loading: float,
    running: float,
    traffic_down_gb: float,
    traffic_up_gb: float,
) -> float:
    """What a machine has cost: disk while loading, everything while running,
    and its traffic.
    """
    time_cost = (offer.disk_dph * loading + offer.dph * running) / 3600
    return time_cost + offer.traffic(traffic_down_gb, traffic_up_gb)
