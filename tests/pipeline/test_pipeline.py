"""The pipeline as a user runs it: the real `dvc repro` on the embedded sample.

One full run is shared by the tests, in the order they stand, so they run in one
process. It begins with a kill -9 in the middle of a stage.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from support import witness
from support.checkout import ROOT, checkout, demo, dvc, environment, git

pytestmark = pytest.mark.timeout(1800)


def hashes(folder: Path, *patterns: str) -> dict[str, str]:
    """Path -> sha256 of every file that matches."""
    files = sorted(
        {
            path
            for pattern in patterns
            for path in folder.glob(pattern)
            if path.is_file()
        }
    )
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def stages_run(output: str) -> list[str]:
    """The stages a repro ran, in order."""
    return re.findall(r"Running stage '([^']+)'", output)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for checkouts that lie side by side."""
    return tmp_path_factory.mktemp("pipeline")


@pytest.fixture(scope="session")
def full(place: Path) -> Path:
    """The demo of a clone in which the whole pipeline ran,
    after a first run was killed in mid-stage.
    """
    folder = demo(checkout(place / "first" / "clone"))
    _kill_in_the_middle(folder)
    dvc(folder, "repro", env=witness.environment(folder))
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "run")
    return folder


def _kill_in_the_middle(folder: Path) -> None:
    """Start a repro, and kill it and its stage while train-discriminator is at work."""
    command = [sys.executable, "-m", "dvc", "repro", "train-discriminator"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment(), **witness.environment(folder)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    for line in process.stdout:
        if "Running stage 'train-discriminator'" in line:
            break
    time.sleep(2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "models/electra").exists(), (
        "a killed stage must leave its old output or none"
    )


def test_every_stage_ran_and_reported(full: Path) -> None:
    from afs_stages.core.params import load
    from afs_stages.reporting.run_reports import read_reports

    collected = read_reports(load(full / "params.yaml"), full)
    assert collected.missing == []
    for report in collected.reports:
        if report["stage"] in {"export", "score", "split"}:
            assert report["rows_out"] > 0, report["key"]


def test_every_documented_drop_reason_occurs(full: Path) -> None:
    """The sample has a row for every reason that docs/pipeline.md and docs/sources.md
    name, and no other reason.
    """
    from afs_stages.core.params import load
    from afs_stages.reporting.run_reports import read_reports

    found = {
        (report["stage"], reason)
        for report in read_reports(load(full / "params.yaml"), full).reports
        for reason in report["dropped"]
        if not reason.startswith("event_type_")
    }
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \|", (ROOT / "docs/pipeline.md").read_text(), re.M
    )
    exported = (
        (ROOT / "docs/sources.md")
        .read_text()
        .partition("| reason | meaning |")[2]
        .partition("\n\n")[0]
    )
    reasons = [
        reason
        for line in exported.splitlines()[2:]
        for reason in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert found == {*rows, *(("export", reason) for reason in reasons)}


def test_a_second_repro_runs_nothing(full: Path) -> None:
    lock = (full / "dvc.lock").read_bytes()
    assert stages_run(dvc(full, "repro").stdout) == []
    assert (full / "dvc.lock").read_bytes() == lock


def test_the_clone_stays_clean(full: Path) -> None:
    assert git(full.parent, "status", "--porcelain", "--untracked-files=all") == ""


def test_git_keeps_lock_reports_and_registry_of_the_demo_and_no_output(
    full: Path,
) -> None:
    names = git(full, "ls-files").splitlines()
    kept = [name for name in names if not name.startswith("data/sample/")]
    assert [name for name in kept if name.endswith((".safetensors", ".sqlite"))] == []
    rows = [name for name in kept if name.endswith(".jsonl")]
    assert [name for name in rows if not name.startswith("data/releases/")] == []
    assert "dvc.lock" in kept
    assert any(name.startswith("models/registry/") for name in kept)
    assert "reports/evaluate/majora.json" in kept


def test_a_stage_loads_no_code_and_reads_no_parameter_that_dvc_does_not_compare(
    full: Path,
) -> None:
    """What each stage's processes really did, against its hash and its `params:`."""
    seen = witness.read(full)
    ran = {name.partition("@")[0] for name in seen}
    assert ran == set(yaml.safe_load((full / "dvc.yaml").read_text())["stages"])
    assert witness.unseen_code(seen) == []
    assert witness.unseen_parameters(seen, full / "dvc.yaml") == []


def test_a_comment_runs_code_alone_and_a_change_its_stages(full: Path) -> None:
    package = full.parent / "afs_stages"
    keys = package / "dataset/keys.py"
    old = keys.read_text()
    try:
        keys.write_text(old + "\n# A word more.\n")
        assert stages_run(dvc(full, "repro", "report").stdout) == ["code"]
        keys.write_text(old + "\nMORE = 1\n")
        dvc(full, "repro", "code")
        stale = stages_run(dvc(full, "repro", "--dry").stdout)
        assert "split" in stale
        assert not {"export@claude", "score@oracle", "train@majora"} & set(stale[:1])
        assert [name for name in stale if name.startswith(("export", "score"))] == []
    finally:
        keys.write_text(old)
        dvc(full, "repro", "code")


def test_the_weights_of_an_own_base_are_a_dependency(full: Path) -> None:
    own = full / "models/bases/mine"
    own.mkdir()
    (own / "model.safetensors").write_bytes(b"weights")
    stale = dvc(full, "status", "base-model").stdout
    shutil.rmtree(own)
    assert "models/bases" in stale


def test_adapters_beat_the_base_and_forgetting_is_measured(full: Path) -> None:
    for model in ("majora", "veran"):
        assert (full / f"models/{model}/adapter/adapter_model.safetensors").is_file()
    result = subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", "summary"],
        cwd=full,
        env=_with_package(full),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "majora v1" in result.stdout
    assert "forgetting" in result.stdout


def _with_package(folder: Path) -> dict[str, str]:
    return {**environment(), "PYTHONPATH": str(folder)}


def test_metrics_are_a_table_that_fits_a_screen(full: Path) -> None:
    shown = json.loads(dvc(full, "metrics", "show", "--json").stdout)[""]["data"]
    assert sorted(shown) == [
        "reports/metrics/majora.json",
        "reports/metrics/veran.json",
    ]
    columns = {name for file in shown.values() for name in file["data"]}
    assert {"loss", "gain", "perplexity", "bwt", "f"} <= columns
    assert len(columns) <= 14


def test_one_weight_of_majora_reruns_majoras_mix_and_what_follows(full: Path) -> None:
    params = full / "params.yaml"
    old = params.read_text()
    try:
        params.write_text(
            old.replace(
                "weights: {oracle: 0.9, memory: 0.05,",
                "weights: {oracle: 0.89, memory: 0.06,",
                1,
            )
        )
        assert params.read_text() != old
        stages = stages_run(dvc(full, "repro", "--dry").stdout)
    finally:
        params.write_text(old)
    assert "rebalance@majora" in stages
    assert [
        name
        for name in stages
        if name.endswith("@veran") or name.startswith(("export", "score"))
    ] == []


def test_push_clone_pull_is_clean(full: Path, place: Path) -> None:
    dvc(full, "push")
    other = full.parent / "second"
    git(full.parent, "clone", "-q", str(full), str(other))
    dvc(other, "pull")
    assert "up to date" in dvc(other, "status", "dvc.yaml").stdout
    outputs = ("data/**/*.jsonl", "models/*/adapter/*", "models/base/*")
    assert hashes(other, *outputs) == hashes(full, *outputs)


@pytest.fixture(scope="session")
def built(full: Path) -> Path:
    """A clone of the finished run, everything pulled, to release from."""
    other = full.parent / "released"
    git(full.parent, "clone", "-q", str(full), str(other))
    dvc(other, "pull")
    return other


def release(folder: Path, model: str) -> subprocess.CompletedProcess[str]:
    """Run `afs release MODEL`."""
    command = [sys.executable, "-m", "afs_stages.cli", "release", model]
    return subprocess.run(
        command,
        cwd=folder,
        env=_with_package(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_version_that_was_not_evaluated_is_not_released(built: Path) -> None:
    measured = built / "reports/evaluate/majora.json"
    kept = measured.read_bytes()
    measured.unlink()
    refused = release(built, "majora")
    assert refused.returncode == 1
    assert "majora v1 is not up to date" in refused.stderr
    assert "evaluate@majora" in refused.stderr
    assert "dvc repro register@majora" in refused.stderr
    assert not (built / "data/releases/majora").exists()
    measured.write_bytes(kept)


def test_a_version_that_was_raised_and_not_trained_is_not_released(built: Path) -> None:
    params = built / "params.yaml"
    kept = params.read_text()
    params.write_text(kept.replace("version: v1", "version: v2", 1))
    refused = release(built, "majora")
    assert refused.returncode == 1
    assert "the adapter is majora v1, not majora v2" in refused.stderr
    assert not (built / "data/releases/majora").exists()
    params.write_text(kept)


def test_a_release_retrains_nothing(built: Path) -> None:
    done = release(built, "majora")
    assert done.returncode == 0, done.stderr
    stages = stages_run(dvc(built, "repro").stdout)
    assert [
        name for name in stages if name.startswith(("base-model", "train@", "evaluate"))
    ] == []


@pytest.mark.long
def test_a_run_elsewhere_gives_the_same_bytes(full: Path, place: Path) -> None:
    elsewhere = place / "a longer path" / "elsewhere"
    git(place, "clone", "-q", str(full.parent), str(elsewhere))
    other = demo(elsewhere)
    dvc(other, "repro")
    outputs = (
        "data/**/*.jsonl",
        "models/*/adapter/adapter_model.safetensors",
        "models/base/*.safetensors",
    )
    assert hashes(other, *outputs) == hashes(full, *outputs)


def test_a_removed_source_is_gone_everywhere(full: Path, place: Path) -> None:
    other = full.parent / "removed"
    git(full.parent, "clone", "-q", str(full), str(other))
    dvc(other, "pull")
    params = (other / "params.yaml").read_text()
    params = re.sub(r"  gemini:\n(    .*\n)+", "", params, count=1)
    (other / "params.yaml").write_text(re.sub(r"gemini: 0?\.\d+, ", "", params))
    dvc(other, "repro", "split")
    assert "export@gemini" not in dvc(other, "stage", "list").stdout
    rows = [
        path
        for path in other.glob("data/splits/*.jsonl")
        if b'"source":"gemini"' in path.read_bytes()
    ]
    assert rows == []


def test_a_typo_and_a_missing_folder_are_explained_by_plain_repro(full: Path) -> None:
    params = full / "params.yaml"
    old = params.read_text()
    try:
        params.write_text(
            old.replace("  stratify_by: domain", "  stratify_bye: domain", 1)
        )
        assert "did you mean 'stratify_by'?" in dvc(full, "repro", check=False).stderr
        params.write_text(
            old.replace("root: data/sample/gemini", "root: data/raw/nowhere", 1)
        )
        text = dvc(full, "repro", check=False).stderr
        assert "sources.gemini.root: no such folder 'data/raw/nowhere'" in text
        assert "afs collect gemini" in text
    finally:
        params.write_text(old)
