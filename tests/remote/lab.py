"""vast.ai on loopback: the endpoints, states,
error bodies and bad habits a launcher must survive.

Time is the lab's own in simulated runs (`advance`) and the computer's with real
machines (`Boxes`). Faults: `fault(method, pattern, ...)` for scripted ones, `chaos` (a
seeded generator) for random ones.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "k" * 16 + "-account"


@dataclass
class Fault:
    """Answer so many matching requests wrongly; `after`: do what was asked first;
    `drop`: no answer at all.
    """

    method: str
    pattern: str
    status: int = 500
    body: str = "server error"
    times: int = 1
    after: bool = False
    drop: bool = False


@dataclass
class Rented:
    """One machine and its bill."""

    id: int
    offer: dict[str, Any]
    label: str
    onstart: str
    disk: float
    born: float
    key: str
    status: str | None = None
    intended: str = "running"
    host: str = "127.0.0.1"
    port: int = 0
    bill: float = 0.0
    billed: float = 0.0
    alive: bool = True
    bid: float = 0.0
    """Dollars per hour bid for an interruptible machine, its disk not included; 0 for
    one at full price.
    """
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def disk_dph(self) -> float:
        return self.offer["storage_cost"] * self.disk / 730

    @property
    def dph(self) -> float:
        return self.bid + self.disk_dph if self.bid else self.offer["dph_total"]

    def charge(self, now: float) -> None:
        rate = self.dph if self.status == "running" else self.disk_dph
        self.bill += rate * max(0.0, now - self.billed) / 3600
        self.billed = now

    def row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "actual_status": self.status,
            "intended_status": self.intended,
            "ssh_host": self.host,
            "ssh_port": self.port,
            "dph_total": self.dph,
            "start_date": None,
            "status_msg": None,
            "extra_env": [],
        }


def offer(id: int, dph: float = 0.4, **more: Any) -> dict[str, Any]:
    row = {
        "id": id,
        "machine_id": 1000 + id,
        "gpu_name": "RTX 4090",
        "num_gpus": 1,
        "gpu_ram": 24564,
        "dph_total": dph,
        "storage_cost": 0.15,
        "inet_up_cost": 0.01,
        "inet_down_cost": None,
        "reliability": 0.99,
        "inet_down": 800.0,
        "min_bid": dph / 2,
        "disk_space": 500.0,
        "cuda_max_good": 13.0,
        "direct_port_count": 8,
    }
    return {**row, **more}


class Lab:
    """The service. Subclasses give machines a life."""

    def __init__(
        self,
        offers: list[dict[str, Any]],
        clock: Any = time.time,
        chaos: random.Random | None = None,
    ) -> None:
        self.offers, self.now, self.chaos = (
            {row["id"]: row for row in offers},
            clock,
            chaos,
        )
        self.machines: dict[int, Rented] = {}
        self.keys: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.credit, self.lock, self.next_id = 25.0, threading.RLock(), 7001
        self.late = 0.0
        """Seconds after which a new machine shows in the list."""
        self.dark_until = 0.0
        """Until then no call gets through."""
        lab = self

        class Handler(_Handler):
            service = lab

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(
            target=self.server.serve_forever, args=(0.02,), daemon=True
        ).start()

    def close(self) -> None:
        for machine in self.machines.values():
            self.end(machine)
        self.server.shutdown()
        self.server.server_close()

    def fault(self, method: str, pattern: str, **more: Any) -> None:
        self.faults.append(Fault(method, pattern, **more))

    def living(self) -> list[Rented]:
        return [machine for machine in self.machines.values() if machine.alive]

    def dollars(self) -> float:
        for machine in self.living():
            machine.charge(self.now())
        return sum(machine.bill for machine in self.machines.values())

    def trouble(self, method: str, path: str) -> Fault | None:
        for one in self.faults:
            if one.times > 0 and one.method == method and re.search(one.pattern, path):
                one.times -= 1
                return one
        return self.mischief(method, path) if self.chaos else None

    def mischief(self, method: str, path: str) -> Fault | None:
        """A random fault: seldom, but of every kind."""
        assert self.chaos
        roll = self.chaos.random()
        if "/asks/" in path:
            kinds = [
                (0.06, Fault("", "", drop=True, after=True)),
                (0.12, Fault("", "", 502, after=True)),
            ]
            kinds += [
                (0.18, Fault("", "", 410, "no_such_ask")),
                (0.24, Fault("", "", 429, "too many")),
                (0.28, Fault("", "", 500)),
            ]
        else:
            kinds = [
                (0.01, Fault("", "", drop=True, after=True)),
                (0.02, Fault("", "", 500)),
                (0.04, Fault("", "", 429)),
            ]
            kinds += [(0.05, Fault("", "", 502, after=True))]
        return next((fault for limit, fault in kinds if roll < limit), None)

    def answer(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: dict[str, Any],
        key: str,
    ) -> tuple[int, Any]:
        owner = next(
            (machine for machine in self.machines.values() if machine.key == key), None
        )
        found = re.search(r"/instances/(\d+)/$", path)
        if key != KEY and not (owner and found and int(found[1]) == owner.id):
            return 401, {
                "success": False,
                "error": "auth_error",
                "msg": "invalid api key",
            }
        if path.startswith("/_lab/"):
            return 200, self.hook(path, body)
        if path.endswith("/bundles/"):
            free = [
                row
                for row in self.offers.values()
                if row["dph_total"] <= body["dph_total"]["lte"]
            ]
            free = [row for row in free if row["gpu_name"] in body["gpu_name"]["in"]]
            if body.get("type") == "bid":
                free = [{**row, "dph_total": row["min_bid"]} for row in free]
            return 200, {"offers": sorted(free, key=lambda row: row["dph_total"])}
        if "/asks/" in path:
            return self.rent(int(path.rstrip("/").split("/")[-1]), body)
        if path == "/api/v1/instances/":
            return 200, self.page(query)
        if path.endswith("/ssh/"):
            if method == "POST" and not found and "/instances/" not in path:
                self.keys.append({"id": len(self.keys), "public_key": body["ssh_key"]})
            return 200, self.keys if method == "GET" else {"success": True}
        if path.endswith("/users/current") or path.endswith("/users/current/"):
            return 200, {"id": 1, "credit": self.credit, "balance": 0}
        return (
            self.one(method, int(found[1]), body)
            if found
            else (404, {"error": "not_found"})
        )

    def page(self, query: dict[str, Any]) -> dict[str, Any]:
        rows = [
            machine
            for machine in self.living()
            if machine.id > int(query.get("after_token") or 0)
        ]
        rows = [machine for machine in rows if machine.born + self.late <= self.now()]
        limit = min(25, int(query.get("limit") or 25))
        more = str(rows[limit - 1].id) if len(rows) > limit else None
        return {
            "instances": [row.row() for row in rows[:limit]],
            "next_token": more,
            "total_instances": len(rows),
        }

    def rent(self, id: int, body: dict[str, Any]) -> tuple[int, Any]:
        if self.credit <= 0:
            return 400, {
                "success": False,
                "error": "insufficient_credit",
                "msg": "insufficient credit",
            }
        if id not in self.offers:
            return 410, {
                "success": False,
                "error": "no_such_ask",
                "msg": "3603: no_such_ask",
            }
        bid = float(body.get("price") or 0.0)
        if bid and bid < self.offers[id]["min_bid"]:
            return 400, {
                "success": False,
                "error": "invalid_price",
                "msg": "bid is too low",
            }
        taken, now = self.offers.pop(id), self.now()
        key = f"box-{self.next_id}"
        machine = Rented(
            self.next_id,
            taken,
            body["label"],
            body["onstart"],
            body["disk"],
            now,
            key,
            billed=now,
            bid=bid,
        )
        self.next_id += 1
        self.machines[machine.id] = machine
        self.begin(machine)
        return 200, {
            "success": True,
            "new_contract": machine.id,
            "instance_api_key": machine.key,
        }

    def one(self, method: str, id: int, body: dict[str, Any]) -> tuple[int, Any]:
        machine = self.machines.get(id)
        gone = machine is None or not machine.alive
        if method == "GET":
            return 200, {"instances": None if gone else machine.row()}
        if gone:
            return 404, {"success": False, "error": "not_found"}
        if method == "DELETE":
            machine.charge(self.now())
            machine.alive = False
            self.end(machine)
        elif body.get("state") == "running" and self.credit <= 0:
            return 400, {
                "success": False,
                "error": "insufficient_credit",
                "msg": "insufficient credit",
            }
        elif body.get("state"):
            machine.charge(self.now())
            machine.intended = body["state"]
            self.switch(machine, body["state"] == "running")
        return 200, {"success": True}

    def hook(self, path: str, body: dict[str, Any]) -> Any:
        """A launcher in another process asks for the time, or lets it pass."""
        if path.endswith("advance"):
            self.advance(body["seconds"])
        return self.now()

    def advance(self, seconds: float) -> None:
        """Let simulated time pass."""
        raise AssertionError("this lab runs on real time")

    def begin(self, machine: Rented) -> None:
        """A machine was rented."""

    def end(self, machine: Rented) -> None:
        """A machine was destroyed."""

    def switch(self, machine: Rented, on: bool) -> None:
        """A machine was started or stopped."""
        machine.status = "running" if on else "exited"


class _Handler(BaseHTTPRequestHandler):
    service: Lab

    def handle_any(self) -> None:
        lab, parts = self.service, urlsplit(self.path)
        query = {
            name: unquote(values[0]) for name, values in parse_qs(parts.query).items()
        }
        body = json.loads(
            self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"
        )
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        with lab.lock:
            lab.requests.append((self.command, parts.path))
            dark = lab.now() < lab.dark_until and not parts.path.startswith("/_lab/")
            fault = (
                Fault("", "", drop=True)
                if dark
                else lab.trouble(self.command, parts.path)
            )
            done = (
                lab.answer(self.command, parts.path, query, body, key)
                if fault is None or fault.after
                else None
            )
        if fault and fault.drop:
            self.close_connection = True
            return
        status, value = (fault.status, fault.body) if fault else done
        text = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *words: Any) -> None:
        """Quiet."""
