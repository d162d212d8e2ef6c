"""The stage against machines with a real sshd, a real guard and a real training in
their own namespaces.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from boxes import BoxLab, missing
from lab import KEY, offer

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=missing() or "machines can be had"
)
REPO = Path(__file__).resolve().parents[2]
TIMING = {
    "poll": 0.3,
    "api_gap": 0.1,
    "api_patience": 10,
    "reconcile": 0.4,
    "loading": 20,
    "ssh": 20,
    "stopped": 15,
    "heartbeat": 6,
    "grace": 20,
    "tail": 1,
    "teardown": 5,
    "guard_tick": 0.3,
}
SCRIPT = """
import argparse, json, os, time
from pathlib import Path
p = argparse.ArgumentParser()
p.add_argument("--data", type=Path); p.add_argument("--output", type=Path); \
p.add_argument("--epochs", type=float)
a = p.parse_args()
assert "CONTAINER_API_KEY" not in os.environ
a.output.mkdir(parents=True, exist_ok=True)
done = max([int(c.name[11:]) for c in a.output.glob("checkpoint-*")], default=0)
print("from", done, flush=True)
for step in range(done + 1, {steps} + 1):
    time.sleep({pause})
    print(f"step={{step}} loss={{'nan' if step == {nan} else 1 / step}}", flush=True)
    part = a.output / ".part"; part.mkdir(exist_ok=True)
    (part / "state").write_bytes(b"x" * {size}); part.rename(a.output / \
f"checkpoint-{{step:04d}}")
(a.output / "weights").write_text("trained")
(a.output / "training.json").write_text(json.dumps({{"from": done}}))
"""


@pytest.fixture
def project(tmp_path):
    """A small repository with one model whose training script is a stand-in."""
    data = tmp_path / "data/converted/majora/messages"
    data.mkdir(parents=True)
    (data / "train.jsonl").write_text('{"messages": []}\n' * 50)
    script(tmp_path)
    settings(tmp_path)
    return tmp_path


def script(
    project: Path, steps: int = 8, pause: float = 0.2, nan: int = 0, size: int = 8
) -> None:
    (project / "own.py").write_text(
        SCRIPT.format(steps=steps, pause=pause, nan=nan, size=size)
    )


def settings(project: Path, own: bool = True, **timing: float) -> None:
    job = {
        "training_script": "own.py" if own else "",
        "gpu_config": "balanced",
        "max_hours": 0.1,
        "budget": 5,
    }
    gpus = {
        "balanced": {
            "gpu_name": "RTX 4090",
            "vram_gb": 24,
            "max_price": 0.5,
            "disk_space": 10,
        }
    }
    remote = {
        "requirements": "",
        "gpus": gpus,
        "jobs": {"majora": job},
        "timing": {**TIMING, **timing},
    }
    tree = {
        "seed": 42,
        "sources": {"oracle": {"root": "."}},
        "models": {"majora": {"version": "v1", "weights": {"oracle": 1}, "train": {}}},
        "convert": {},
        "base_model": {
            "hidden_size": 32,
            "heads": 2,
            "vocab_size": 400,
            "context": 256,
            "id": "",
        },
        "train": {
            "epochs": 2,
            "max_length": 128,
            "batch_size": 4,
            "save_steps": 4,
            "learning_rate": 0.002,
        },
        "evaluate": {"generate": 2, "must_beat_base": False, "bootstrap": 50},
        "remote": remote,
    }
    (project / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


@pytest.fixture
def lab(tmp_path):
    made = BoxLab(tmp_path / "boxes", [offer(n, 0.3 + n / 100) for n in range(1, 6)])
    yield made
    made.close()


def environment(project: Path, lab: BoxLab) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    service = {"VAST_URL": lab.url, "VAST_API_KEY": KEY, "DVC_NO_ANALYTICS": "1"}
    return {
        **os.environ,
        **service,
        "PATH": path,
        "PYTHONPATH": str(REPO),
        "HOME": str(project),
    }


def stage(project: Path, lab: BoxLab, *flags: str) -> subprocess.Popen[str]:
    """The stage as on a terminal: Ctrl-C reaches it, also where these tests were
    started with `&` or `nohup`, which leave SIGINT ignored in everything they start.
    """
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "afs_stages.stages.remote_train",
            "--model",
            "majora",
            *flags,
        ],
        cwd=project,
        env=environment(project, lab),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finished(process: subprocess.Popen[str], seconds: float = 90) -> tuple[int, str]:
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, said


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def partial(project: Path) -> list[Path]:
    """Whole checkpoints at home."""
    found = project.glob(".afs/remote/majora/partial/**/state")
    return [path for path in found if not path.parent.name.startswith(".")]


def test_the_whole_stage_and_a_bundle_without_secrets(project, lab):
    (project / ".env").write_text(KEY)
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert (project / "models/majora/remote/adapter/weights").read_text() == "trained"
    receipt = json.loads((project / "models/majora/receipt.json").read_text())
    assert receipt["confirmed_gone"]
    assert 0 < receipt["dollars"] <= 5
    assert not lab.living()
    assert KEY not in said
    assert not list((project / "models/majora/remote/adapter").glob("checkpoint-*")), (
        "checkpoints are no result"
    )
    bundle = project / ".afs/remote/majora/bundle"
    names = {
        str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()
    }
    data = "data/converted/majora/messages/train.jsonl"
    assert names == {
        "MANIFEST.json",
        "job.json",
        "own.py",
        "params.yaml",
        "run.py",
        data,
    }
    assert not any(
        KEY in path.read_text() for path in bundle.rglob("*") if path.is_file()
    )
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert len(lab.machines) == 1, "a finished job is not paid for twice"
    register = [
        sys.executable,
        "-m",
        "afs_stages.stages.remote_register",
        "--model",
        "majora",
    ]
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    subprocess.run(register, cwd=project, env=env, check=True)
    [record] = (project / "models/registry").glob("*.json")
    assert json.loads(record.read_text())["framework"] == "script"


def test_a_box_stopped_in_mid_training_goes_on_where_it_was(project, lab):
    script(project, steps=20)
    process = stage(project, lab)
    until(lambda: partial(project))
    [machine] = lab.living()
    lab.stopped(machine)
    code, said = finished(process)
    assert code == 0, said
    assert len(lab.machines) == 1
    assert (
        json.loads(
            (project / "models/majora/remote/adapter/training.json").read_text()
        )["from"]
        > 0
    )


def test_a_box_gone_for_good_costs_one_interval(project, lab):
    script(project, steps=20)
    process = stage(project, lab)
    until(lambda: partial(project))
    [machine] = lab.living()
    with lab.lock:
        machine.alive = False
        lab.cut(machine)
    code, said = finished(process)
    assert code == 0, said
    assert len(lab.machines) == 2
    assert (
        json.loads(
            (project / "models/majora/remote/adapter/training.json").read_text()
        )["from"]
        > 0
    )


def test_a_dead_laptop_ends_the_machine_and_the_job_resumes(project, lab):
    script(project, steps=60)
    process = stage(project, lab)
    until(lambda: partial(project))
    process.send_signal(signal.SIGKILL)
    finished(process)
    until(lambda: not lab.living(), 20)
    script(project, steps=60)
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert len(lab.machines) == 2
    assert (
        json.loads(
            (project / "models/majora/remote/adapter/training.json").read_text()
        )["from"]
        > 0
    )


def test_a_laptop_back_in_time_finds_its_machine(project, lab):
    settings(project, heartbeat=60)
    script(project, steps=20)
    process = stage(project, lab)
    until(lambda: partial(project))
    process.send_signal(signal.SIGKILL)
    finished(process)
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert len(lab.machines) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_by_hand_gives_the_machine_back(number, project, lab):
    script(project, steps=100)
    process = stage(project, lab)
    until(lambda: partial(project))
    process.send_signal(number)
    code, said = finished(process)
    assert code != 0
    assert "Traceback" not in said
    assert not lab.living()
    assert partial(project)


def test_nan_ends_the_training_and_says_so(project, lab):
    script(project, steps=50, nan=4)
    code, said = finished(stage(project, lab))
    assert code == 1
    assert "the loss is nan" in said
    assert "Traceback" not in said
    assert not lab.living()


def test_the_deadline_ends_the_training_and_more_money_goes_on_from_its_checkpoint(
    project, lab
):
    tree = yaml.safe_load((project / "params.yaml").read_text())
    tree["remote"]["jobs"]["majora"]["max_hours"] = 20 / 3600
    tree["remote"]["timing"]["tail"] = 4
    (project / "params.yaml").write_text(yaml.safe_dump(tree))
    script(project, steps=120)
    code, said = finished(stage(project, lab))
    assert code == 1
    assert partial(project), said
    until(lambda: not lab.living())
    tree["remote"]["jobs"]["majora"] |= {"max_hours": 0.1, "budget": 7}
    (project / "params.yaml").write_text(yaml.safe_dump(tree))
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert (
        json.loads(
            (project / "models/majora/remote/adapter/training.json").read_text()
        )["from"]
        > 0
    )


def test_detached_and_taken_up_again(project, lab):
    script(project, steps=40)
    code, said = finished(stage(project, lab, "--detach"))
    assert code == 0, said
    assert len(lab.living()) == 1
    code, said = finished(stage(project, lab))
    assert code == 0, said
    assert len(lab.machines) == 1


def test_a_full_disk_on_the_box_is_a_failure_that_is_said(project, tmp_path):
    lab = BoxLab(tmp_path / "boxes", [offer(1)], disk_mb=8)
    try:
        script(project, steps=20, size=2 * 2**20)
        code, said = finished(stage(project, lab))
        assert code == 1
        assert "No space left" in said
        assert not lab.living()
    finally:
        lab.close()


def test_monitor_cleanup_and_receipts(project, lab):
    script(project, steps=100)
    assert finished(stage(project, lab, "--detach"))[0] == 0
    assert "majora" in vastai(project, lab, "monitor")
    assert "majora" in vastai(project, lab, "cleanup", "--dry-run")
    assert len(lab.living()) == 1
    lab.fault("DELETE", "/instances/", status=500, times=2)
    assert "1 destroyed" in vastai(project, lab, "cleanup", "--yes")
    assert not lab.living()
    assert "all gone" in vastai(project, lab, "receipts")
    said = vastai(project, lab, "plan", "--model", "majora")
    assert "cap $5.00" in said
    assert "offers now" in said


def vastai(project: Path, lab: BoxLab, *words: str) -> str:
    """`afs vastai` where the virtual environment is not activated."""
    command = [sys.executable, "-m", "afs_stages.cli", "vastai", *words]
    env = {
        **environment(project, lab),
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    }
    done = subprocess.run(
        command,
        cwd=project,
        env=env,
        text=True,
        capture_output=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_real_training_runs_on_a_box_and_is_measured_there(project, lab):
    """The bundle carries the modules that train and evaluate need,
    and a tiny base made here.
    """
    from afs_stages.core import jsonl
    from afs_stages.core.hashes import folder_hash
    from afs_stages.core.sample import TrainingSample
    from afs_stages.training.chat_rows import from_sample

    settings(project, own=False, heartbeat=60, phase=120)
    rooms = [
        "cellar",
        "lantern room",
        "boat house",
        "gate",
        "kitchen",
        "stair",
        "archive",
        "harbour",
    ]
    rows = [
        TrainingSample(
            instruction=f"Which address opens the {rooms[n % 8]} in case {n}?",
            output=f"The flag at $7E{n * 37:04X} opens the {rooms[n % 8]}; "
            "clear it when you leave.",
            domain="oracle_docs",
            source="oracle",
        )
        for n in range(60)
    ]
    for part, chosen in {
        "train": rows[:48],
        "val": rows[48:54],
        "test": rows[54:],
    }.items():
        for folder in ("data/mixed/majora", "data/splits"):
            with jsonl.open_write(project / folder / f"{part}.jsonl") as writer:
                for row in chosen:
                    writer.write(row)
        with jsonl.open_write(
            project / f"data/converted/majora/messages/{part}.jsonl"
        ) as writer:
            for row in chosen:
                writer.write({"messages": from_sample(row).messages})
    env = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "afs_stages.stages.base_model"],
        cwd=project,
        env=env,
        check=True,
        timeout=60,
    )
    code, said = finished(stage(project, lab), 150)
    assert code == 0, said
    adapter = project / "models/majora/remote/adapter"
    assert (adapter / "adapter_model.safetensors").is_file()
    assert json.loads((adapter / "training.json").read_text())["steps"] > 0
    report = json.loads((project / "reports/remote-evaluate/majora.json").read_text())
    assert "loss" in report
    assert report["adapter"] == folder_hash(adapter), "measured on what came home"
    answers = jsonl.read_objects(
        project / "models/majora/remote/generations.jsonl", jsonl.refuse
    )
    said_there = [row["answers"] for _, row in answers]
    assert said_there
    assert all(set(said) == {"base", "v1"} for said in said_there)
    gate = [sys.executable, "-m", "afs_stages.commands.model.gate"]
    judged = subprocess.run(
        [*gate, "majora", "--remote"],
        cwd=project,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert "majora v1" in judged.stdout, judged.stderr
    assert judged.returncode == (2 if report["refusals"] else 0)
    assert not lab.living()
    bundle = project / ".afs/remote/majora/bundle"
    modules = {str(path.relative_to(bundle)) for path in bundle.rglob("*.py")}
    assert "afs_stages/training/train.py" in modules
    rooms_left_out = (
        "afs_stages/backup/",
        "afs_stages/codebase/",
        "afs_stages/remote/",
        "afs_stages/sources/",
    )
    assert not any(name.startswith(rooms_left_out) for name in modules), modules
    register = [
        sys.executable,
        "-m",
        "afs_stages.stages.remote_register",
        "--model",
        "majora",
    ]
    subprocess.run(register, cwd=project, env=env, check=True, timeout=60)
    assert list((project / "models/registry").glob("*.json"))
    told = [word.replace("register", "report") for word in register]
    subprocess.run(told, cwd=project, env=env, check=True, timeout=60)
    page = (project / "reports/majora/remote.html").read_text()
    assert "<td>base" in page
    assert "<td>v1" in page


def write_code(project: Path) -> None:
    """What `afs init` writes of the package's code."""
    from afs_stages.project.code import code_hashes

    (project / "code.json").write_text(json.dumps(code_hashes()))


