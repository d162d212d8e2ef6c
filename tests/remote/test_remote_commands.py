"""`afs vastai …` with two models at once, under real DVC,
against machines with a real sshd.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from boxes import BoxLab, missing
from lab import offer
from test_remote_boxes import (
    REPO,
    dvc,
    environment,
    script,
    settings,
    until,
    vastai,
    write_code,
)

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=missing() or "machines can be had"
)
MODELS = ["majora", "veran"]
ROOT = """
stages:
  convert: {foreach: [majora, veran], do: {cmd: "true"}}
  train-releases: {foreach: [majora, veran], do: {cmd: "true"}}
  base-model: {cmd: "true"}
"""


@pytest.fixture
def lab(tmp_path):
    made = BoxLab(tmp_path / "boxes", [offer(n, 0.3 + n / 100) for n in range(1, 6)])
    yield made
    made.close()


@pytest.fixture
def project(tmp_path, lab):
    """Two models with a job each, 5 and 2 dollars,
    beside a root pipeline that has nothing to do.
    """
    settings(tmp_path, grace=120, heartbeat=60)
    tree = yaml.safe_load((tmp_path / "params.yaml").read_text())
    tree["models"]["veran"] = tree["models"]["majora"]
    tree["remote"]["jobs"]["veran"] = {**tree["remote"]["jobs"]["majora"], "budget": 2}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    script(tmp_path, steps=15)
    shutil.copytree(
        REPO / "afs_stages",
        tmp_path / "afs_stages",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "remote").mkdir()
    shutil.copy(REPO / "remote/dvc.yaml", tmp_path / "remote/dvc.yaml")
    write_code(tmp_path)
    (tmp_path / "dvc.yaml").write_text(ROOT)
    (tmp_path / "models/base").mkdir(parents=True)
    (tmp_path / "models/base/config.json").write_text("{}")
    for model in MODELS:
        for folder in (
            f"data/converted/{model}/messages",
            f"models/{model}/releases",
            f"data/mixed/{model}",
        ):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / f"data/converted/{model}/messages/train.jsonl").write_text(
            '{"messages": []}\n' * 50
        )
        for part in ("test", "recall"):
            (tmp_path / f"data/mixed/{model}/{part}.jsonl").write_text("")
    dvc(tmp_path, lab, "init", "--no-scm")
    return tmp_path


def receipt(project: Path, model: str) -> dict[str, Any]:
    return dict(json.loads((project / f"models/{model}/receipt.json").read_text()))


def test_all_models_train_at_once_and_each_budget_holds(project, lab):
    command = [
        sys.executable,
        "-m",
        "afs_stages.cli",
        "vastai",
        "launch",
        "--all-models",
        "--budget",
        "6",
    ]
    process = subprocess.Popen(
        command,
        cwd=project,
        env=environment(project, lab),
        text=True,
        stdout=-1,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: len(lab.living()) == 2 or process.poll() is not None, 60)
        both = len(lab.living())
        said, _ = process.communicate(timeout=400)
    finally:
        process.kill()
    assert both == 2, said
    assert process.returncode == 0, said
    assert not lab.living()
    assert len(lab.machines) == 2
    for model, cap in {"majora": 3, "veran": 2}.items():
        assert (
            project / f"models/{model}/remote/adapter/weights"
        ).read_text() == "trained"
        found = receipt(project, model)
        assert found["cap"] == cap, "its share of --budget, and never more than its own"
        assert found["dollars"] <= cap
        assert found["confirmed_gone"]
    assert lab.dollars() <= 6


def test_detached_jobs_are_attached_to_and_collected_by_hand(project, lab):
    vastai(project, lab, "launch", "--all-models", "--detach")
    assert len(lab.living()) == 2
    vastai(project, lab, "attach", "--model", "majora")
    assert [machine.label.split(":")[1] for machine in lab.living()] == ["veran"]
    vastai(project, lab, "collect", "--model", "veran")
    assert not lab.living()
    assert len(lab.machines) == 2, "no machine was rented again"
    for model in MODELS:
        assert (
            project / f"models/{model}/remote/adapter/weights"
        ).read_text() == "trained"
        assert receipt(project, model)["confirmed_gone"]
        page = (project / f"reports/{model}/remote.html").read_text()
        assert "No questions were asked" in page, "a script of one's own asks none"
