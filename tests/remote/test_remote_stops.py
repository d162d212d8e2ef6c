"""How a launch ends: what it says of its machines, who else may launch, and what a
polite kill does.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from boxes import missing
from test_remote_boxes import (
    environment,
    finished,
    partial,
    script,
    settings,
    stage,
    until,
)
from test_remote_boxes import project as project
from test_remote_commands import lab as lab
from test_remote_commands import project as pipeline  # noqa: F401
from typer.testing import CliRunner

from afs_stages.commands import vastai
from afs_stages.core.errors import UserError
from afs_stages.core.params import load
from afs_stages.stages import remote_train

real = pytest.mark.skipif(bool(missing()), reason=missing() or "machines can be had")
BAD = ["nan", "inf", "0", "-1"]


@pytest.mark.parametrize("budget", BAD)
@pytest.mark.parametrize(
    ("app", "words"),
    [
        (vastai.app, ["plan", "--model", "majora"]),
        (vastai.app, ["launch", "--all-models"]),
        (vastai.app, ["launch", "--model", "majora", "--dry-run"]),
        (remote_train.app, ["--model", "majora"]),
    ],
)
def test_a_budget_that_bounds_nothing_is_refused(
    budget, app, words, project, monkeypatch
):
    monkeypatch.chdir(project)
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:9")
    done = CliRunner().invoke(app, [*words, "--budget", budget])
    assert isinstance(done.exception, UserError), done.output
    assert done.exception.where == "--budget"
    assert budget in done.exception.what
    assert "--budget 10" in str(done.exception.fix)


@pytest.mark.parametrize("budget", BAD)
def test_params_take_no_budget_that_bounds_nothing(budget, project):
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(
        text.replace("budget: 5", f"budget: {budget.replace('nan', '.nan')}", 1)
    )
    if budget == "inf":
        (project / "params.yaml").write_text(
            text.replace("budget: 5", "budget: .inf", 1)
        )
    with pytest.raises(
        UserError, match=rf"remote\.jobs\.majora\.budget.* got {budget}"
    ) as caught:
        load(project / "params.yaml")
    assert "params.yaml:" in str(caught.value.where)
    assert caught.value.fix


@real
def test_a_machine_that_may_live_is_an_error_and_the_next_run_rents_nothing(
    project, lab
):
    """The service refuses every destroy: the adapter is at home, and it is not said
    that all is well.
    """
    settings(project, api_patience=1)
    script(project, steps=2)
    lab.fault("DELETE", "/instances/", times=100_000)
    code, said = finished(stage(project, lab), 240)
    [machine] = lab.living()
    assert code == 1, said
    assert "every machine confirmed gone" not in said
    assert f"could not be confirmed gone and may cost money: {machine.id}" in said
    assert "Traceback" not in said
    assert (project / "models/majora/remote/adapter/weights").read_text() == "trained"
    assert not receipt(project)["confirmed_gone"]
    lab.faults.clear()
    code, said = finished(stage(project, lab), 240)
    assert code == 0, said
    assert "every machine confirmed gone" in said
    assert receipt(project)["confirmed_gone"]
    assert receipt(project)["dollars"] > 0
    assert len(lab.machines) == 1
    assert not lab.living()


def receipt(project: Path) -> dict[str, object]:
    return dict(json.loads((project / "models/majora/receipt.json").read_text()))


@real
def test_a_second_launcher_of_a_model_is_kept_out(project, lab):
    script(project, steps=20)
    first = stage(project, lab)
    until(lambda: partial(project), 240)
    code, said = finished(stage(project, lab), 240)
    assert code == 1
    assert f"another launcher is at work on majora (process {first.pid})" in said
    assert f"kill {first.pid}" in said
    code, said = finished(first, 240)
    assert code == 0, said
    assert len(lab.machines) == 1


@real
@pytest.mark.parametrize("command", ["launch", "attach"])
@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_command_that_is_killed_politely_ends_its_launcher_first(
    command,
    number,
    pipeline,  # noqa: F811
    lab,
):
    """The launcher is the command's own child,
    or a grandchild that DVC leaves behind.
    """
    tree = yaml.safe_load((pipeline / "params.yaml").read_text())
    tree["remote"]["timing"]["api_patience"] = 60
    (pipeline / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    script(pipeline, steps=500)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "afs_stages.cli",
            "vastai",
            command,
            "--model",
            "majora",
        ],
        cwd=pipeline,
        env=environment(pipeline, lab),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until(lambda: partial(pipeline) or process.poll() is not None, 240)
    lab.fault("DELETE", "/instances/", times=4)  # it takes its time
    process.send_signal(number)
    process.wait(240)
    assert not lab.living(), "given back before the command left"
    until(
        lambda: not launchers(pipeline), 60
    )  # the job is done with; the interpreter may still be closing
    code, said = finished(process, 240)
    assert code == 128 + number, said
    assert "Traceback" not in said
    assert partial(pipeline)


def launchers(project: Path) -> list[str]:
    """Processes of the stage that work in a project."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if "afs_stages.stages.remote_train" in (process / "cmdline").read_text():
                found.append(str((process / "cwd").readlink()))
        except OSError:
            continue
    return [folder for folder in found if folder == str(project)]
