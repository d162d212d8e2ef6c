"""The registry: records by hand and side by side,
and writers that never lose one another's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from afs_stages import ModelRegistry
from afs_stages.core.errors import UserError
from afs_stages.registry.records import Experiment
from afs_stages.registry.register import revision

WRITER = """
import sys
from pathlib import Path
from afs_stages import ModelRegistry
registry = ModelRegistry(Path(sys.argv[1]))
for at in range(25):
    registry.create_experiment(f"run-{at}", "base")
    registry.record_metrics("shared", {f"{sys.argv[2]}-{at}": at})
"""


def test_two_writers_never_lose_a_record(tmp_path: Path) -> None:
    ModelRegistry(tmp_path).put(
        Experiment(experiment_id="shared", run_name="shared", base_model="base")
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name])
        for name in "ab"
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    registry = ModelRegistry(tmp_path)
    assert len(registry.list()) == 51
    assert len(registry.get("shared").metrics) == 50


def test_create_list_filter_compare(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    one = registry.create_experiment(
        "majora-v1", "tiny", params={"r": 8, "seed": 1}, ab_group="rank", ab_variant="A"
    )
    two = registry.create_experiment(
        "majora-v2", "tiny", "mlx", params={"r": 16, "seed": 1}, ab_group="rank"
    )
    registry.record_metrics(one.experiment_id, {"loss": 2.0})
    registry.update_status(one.experiment_id, "completed")
    assert [e.run_name for e in registry.list(status="completed")] == ["majora-v1"]
    assert [e.run_name for e in registry.list(framework="mlx")] == ["majora-v2"]
    assert len(registry.list(ab_group="rank")) == 2
    rows = registry.compare(["majora-v1", two.experiment_id])
    assert rows["params.r"] == [8, 16]
    assert rows["metrics.loss"] == [2.0, None]
    assert "params.seed" not in rows, "what is equal is not shown"


def test_unknown_and_ambiguous_names_are_explained(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    registry.create_experiment("majora-v1", "tiny")
    with pytest.raises(UserError, match="did you mean 'majora-v1'"):
        registry.get("majora-v2")
    registry.create_experiment("majora-v1", "tiny")
    with pytest.raises(UserError, match="2 experiments are called"):
        registry.get("majora-v1")


def test_a_record_again_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    registry.put(
        Experiment(
            experiment_id="a",
            run_name="x",
            base_model="b",
            tags=["mine"],
            notes="good",
            ab_group="g",
        )
    )
    again = registry.put(
        Experiment(
            experiment_id="a",
            run_name="x",
            base_model="b",
            tags=["v1"],
            metrics={"loss": 1},
        )
    )
    assert (again.tags, again.notes, again.ab_group) == (["mine", "v1"], "good", "g")
    assert again.metrics == {"loss": 1}


def cli(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "afs_stages.cli", "training", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_documented_commands(tmp_path: Path) -> None:
    data, where = tmp_path / "mixed.jsonl", ["--registry", str(tmp_path / "registry")]
    data.write_text('{"messages": []}\n')
    documented = [
        "--name",
        "majora-v2-baseline",
        "--model",
        "unsloth/Qwen2.5-Coder-7B-Instruct-bnb-4bit",
    ]
    documented += [
        "--framework",
        "unsloth",
        "--dataset",
        str(data),
        "--tag",
        "majora",
        "--tag",
        "oracle",
    ]
    made = cli(
        "registry-create",
        *documented,
        "--notes",
        "First",
        "--metric",
        "val_loss=0.83",
        *where,
    )
    assert made.returncode == 0, made.stderr
    other = cli(
        "registry-create", "--name", "second", "--model", "tiny", *where
    ).stdout.strip()
    assert (
        "majora-v2-baseline"
        in cli("registry-list", "--framework", "unsloth", *where).stdout
    )
    shown = cli("registry-show", "majora-v2-baseline", *where).stdout
    assert "majora, oracle" in shown
    assert "dataset.rows" in shown
    assert "0.83" in cli("registry-compare", made.stdout.strip(), other, *where).stdout
    missing = cli(
        "registry-create",
        "--name",
        "x",
        "--model",
        "y",
        "--dataset",
        str(tmp_path / "no.jsonl"),
        *where,
    )
    assert missing.returncode == 1
    assert "no such data set" in missing.stderr


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    command = ["git", *who, *args]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_revision_names_the_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    assert revision(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert revision(tmp_path) is None
    for name in ("dvc.yaml", "params.yaml", "README.md"):
        (tmp_path / name).write_text("one\n")
    (tmp_path / "code.json").write_text('{"train": "abc"}')
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    first = revision(tmp_path)
    assert first is not None
    assert (first["commit"], first["changed"]) == (
        git(tmp_path, "rev-parse", "HEAD"),
        [],
    )
    (tmp_path / "README.md").write_text("two\n")
    git(tmp_path, "commit", "-qam", "second")
    second = revision(tmp_path)
    assert second is not None
    assert second["commit"] != first["commit"]
    assert second["code"] == first["code"] == "abc"
    (tmp_path / "params.yaml").write_text("two\n")
    (tmp_path / "code.json").write_text('{"train": "def"}')
    third = revision(tmp_path)
    assert third is not None
    assert third["code"] == "def"
    assert third["changed"] == ["code.json", "params.yaml"]


def test_the_same_result_again_keeps_the_bytes_of_its_record(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)

    def put(commit: str, changed: list[str], loss: float = 1.0) -> bytes:
        where = {
            "commit": commit,
            "date": "2026-01-01",
            "code": None,
            "changed": changed,
        }
        facts = {
            "experiment_id": "a",
            "run_name": "x",
            "base_model": "b",
            "revision": where,
        }
        registry.put(Experiment.model_validate({**facts, "metrics": {"loss": loss}}))
        return (tmp_path / "a.json").read_bytes()

    put("1", ["params.yaml"])
    clean = put("2", [])
    assert b'"2"' in clean, "a revision that tells all replaces one that doesn't"
    assert put("3", []) == clean
    assert put("4", ["params.yaml"]) == clean
    assert b'"5"' in put("5", [], loss=2.0)
