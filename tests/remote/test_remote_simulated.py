"""Whole launches against the emulated service on simulated time: scripted faults, kill
-9, random faults.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from lab import KEY, offer
from simulated import FolderLink, SimClock, SimLab

from afs_stages.core.errors import UserError
from afs_stages.core.params import Params
from afs_stages.core.params.remote import GPUConfig, TrainingJob
from afs_stages.remote.bundle import Bundle
from afs_stages.remote.estimate import Need
from afs_stages.remote.journal import Job, Journal
from afs_stages.remote.launch import Launcher
from afs_stages.remote.plan import JobRequest
from afs_stages.remote.service import Service

TIMING = {
    "poll": 60,
    "api_patience": 200,
    "heartbeat": 1800,
    "stopped": 600,
    "tail": 300,
    "teardown": 900,
}
STEPS = [
    "planned",
    "reconciled",
    "key-registered",
    "asking",
    "rented",
    "running",
    "guarded",
    "uploaded",
]
STEPS += [
    "started",
    "checkpoint",
    "finished",
    "collected",
    "destroying",
    "destroyed",
    "done",
]


def launcher(
    lab: SimLab, home: Path, budget: float = 2.0, bid: bool = False, **timing: float
) -> Launcher:
    params = Params.model_validate(
        {
            "sources": {"oracle": {"root": "."}},
            "models": {"majora": {"version": "v1", "weights": {"oracle": 1}}},
            "remote": {"timing": {**TIMING, **timing}},
        }
    )
    bundle = home / "bundle"
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "job.json").write_text("{}")
    gpu = GPUConfig(gpu_name="RTX 4090", vram_gb=24, max_price=0.5)
    request = JobRequest(
        "majora",
        TrainingJob(),
        "balanced",
        gpu,
        budget,
        12,
        bid,
        Need(1e6, 1e9, 4, 0, ()),
        0.1,
    )
    clock = SimClock(lab)
    journal = Journal("majora", home)
    service = Service(params.remote.timing, clock, lab.url)
    link = lambda instance, seconds=0.0: FolderLink(lab, instance)  # noqa: E731
    return Launcher(
        service,
        params,
        journal,
        request,
        Bundle(bundle, "a" * 64, 0.1),
        clock,
        link,
        "ssh-ed25519 AAAA me",
        lambda _: None,
    )


def safe(lab: SimLab, home: Path, budget: float, job: Job | None) -> None:
    """The three promises: nothing lives on, the cap holds, nothing made is lost."""
    lab.faults.clear()
    lab.chaos = None
    lab.advance(4 * 3600)
    assert not lab.living()
    assert lab.dollars() <= budget
    if job and job.state == "done":
        assert (home / "majora/result/adapter/weights").read_text() == "trained"


def test_a_job_runs_to_its_end_and_the_receipt_says_what_it_cost(lab, tmp_path):
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert not lab.living(), "given back at once, not by the guard"
    [machine] = job.machines
    assert machine.gone
    assert lab.dollars() <= machine.dollars <= 2.0
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_start_command_too_long_is_refused_before_anything_happens(lab, tmp_path):
    made = launcher(lab, tmp_path / "home")
    made.service.url = lab.url + "/" + "x" * 4000
    with pytest.raises(UserError, match="start command has"):
        made.run()
    assert not lab.requests
    assert made.journal.load() is None


CREATE_FAULTS = {
    "reply lost after renting": [{"drop": True, "after": True}],
    "502 after renting": [{"status": 502, "after": True}],
    "offer taken": [{"status": 410, "body": "no_such_ask"}],
    "429 storm": [{"status": 429, "body": "too many requests", "times": 6}],
    "500 without renting": [{"status": 500}],
}


@pytest.mark.parametrize("name", CREATE_FAULTS)
def test_renting_goes_on_after(name, lab, tmp_path):
    for fault in CREATE_FAULTS[name]:
        lab.fault("PUT", "/asks/", **fault)
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    rented = [machine for machine in job.machines if machine.instance]
    assert len(rented) == len(lab.machines) == 1
    safe(lab, tmp_path / "home", 2.0, job)


@pytest.mark.parametrize(
    ("method", "pattern"),
    [("POST", "/bundles/"), ("GET", "/instances/"), ("DELETE", "/inst")],
)
def test_a_storm_of_429_on_any_call_is_waited_out(method, pattern, lab, tmp_path):
    lab.fault(method, pattern, status=429, body="too many requests", times=5)
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert len(lab.machines) == 1
    safe(lab, tmp_path / "home", 2.0, job)


@pytest.mark.parametrize("fate", ["never-loads", "no-ssh", "vanishes", "stops"])
def test_a_bad_machine_is_replaced_and_training_resumes(fate, lab, tmp_path):
    fates = iter([fate, ""])
    lab.fate = lambda: next(fates)
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert len(lab.machines) == (1 if fate == "stops" else 2)
    if fate == "vanishes":
        assert (
            len(
                list(
                    (
                        lab.root / "7002/bundle/models/majora/adapter.checkpoints"
                    ).iterdir()
                )
            )
            >= 1
        )
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_failing_training_brings_its_checkpoint_home_and_ends(lab, tmp_path):
    lab.fate = lambda: "fails"
    with pytest.raises(UserError, match="left with code 1"):
        launcher(lab, tmp_path / "home").run()
    assert list((tmp_path / "home/majora/partial").rglob("state"))
    safe(lab, tmp_path / "home", 2.0, None)


def test_destroy_answering_500_five_times_is_repeated_until_gone(lab, tmp_path):
    lab.fault("DELETE", "/instances/", status=500, times=5)
    job = launcher(lab, tmp_path / "home").run()
    assert job.machines[0].gone
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_budget_that_buys_nothing_rents_nothing(lab, tmp_path):
    with pytest.raises(UserError, match="does not pay"):
        launcher(lab, tmp_path / "home", budget=0.05).run()
    assert not lab.machines


def test_a_wrong_key_and_an_empty_account_are_said_plainly(lab, tmp_path, monkeypatch):
    lab.credit = 0
    with pytest.raises(UserError, match="no credit"):
        launcher(lab, tmp_path / "home").run()
    monkeypatch.setenv("VAST_API_KEY", "wrong")
    with pytest.raises(UserError, match="refused the API key") as caught:
        launcher(lab, tmp_path / "other").run()
    assert "wrong" not in str(caught.value)
    assert not lab.machines


def test_training_that_reaches_the_cap_leaves_a_checkpoint_to_go_on_from(lab, tmp_path):
    lab.steps = 600
    with pytest.raises(UserError, match="paid time is over"):
        launcher(lab, tmp_path / "home", budget=0.5).run()
    assert list((tmp_path / "home/majora/partial").rglob("state"))
    safe(lab, tmp_path / "home", 0.5, None)
    lab.steps = (
        max(
            int(p.parent.name[5:])
            for p in (tmp_path / "home/majora/partial").rglob("state")
        )
        + 5
    )
    assert launcher(lab, tmp_path / "home", budget=0.5).run().state == "done"


def test_a_dead_laptop_leaves_the_machine_to_its_guard(lab, tmp_path):
    job = launcher(lab, tmp_path / "home").run(detach=True)
    assert job.detached
    lab.advance(1700)
    assert lab.living()
    lab.advance(2 * 3600 + 600)
    assert not lab.living(), "uncollected results end it"
    assert lab.dollars() <= 2.0


def test_a_detached_job_is_taken_up_again(lab, tmp_path):
    launcher(lab, tmp_path / "home").run(detach=True)
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert len(lab.machines) == 1


@pytest.mark.parametrize("step", STEPS)
def test_killed_at(step, lab, tmp_path):
    """A launcher killed -9 right after a step, and started again,
    rents no second machine.
    """
    killed(lab, tmp_path / "home", after=step)


@pytest.mark.parametrize(
    "step", ["rented", "started", "collected", "destroyed", "done"]
)
def test_killed_before_it_could_note(step, lab, tmp_path):
    """The act is done, and nothing at home says so."""
    killed(lab, tmp_path / "home", before=step)


def killed(lab: SimLab, home: Path, after: str = "", before: str = "") -> None:
    child = Child(lab, home, after, before)
    assert child.code == -signal.SIGKILL
    job = launcher(lab, home).run()
    assert job.state == "done"
    assert len(lab.machines) == 1
    safe(lab, home, 2.0, job)


class Mortal(Journal):
    """A journal whose writer is killed -9 right after, or right before,
    it writes a step down.
    """

    def __init__(self, root: Path, after: str, before: str) -> None:
        super().__init__("majora", root)
        self.after, self.before = after, before

    def save(self, job: Job, step: str) -> None:
        if step == self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        super().save(job, step)
        if step == self.after:
            os.kill(os.getpid(), signal.SIGKILL)


class Child:
    """A launcher in a process of its own, whose simulated time is the
    lab's in this one.
    """

    def __init__(self, lab: SimLab, home: Path, after: str, before: str) -> None:
        clock, boxes = os.pipe(), lab
        pid = os.fork()
        if pid == 0:
            try:
                made = launcher(lab, home)
                made.journal = Mortal(home, after, before)
                remote = RemoteLab(boxes)
                made.clock = made.service.clock = SimClock(remote)  # type: ignore[arg-type]
                made.connect = lambda instance, seconds=0.0: RemoteLink(
                    remote, boxes, instance
                )
                made.run()
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        os.close(clock[0])
        os.close(clock[1])
        self.code = (
            -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        )


class RemoteLab:
    """The lab's clock, over the wire."""

    chaos, skew, deaf_from, deaf_until = None, 0.0, 0.0, 0.0

    def __init__(self, lab: SimLab) -> None:
        self.url = lab.url

    def ask(self, path: str, value: Any) -> Any:
        import requests

        return requests.post(
            self.url + path,
            json=value,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=30,
        ).json()

    @property
    def time(self) -> float:
        return float(self.ask("/_lab/now", {}))

    def advance(self, seconds: float) -> None:
        self.ask("/_lab/advance", {"seconds": seconds})


