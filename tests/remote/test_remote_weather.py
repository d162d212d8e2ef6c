"""Bids, credit, networks and late answers, on simulated time:
what befalls a job in mid-training.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from simulated import SimClock, SimLab
from test_remote_simulated import STEPS, home_step, launcher, safe
from typer.testing import CliRunner

from afs_stages.commands.vastai import app
from afs_stages.core.errors import UserError
from afs_stages.remote.journal import STATE, Job, Journal


def fates(lab: SimLab, *names: str) -> None:
    """What befalls one machine after the other."""
    left = iter([*names, *[""] * 8])
    lab.fate = lambda: next(left)


def test_an_interruptible_machine_costs_its_bid_and_its_disk(lab, tmp_path):
    job = launcher(lab, tmp_path / "home", bid=True).run()
    [machine], [rented] = job.machines, lab.machines.values()
    assert rented.bid >= rented.offer["min_bid"]
    assert rented.dph == pytest.approx(machine.offer["dph"])
    assert lab.dollars() <= machine.dollars
    safe(lab, tmp_path / "home", 2.0, job)


def test_an_outbid_machine_that_comes_back_goes_on_where_it_was(lab, tmp_path):
    fates(lab, "outbid")
    job = launcher(lab, tmp_path / "home", bid=True).run()
    assert job.state == "done"
    assert len(lab.machines) == 1
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_machine_outbid_for_good_is_given_back_and_another_goes_on(lab, tmp_path):
    fates(lab, "outbid-for-good")
    job = launcher(lab, tmp_path / "home", bid=True).run()
    assert job.state == "done"
    assert len(lab.machines) == 2
    assert "exited" in job.machines[0].fate
    assert lab.machines[7002].extra["from"] > 0, (
        "the checkpoint travelled to the second machine"
    )
    safe(lab, tmp_path / "home", 2.0, job)


@pytest.mark.parametrize("bid", [False, True])
def test_credit_that_ends_in_mid_job_is_said_and_more_goes_on(bid, lab, tmp_path):
    fates(lab, "broke")
    with pytest.raises(UserError, match="no credit"):
        launcher(lab, tmp_path / "home", bid=bid).run()
    assert not lab.living()
    assert (have := home_step(tmp_path / "home")) > 0
    lab.credit = 25.0
    job = launcher(lab, tmp_path / "home", bid=bid).run()
    assert job.state == "done"
    assert lab.machines[7002].extra["from"] == have
    safe(lab, tmp_path / "home", 4.0, job)


def test_a_machine_cut_off_longer_than_its_heartbeat_ends_itself_and_another_goes_on(
    lab, tmp_path
):
    """Only ssh is cut, and the machine gives up before the launcher does."""
    lab.steps, lab.deaf_from = 30, lab.time + 700
    lab.deaf_until = lab.deaf_from + 550
    job = launcher(lab, tmp_path / "home", heartbeat=300, stopped=1200).run()
    assert job.state == "done"
    assert job.machines[0].fate == "the machine is gone"
    assert len(lab.machines) == 2
    assert lab.machines[7002].extra["from"] > 0
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_launcher_that_waits_less_than_the_heartbeat_takes_another_machine(
    lab, tmp_path
):
    lab.steps, lab.deaf_from = 30, lab.time + 700
    lab.deaf_until = lab.deaf_from + 700
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert "out of reach" in job.machines[0].fate
    assert len(lab.machines) == 2
    safe(lab, tmp_path / "home", 2.0, job)


@pytest.mark.parametrize("skew", [-86400.0, 86400.0])
@pytest.mark.parametrize("mended", [False, True])
def test_a_machine_whose_clock_is_wrong_lives_as_long_as_it_is_paid_for(
    skew, mended, lab, tmp_path
):
    """Its clock is a day off, and in one case set right while it trains."""
    lab.skew = skew
    launcher(lab, tmp_path / "home").run(detach=True)
    lab.advance(200)
    lab.skew = 0.0 if mended else skew
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert len(lab.machines) == 1
    safe(lab, tmp_path / "home", 2.0, job)


@pytest.mark.parametrize("skew", [-86400.0, 86400.0])
def test_a_wrong_clock_keeps_no_machine_alive_whose_computer_died(skew, lab, tmp_path):
    lab.steps, lab.skew = 10_000, skew
    job = launcher(lab, tmp_path / "home").run(detach=True)
    lab.advance(200)
    lab.skew = 0.0
    lab.advance(job.machines[0].seconds + 300)
    assert not lab.living()
    assert lab.dollars() <= 2.0


class CutClock(SimClock):
    """At a given time every line of this computer is cut:
    ssh and the service's alike.
    """

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if not self.lab.dark_until and self.lab.time > self.lab.deaf_from:
            self.lab.dark_until = self.lab.deaf_until


def test_a_computer_cut_off_from_everything_says_so_and_goes_on_later(lab, tmp_path):
    home = tmp_path / "home"
    lab.steps, lab.deaf_from = 60, lab.time + 700
    lab.deaf_until = lab.deaf_from + 3 * 3600
    made = launcher(lab, home)
    made.clock = made.service.clock = CutClock(lab)
    with pytest.raises(UserError, match="did not answer"):
        made.run()
    have = home_step(home)
    assert have > 0
    lab.advance(2400)
    assert not lab.living(), "its guard heard nothing"
    lab.advance(3 * 3600)
    job = launcher(lab, home).run()
    assert job.state == "done"
    assert lab.machines[7002].extra["from"] == have
    safe(lab, home, 4.0, job)


def test_a_machine_that_shows_up_late_is_ended_in_the_same_run(lab, tmp_path):
    lab.fault("PUT", "/asks/", drop=True, after=True)
    lab.late = 100
    job = launcher(lab, tmp_path / "home").run()
    assert job.state == "done"
    assert len(lab.machines) == 2
    assert not lab.living()
    assert all(machine.gone for machine in job.machines)
    lost = lab.machines[7001]
    assert lost.billed - lost.born < 400, "long before its guard had to"
    safe(lab, tmp_path / "home", 2.0, job)


def test_a_machine_that_shows_up_after_the_job_is_found_by_cleanup_and_by_the_next_job(
    lab, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAST_URL", lab.url)
    params = {
        "sources": {"s": {"root": "."}},
        "models": {"majora": {"version": "v1", "weights": {"s": 1}}},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))
    lab.fault("PUT", "/asks/", drop=True, after=True)
    lab.late, lab.loading = 1500, 10
    job = launcher(lab, STATE).run()
    assert job.state == "done"
    assert len(lab.living()) == 1
    lab.advance(max(0.0, 1510 - (lab.time - lab.machines[7001].born)))
    assert len(lab.living()) == 1
    said = CliRunner().invoke(app, ["cleanup", "--yes"])
    assert said.exit_code == 0, said.output
    assert "1 destroyed" in said.output
    assert not lab.living()
    saved = Journal("majora").load()
    assert saved
    assert all(machine.gone for machine in saved.machines)


def test_an_earlier_jobs_late_machine_is_ended_by_the_next_launch(lab, tmp_path):
    home = tmp_path / "home"
    lab.fault("PUT", "/asks/", drop=True, after=True)
    lab.late, lab.loading = 1500, 10
    fates(lab, "", "fails")
    with pytest.raises(UserError, match="left with code 1"):
        launcher(lab, home).run()
    assert [machine.id for machine in lab.living()] == [7001]
    lab.advance(max(0.0, 1450 - (lab.time - lab.machines[7001].born)))
    job = launcher(lab, home).run()
    assert job.state == "done"
    assert not lab.living()
    assert lab.machines[7001].billed - lab.machines[7001].born < 1700
    safe(lab, home, 4.0, job)


def test_checkpoints_come_home_only_as_far_as_their_traffic_is_paid_for(lab, tmp_path):
    """Two digits a checkpoint; traffic for five bytes was set aside."""
    lab.steps, made = 60, launcher(lab, tmp_path / "home")
    made.request = replace(made.request, up_gb=5e-9)
    job = made.run()
    assert job.state == "done"
    assert 0 < job.machines[0].home_gb <= 5e-9
    safe(lab, tmp_path / "home", 2.0, job)


class Interrupted(Journal):
    """Ctrl-C once, right after a step is written down."""

    step = ""

    def save(self, job: Job, step: str) -> None:
        super().save(job, step)
        if step == self.step:
            self.step = ""
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS)
def test_stopped_by_hand_at(step, lab, tmp_path):
    """Nothing lives on, nothing is paid for twice that had come home, and the next
    launch ends the job.
    """
    home, made = tmp_path / "home", launcher(lab, tmp_path / "home")
    made.journal = Interrupted("majora", home)
    made.journal.step = step
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert not lab.living()
    rented = len(lab.machines)
    job = launcher(lab, home).run()
    assert job.state == "done"
    home_already = STEPS.index(step) >= STEPS.index("collected")
    assert len(lab.machines) == rented + (0 if home_already else 1)
    safe(lab, home, 4.0, job)


class Impatient(SimClock):
    """Ctrl-C once, while a machine that was rented is looked for."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.lab.machines and self.lab.late == 30:
            self.lab.late = 15
            raise KeyboardInterrupt


def test_stopped_by_hand_while_nobody_knows_whether_a_machine_was_rented(lab, tmp_path):
    lab.fault("PUT", "/asks/", drop=True, after=True)
    lab.late, made = 30, launcher(lab, tmp_path / "home")
    made.clock = made.service.clock = Impatient(lab)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert len(lab.machines) == 1
    assert not lab.living()