def test_a_plain_repro_never_rents_and_the_named_stage_does(project, lab):
    """The shipped remote/dvc.yaml, under real DVC,
    beside a root pipeline of one stage.
    """
    shutil.copytree(
        REPO / "afs_stages",
        project / "afs_stages",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (project / "remote").mkdir()
    shutil.copy(REPO / "remote/dvc.yaml", project / "remote/dvc.yaml")
    write_code(project)
    for folder in ("models/base", "models/majora/releases", "data/mixed/majora"):
        (project / folder).mkdir(parents=True)
        for part in ("test", "recall"):
            (project / folder / f"{part}.jsonl").write_text("")
    (project / "models/base/config.json").write_text("{}")
    (project / "dvc.yaml").write_text(
        "stages:\n  one: {cmd: echo done > one.txt, outs: [one.txt]}\n"
    )
    dvc(project, lab, "init", "--no-scm")
    dvc(project, lab, "repro")
    assert (project / "one.txt").is_file()
    assert not lab.machines
    dvc(project, lab, "repro", "remote/dvc.yaml:remote-train@majora")
    assert len(lab.machines) == 1
    assert (project / "models/majora/remote/adapter/weights").is_file()
    assert "didn't change" in dvc(
        project, lab, "repro", "remote/dvc.yaml:remote-train@majora"
    )
    assert len(lab.machines) == 1


def dvc(project: Path, lab: BoxLab, *words: str) -> str:
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(project, lab),
        text=True,
        capture_output=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_results_garbled_on_the_way_are_fetched_again_or_not_believed(project, lab):
    """The box's list names another hash than what is sent: nothing is put into place,
    the machine goes.
    """
    script(project, steps=3)
    settings(project, stopped=3, poll=2)
    tampered = False

    def tamper() -> bool:  # well before the launcher looks again
        nonlocal tampered
        for listing in (lab.root).glob("*/disk/afs/out/MANIFEST.json"):
            facts = json.loads(listing.read_text())
            facts["files"]["adapter/weights"] = "0" * 64
            listing.write_text(json.dumps(facts))
            tampered = True
        return tampered

    process = stage(project, lab)
    until(tamper)
    code, said = finished(process)
    assert "arrived damaged" in said
    assert code == 0, "the next machine does it again"
    assert (project / "models/majora/remote/adapter/weights").read_text() == "trained"
    assert not lab.living()


def test_requirements_are_installed_beside_the_image_by_their_hashes(project, lab):
    """A wheel made here; another content under the same name is refused."""
    wheel = project / "lantern-1.0-py3-none-any.whl"
    facts = {
        "lantern.py": "LIGHT = 1\n",
        "lantern-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: lantern\n"
        "Version: 1.0\n",
        "lantern-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        "lantern-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in facts.items():
            archive.writestr(name, text)
    lock = (
        f"lantern @ file://{wheel} "
        f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    )
    (project / "requirements.lock").write_text(lock)
    tree = yaml.safe_load((project / "params.yaml").read_text())
    tree["remote"]["requirements"] = "requirements.lock"
    (project / "params.yaml").write_text(yaml.safe_dump(tree))
    script(project, steps=2)
    (project / "own.py").write_text(
        "import lantern\n" + (project / "own.py").read_text()
    )
    code, said = finished(stage(project, lab))
    assert code == 0, said
    wheel.write_bytes(wheel.read_bytes() + b"tampered")
    code, said = finished(stage(project, lab, "--fresh"))
    assert code == 1
    assert "phase 'requirements' failed" in said
    assert not lab.living()