class RemoteLink(FolderLink):
    """A machine's folder, seen from the child."""

    def __init__(self, remote: RemoteLab, lab: SimLab, instance: Any) -> None:
        self.lab, self.folder = remote, lab.root / str(instance.id)  # type: ignore[assignment]

    def root(self) -> Path:
        return self.folder


def home_step(home: Path) -> int:
    """The step of the newest checkpoint at home."""
    return max(
        [int(path.parent.name[5:]) for path in home.rglob("step-*/state")], default=0
    )


FATES = {
    "never-loads": 0.06,
    "no-ssh": 0.06,
    "vanishes": 0.1,
    "stops": 0.1,
    "fails": 0.06,
}
FATES |= {"outbid": 0.2, "outbid-for-good": 0.1}


@pytest.mark.parametrize("block", range(8))
def test_random_faults_never_break_the_promises(block, tmp_path, monkeypatch):
    """200 jobs in 8 blocks, every second one bidding,
    each launched again until it is done.
    """
    monkeypatch.setenv("VAST_API_KEY", KEY)
    for seed in range(block * 25, block * 25 + 25):
        chaos = random.Random(seed)
        lab = SimLab(
            tmp_path / f"boxes{seed}",
            [offer(n, 0.3 + n / 100) for n in range(1, 21)],
            chaos=chaos,
        )
        lab.mood, lab.late = dict(FATES), chaos.choice([0.0, 0.0, 90.0, 400.0])
        try:
            persist(lab, tmp_path / f"home{seed}", bid=bool(seed % 2))
        finally:
            lab.close()


def persist(lab: SimLab, home: Path, bid: bool) -> None:
    """Launch until it is done, at last in fair weather;
    the promises hold after each launch.
    """
    have = 0
    for launches in range(1, 5):
        if launches == 4:
            lab.chaos, lab.mood = None, {}
        try:
            job = launcher(lab, home, bid=bid).run()
        except UserError:
            assert launches < 4, "in fair weather every job comes to its end"
            assert home_step(home) >= have, "no checkpoint is lost"
            assert lab.dollars() <= 2.0 * launches
            have = home_step(home)
            continue
        assert job.state == "done"
        break
    safe(lab, home, 2.0 * launches, job)
    assert {m.instance for m in job.machines if m.instance} <= set(lab.machines)
