"""The loss curve as `dvc plots` draws it, while training still goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from afs_stages.training.curve import Curve

ROOT = Path(__file__).parents[2]


def dvc(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "dvc", *args]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def declared_plot() -> dict[str, Any]:
    """The plot of the train stage as the pipeline declares it,
    for a model called `majora`.
    """
    text = (ROOT / "dvc.yaml").read_text().replace("${key}", "majora")
    plot: dict[str, Any] = yaml.safe_load(text)["stages"]["train"]["do"]["plots"][0]
    return plot


def test_dvc_plots_draws_the_curve_of_a_training_under_way(tmp_path: Path) -> None:
    dvc(tmp_path, "init", "--no-scm", "--quiet")
    stage = {"cmd": "train", "plots": [declared_plot()]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": stage}}))
    curve = Curve(tmp_path / "reports/majora/loss.tsv")
    for step in (1, 2, 3):
        curve.add({"step": step, "loss": 5.0 - step, "learning_rate": 0.01})
    found = json.loads(dvc(tmp_path, "plots", "show", "--json"))
    (plot,) = found["data"]["reports/majora/loss.tsv"]
    points = [
        (point["step"], point["loss"]) for point in plot["content"]["data"]["values"]
    ]
    assert points == [("1", "4.0"), ("2", "3.0"), ("3", "2.0")]
    assert plot["content"]["title"]["text"] == "loss of majora"
