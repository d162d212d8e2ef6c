"""Machines without ssh: a folder, the real guard's reckoning,
and a training that counts steps.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

from lab import Lab, Rented

from afs_stages.remote.box import guard
from afs_stages.remote.connection import Unreachable

TICK = 30.0


class SimLab(Lab):
    """The service and its machines on one simulated clock."""

    def __init__(self, root: Path, offers: list[dict[str, Any]], **more: Any) -> None:
        self.time, self.root = 1_700_000_000.0, root
        self.loading, self.steps, self.step_seconds, self.save = 120.0, 12, 60.0, 3
        self.mood: dict[str, float] = {}
        self.deaf_from = self.deaf_until = 0.0
        """Between them no machine can be reached by ssh."""
        self.skew = 0.0
        """Seconds by which the machines' clocks are ahead."""
        super().__init__(offers, lambda: self.time, **more)

    def folder(self, machine: Rented) -> Path:
        return self.root / str(machine.id)

    def begin(self, machine: Rented) -> None:
        self.folder(machine).mkdir(parents=True)
        settings = re.search(r"guard\.py \S+ ('[^']*')", machine.onstart)
        assert settings, "no machine without a guard"
        machine.extra = {
            "config": json.loads(shlex.split(settings[1])[0]),
            "guard": None,
            "fate": self.befalls(machine),
            "tries": 0,
        }

    def befalls(self, machine: Rented) -> str:
        """A machine at its full price is never outbid."""
        fate = self.fate()
        return "" if fate.startswith("outbid") and not machine.bid else fate

    def fate(self) -> str:
        """What befalls a new machine."""
        roll = self.chaos.random() if self.chaos else 1.0
        total = 0.0
        for name, share in self.mood.items():
            total += share
            if roll < total:
                return name
        return ""

    def advance(self, seconds: float) -> None:
        with self.lock:
            end = self.time + seconds
            while self.time < end:
                self.time += (step := min(TICK, end - self.time))
                for machine in self.living():
                    machine.charge(self.time)
                    self.live(machine, step)

    def live(self, machine: Rented, step: float) -> None:
        fate, age = machine.extra["fate"], self.time - machine.born
        if machine.status is None:
            machine.status = "loading"
        if (
            machine.status == "loading"
            and age >= self.loading
            and fate != "never-loads"
        ):
            machine.status = "running"
        if fate == "vanishes" and age > 500:
            machine.alive = False
        if fate == "stops" and 400 < age < 800:
            machine.status = "exited"
        elif fate == "stops" and machine.status == "exited":
            machine.status = "running"
        self.interrupt(machine, fate, age)
        if machine.status == "running":
            self.guard(machine, step)
            self.train(machine, step)

    def interrupt(self, machine: Rented, fate: str, age: float) -> None:
        """Someone bids more for a while, or for good;
        or the account's last dollar is spent.
        """
        outbid = fate == "outbid-for-good" or (fate == "outbid" and age < 800)
        if outbid and age > 400 and machine.status == "running":
            machine.status = "exited"
        elif (
            fate == "outbid"
            and age >= 800
            and machine.status == "exited"
            and machine.intended == "running"
        ):
            machine.status = "running"
        if fate == "broke" and age > 400 and machine.status == "running":
            self.credit, machine.status, machine.intended = 0.0, "exited", "stopped"

    def switch(self, machine: Rented, on: bool) -> None:
        """One that is outbid does not start because its owner wants it to."""
        if not (on and machine.extra["fate"].startswith("outbid")):
            super().switch(machine, on)

    def guard(self, machine: Rented, step: float) -> None:
        root, config = str(self.folder(machine)), machine.extra["config"]
        now = self.time + self.skew
        then = machine.extra.get("then", now - step)
        state = machine.extra["guard"] or guard.load(root, config, then)
        machine.extra |= {"guard": state, "then": now}
        if guard.tick(root, config, state, then, now, step):
            guard_api(self, machine)
        guard.save(root, state)

    def train(self, machine: Rented, step: float) -> None:
        root = self.folder(machine)
        if not (root / "READY").exists() or (root / "EXIT").exists():
            return
        begun = machine.extra.setdefault("from", self.resumed(root))
        done = machine.extra.setdefault("done", begun)
        machine.extra["credit"] = machine.extra.get("credit", 0.0) + step
        while machine.extra["credit"] >= self.step_seconds and done < self.steps:
            machine.extra["credit"] -= self.step_seconds
            done += 1
            if done % self.save == 0:
                self.checkpoint(root, done)
        machine.extra["done"] = done
        (root / "status.json").write_text(json.dumps({"phase": "train", "step": done}))
        config, state = machine.extra["config"], machine.extra["guard"]
        if state["ran"] > config["seconds"] - config["tail"]:
            self.leave(
                root, {"code": 124, "phase": "train", "why": "the paid time is over"}
            )
        elif machine.extra["fate"] == "fails" and done >= 5:
            self.leave(root, {"code": 1, "phase": "train", "why": "left with code 1"})
        elif done >= self.steps:
            self.results(root)
            self.leave(root, {"code": 0, "phase": "", "why": ""})

    def resumed(self, root: Path) -> int:
        return max(
            [
                int(p.name[5:])
                for p in root.glob("bundle/models/*/adapter.checkpoints/step-*")
            ],
            default=0,
        )

    def checkpoint(self, root: Path, done: int) -> None:
        name = f"models/majora/adapter.checkpoints/step-{done:07d}"
        (root / "bundle" / name).mkdir(parents=True, exist_ok=True)
        (root / "bundle" / name / "state").write_text(str(done))
        facts = {"name": name, "files": {"state": sha(str(done))}}
        (root / "checkpoint.json").write_text(json.dumps(facts))

    def results(self, root: Path) -> None:
        (root / "out/results/adapter").mkdir(parents=True)
        (root / "out/results/adapter/weights").write_text("trained")
        (root / "out/MANIFEST.json").write_text(
            json.dumps({"files": {"adapter/weights": sha("trained")}})
        )

    def leave(self, root: Path, facts: dict[str, Any]) -> None:
        (root / "EXIT").write_text(json.dumps(facts))
        os.utime(root / "EXIT", (self.time + self.skew, self.time + self.skew))


