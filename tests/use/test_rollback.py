"""Gates as an exit code, and the way back to the last release."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import folder_hash
from afs_stages.registry.current import put_forward, read_current
from afs_stages.registry.records import Experiment, ModelRegistry
from afs_stages.use.chosen import choose
from afs_stages.use.rollback import roll_back


def afs(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "afs_stages.cli", "model", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def registered(project: Path) -> Iterator[ModelRegistry]:
    """v4 released and recorded, v5 recorded after it."""
    layout.release("veran", "v4").mkdir(parents=True)
    registry = ModelRegistry()
    for version in ("v4", "v5"):
        record(version, f"of-{version}")
    yield registry
    shutil.rmtree(layout.RELEASES)


def record(version: str, name: str) -> None:
    one = Experiment(
        experiment_id=name,
        run_name=f"veran-{version}",
        base_model="tiny",
        tags=["veran", version],
    )
    put_forward("veran", ModelRegistry().put(one), version)


def test_the_last_release_comes_back_and_stays(registered: ModelRegistry) -> None:
    before = folder_hash(layout.adapter("veran"))
    done = afs("rollback", "veran")
    assert done.returncode == 0, done.stderr
    assert "v4 is in use, v5 was" in done.stdout
    assert choose("veran").version == "v4"
    assert folder_hash(layout.adapter("veran")) == before, "no output changes"
    assert len(registered.list()) == 2, "current is no record"
    record("v5", "of-v5")
    assert choose("veran").version == "v4", "the same result again stays withdrawn"
    record("v5", "better-v5")
    assert choose("veran").version == "v5"


def test_a_version_comes_back_by_name(registered: ModelRegistry) -> None:
    assert roll_back("veran") == ("v5", "v4")
    assert roll_back("veran", "v5") == ("v4", "v5")
    current = read_current("veran")
    assert current is not None
    assert current.withdrawn == []


def test_nothing_to_go_back_to_is_explained(project: Path) -> None:
    record("v5", "of-v5")
    with pytest.raises(UserError, match="no release of veran before v5 has an adapter"):
        roll_back("veran")
    with pytest.raises(UserError, match="no adapter of veran v2"):
        roll_back("veran", "v2")
    assert choose("veran").version == "v5"


def loss(value: float) -> dict[str, float]:
    return {"estimate": value, "low": value - 0.01, "high": value + 0.01}


def evaluated(gain: float) -> None:
    own, base = {"v5": loss(2.0)}, {"v5": loss(2.0 + gain)}
    domain = {"asm": {**loss(2.0), "rows": 40}}
    report = {
        "loss": {"base": base, "v5": own},
        "domains": {"base": {"v5": domain}, "v5": {"v5": domain}},
        "gain_over_base": loss(gain),
        "test_rows": {"v5": 40},
        "adapter": folder_hash(layout.adapter("veran")),
    }
    jsonl.write_json(layout.report("evaluate", "veran"), report)


def test_the_gates_are_an_exit_code(project: Path) -> None:
    shutil.rmtree("reports", ignore_errors=True)
    assert afs("gate", "veran").returncode == 1, "not evaluated is an error"
    evaluated(gain=0.3)
    done = afs("gate", "veran")
    assert (done.returncode, done.stdout) == (0, "veran v5 passes\n")
    evaluated(gain=-0.3)
    done = afs("gate", "veran")
    assert done.returncode == 2
    assert "does not beat the base" in done.stdout
    report = jsonl.read_json(layout.report("evaluate", "veran"))
    jsonl.write_json(
        layout.report("evaluate", "veran"), {**report, "adapter": "another"}
    )
    done = afs("gate", "veran")
    assert done.returncode == 1
    assert "dvc repro evaluate@veran" in done.stderr
