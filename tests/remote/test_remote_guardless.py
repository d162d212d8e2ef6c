"""A machine whose guard is dead: this computer ends it,
and the receipt says what it cost.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import yaml
from boxes import BoxLab, missing
from lab import Rented, offer
from simulated import SimLab
from test_remote_boxes import finished, project, script, settings, stage, until
from test_remote_simulated import launcher

from afs_stages.core.errors import UserError
from afs_stages.remote.journal import Job, Machine
from afs_stages.remote.launch import Launcher

real = pytest.mark.skipif(bool(missing()), reason=missing() or "machines can be had")
__all__ = ["project"]


def guardless(lab: SimLab, after: float = 0.0, saved: bool = False) -> None:
    """Every guard dies so many seconds after its machine ran; `saved`: something goes
    on writing its state.
    """
    alive = lab.guard

    def guard(machine: Rented, step: float) -> None:
        if not machine.extra["guard"] or machine.extra["guard"]["ran"] <= after:
            return alive(machine, step)
        if saved:
            (lab.folder(machine) / "guard.state").write_text(
                json.dumps({"ran": lab.time})
            )
        return None

    lab.guard = guard


def lost(made: Launcher) -> Job:
    """The job as it stands after every machine was lost."""
    with pytest.raises(UserError):
        made.run()
    job = made.journal.load()
    assert job
    return job


def longest(lab: SimLab) -> float:
    """Seconds the longest-lived machine was paid for, loading included."""
    return max(machine.billed - machine.born for machine in lab.machines.values())


def allowed(machine: Machine) -> float:
    """Seconds a machine may live: loading, its lease, half of the teardown allowance,
    and two looks.
    """
    return 120 + machine.seconds + 450 + 2 * 60


def test_a_guard_that_stands_still_loses_the_machine(lab, tmp_path):
    lab.steps = 10_000
    guardless(lab, after=300)
    job = lost(launcher(lab, tmp_path / "home"))
    assert not lab.living()
    assert {machine.fate for machine in job.machines} == {"its guard stands still"}
    assert longest(lab) < 120 + 300 + 600 + 4 * 60, "`stopped` after its last sign"
    assert lab.dollars() <= sum(machine.dollars for machine in job.machines) <= 2.0


def test_a_machine_that_only_looks_guarded_ends_with_its_lease(lab, tmp_path):
    lab.steps = 10_000
    guardless(lab, saved=True)
    job = lost(launcher(lab, tmp_path / "home", budget=0.5))
    assert not lab.living()
    assert "paid time is over" in job.machines[0].fate
    assert longest(lab) <= allowed(job.machines[0])
    assert lab.dollars() <= sum(machine.dollars for machine in job.machines) <= 0.5


def test_bringing_results_home_ends_with_the_lease_too(lab, tmp_path):
    """A list of results that never fits, from a machine without a guard."""
    guardless(lab, saved=True)
    lab.results = lambda root: None
    job = lost(launcher(lab, tmp_path / "home", budget=0.5, stopped=1e6))
    assert not lab.living()
    assert "paid time is over" in job.machines[0].fate
    assert longest(lab) <= allowed(job.machines[0])


def test_no_one_waits_longer_for_a_machine_than_is_paid_for(lab, tmp_path):
    """It runs, and ssh is not let in: a long `ssh` makes no longer lease."""
    lab.fate = lambda: "no-ssh"
    guardless(lab)
    job = lost(launcher(lab, tmp_path / "home", budget=0.5, ssh=1e6))
    assert not lab.living()
    assert "paid time is over" in job.machines[0].fate
    assert longest(lab) <= allowed(job.machines[0])


def test_nobody_leaves_a_machine_alone_whose_guard_is_dead(lab, tmp_path):
    guardless(lab)
    made = launcher(lab, tmp_path / "home")
    with pytest.raises(UserError, match="guard stands still"):
        made.run(detach=True)
    assert not lab.living()


def test_the_receipt_says_what_a_machine_cost_that_lived_longer_than_its_lease(
    lab, tmp_path
):
    """Guard and launcher are both dead for a day."""
    lab.steps = lab.save = 10_000
    launcher(lab, tmp_path / "home", budget=0.5).run(detach=True)
    guardless(lab)
    lab.advance(86_400)
    job = lost(launcher(lab, tmp_path / "home", budget=0.5))
    assert not lab.living()
    [machine] = job.machines
    assert lab.dollars() > 5, "it is paid for"
    assert lab.dollars() <= machine.dollars <= lab.dollars() + 0.5
    [path] = (tmp_path / "home/majora/receipts").iterdir()
    assert json.loads(path.read_text())["dollars"] == pytest.approx(
        machine.dollars, abs=1e-3
    )


@pytest.fixture
def boxes(tmp_path):
    made = BoxLab(tmp_path / "boxes", [offer(n, 0.3 + n / 100) for n in range(1, 3)])
    yield made
    made.close()


def kill_guard(lab: BoxLab) -> bool:
    """Kill the guard of the one machine, once it has written its state;
    whether that was done.
    """
    for state in lab.root.glob("*/disk/afs/guard.state"):
        home = f"HOME={state.parents[2]}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                ours = home in (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if ours and words[1:2] == [b"/workspace/afs/guard.py"]:
                os.kill(int(process.name), signal.SIGKILL)
                return True
    return False


def one_machine(project: Path, **job: float) -> None:
    tree = yaml.safe_load((project / "params.yaml").read_text())
    tree["remote"]["max_machines"] = 1
    tree["remote"]["jobs"]["majora"] |= job
    (project / "params.yaml").write_text(yaml.safe_dump(tree))


@real
@pytest.mark.parametrize(
    ("stopped", "seconds", "why"),
    [(2, 360, "its guard stands still"), (600, 6, "its paid time is over")],
)
def test_a_real_guard_killed_on_its_machine(stopped, seconds, why, project, boxes):
    settings(project, stopped=stopped)
    one_machine(project, max_hours=seconds / 3600)
    script(project, steps=1)
    process = stage(project, boxes)
    until(lambda: kill_guard(boxes), 120)
    code, said = finished(process, 240)
    assert code == 1, said
    assert why in said
    assert "Traceback" not in said
    assert not boxes.living()