def guard_api(lab: SimLab, machine: Rented) -> None:
    """The guard's call, which meets the service's faults as any other."""
    fault = lab.trouble("DELETE", f"/api/v0/instances/{machine.id}/")
    if fault is None or fault.after:
        lab.answer("DELETE", f"/api/v0/instances/{machine.id}/", {}, {}, machine.key)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class SimClock:
    """The laptop's clock: sleeping lets the lab's time pass."""

    def __init__(self, lab: SimLab) -> None:
        self.lab = lab

    def now(self) -> float:
        return self.lab.time

    def sleep(self, seconds: float) -> None:
        self.lab.advance(max(0.5, seconds))


class FolderLink:
    """A machine's folder, reachable while the machine runs."""

    def __init__(self, lab: SimLab, instance: Any) -> None:
        self.lab, self.machine = lab, lab.machines[instance.id]

    def root(self) -> Path:
        fate = self.machine.extra["fate"]
        if (
            not self.machine.alive
            or self.machine.status != "running"
            or fate == "no-ssh"
        ):
            raise Unreachable("connection refused")
        if self.lab.deaf_from <= self.lab.time < self.lab.deaf_until:
            raise Unreachable("no route to host")
        if self.lab.chaos and self.lab.chaos.random() < 0.02:
            raise Unreachable("connection reset")
        return self.lab.folder(self.machine)

    def read(self, names: list[str]) -> dict[str, str]:
        root = self.root()
        return {
            name: (root / name).read_text() for name in names if (root / name).is_file()
        }

    def touch(self, *names: str) -> None:
        for name in names:
            path = self.root() / name
            path.touch()
            now = self.lab.time + self.lab.skew
            os.utime(path, (now, now))

    def push(self, folder: Path, name: str) -> None:
        target = self.root() / name
        shutil.copytree(folder, target, dirs_exist_ok=True)

    def pull(self, name: str, folder: Path) -> None:
        source = self.root() / name
        if not source.is_dir():
            raise Unreachable(f"no {name}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        if self.lab.chaos and self.lab.chaos.random() < 0.05:
            next(p for p in folder.rglob("*") if p.is_file()).write_text("garbled")
