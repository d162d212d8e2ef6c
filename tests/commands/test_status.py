"""`afs status` while a DVC command is at work in the same clone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.checkout import dvc, environment, git

from afs_stages.reporting.status import Running, stale_stages


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    dvc(tmp_path, "init", "-q")
    stage = (
        "  slow:\n    cmd: echo up && sleep 60\n    deps: [given]\n    outs: [made]\n"
    )
    (tmp_path / "dvc.yaml").write_text(f"stages:\n{stage}")
    (tmp_path / "given").write_text("x")
    return tmp_path


def test_stale_stages_are_named_with_what_changed(clone: Path) -> None:
    assert "made" in stale_stages(clone)["slow"]


def test_a_repro_at_work_is_named_and_not_called_a_fault(clone: Path) -> None:
    repro = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=clone,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert repro.stdout
        assert any(line.strip() == "up" for line in repro.stdout)
        with pytest.raises(Running, match=f"process {repro.pid} "):
            stale_stages(clone)
    finally:
        os.killpg(repro.pid, signal.SIGKILL)
        repro.wait()
