"""rclone from Debian against a local backend,
plain and encrypted (which keeps no checksums).
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.backup_project import afs, command, contents, noise, process_environment
from support.checkout import git

ADAPTER = "models/majora/adapter"


@pytest.fixture
def remote(tmp_path: Path) -> dict[str, str]:
    """An rclone.conf with a plain and an encrypted remote on this disk."""
    assert shutil.which("rclone"), "install rclone (apt install rclone)"
    plain = tmp_path / "cloud"
    plain.mkdir()
    secret = subprocess.run(
        ["rclone", "obscure", "loopback"], capture_output=True, text=True, check=True
    ).stdout
    config = tmp_path / "rclone.conf"
    config.write_text(
        f"[cloud]\ntype = alias\nremote = {plain}\n"
        f"[sealed]\ntype = crypt\nremote = {plain}/sealed\n"
        f"password = {secret.strip()}\n"
    )
    return {"RCLONE_CONFIG": str(config)}


@pytest.mark.parametrize("name", ["cloud:drive", "sealed:"])
def test_push_verify_cleanup_restore(
    project: Path, remote: dict[str, str], tmp_path: Path, name: str
) -> None:
    text = afs(project, "setup", "--rclone", name, env=remote)
    assert "tried a write, a read and a delete" in text
    assert f'target: "rclone:{name}"' in (project / "params.yaml").read_text()
    afs(project, "push", "--model", "majora", env=remote)
    (project / ADAPTER / "notes.txt").write_text("more")
    afs(project, "push", "--model", "majora", env=remote)
    assert "1 unchanged" in afs(project, "push", "--model", "majora", env=remote)
    assert "2 sound, 0 damaged" in afs(project, "verify", "--deep", env=remote)
    afs(project, "cleanup", "--keep", "1", env=remote)
    assert "1 sound, 0 damaged" in afs(project, "verify", env=remote)
    wanted = contents(project, "models/majora")
    shutil.rmtree(project / "models/majora")
    afs(project, "restore", "majora", env=remote)
    assert contents(project, "models/majora") == wanted


def test_the_circle_with_dvcs_folder_copied_along(
    project: Path, remote: dict[str, str], tmp_path: Path
) -> None:
    """The disk with the DVC remote dies as well: the copy on rclone brings it back."""
    afs(project, "setup", "--rclone", "cloud:drive", env=remote)
    git(project, "commit", "-q", "-am", "rclone")
    afs(project, "push", "--all", env=remote)
    wanted = contents(project, "models", "data/mixed", "data/raw")
    new = tmp_path / "elsewhere/new"
    new.parent.mkdir()
    git(tmp_path, "clone", "-q", str(project), str(new))
    shutil.rmtree(project)
    shutil.rmtree(tmp_path / "dvc-remote")
    afs(new, "restore", "--all", env=remote)
    assert contents(new, "models", "data/mixed", "data/raw") == wanted
    assert "the drill passed" in afs(new, "drill", env=remote)


def test_damage_on_the_remote_is_found(
    project: Path, remote: dict[str, str], tmp_path: Path
) -> None:
    target = ["--target", "rclone:cloud:drive"]
    afs(project, "push", "--model", "majora", *target, env=remote)
    archive = next(
        (tmp_path / "cloud/drive/AFS_Backups/models").glob("majora_*.tar.gz")
    )
    archive.write_bytes(archive.read_bytes()[:-1] + b"?")
    assert f"DAMAGED models/{archive.name}" in afs(
        project, "verify", *target, code=3, env=remote
    )
    assert "1 saved" in afs(project, "push", "--model", "majora", *target, env=remote)


def test_kill_9_in_a_push(
    project: Path, remote: dict[str, str], tmp_path: Path
) -> None:
    (project / ADAPTER / "big.bin").write_bytes(noise(24 * 2**20, 9))
    target, folder = (
        ["--target", "rclone:cloud:drive"],
        tmp_path / "cloud/drive/AFS_Backups/models",
    )
    process = subprocess.Popen(
        command("backup", "push", "--model", "majora", *target),
        cwd=project,
        env=process_environment(remote),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while (
        process.poll() is None
        and not list(folder.glob(".partial-*"))
        and time.monotonic() < until
    ):
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(folder.glob("[!.]*.tar.gz"))
    afs(project, "push", "--model", "majora", *target, env=remote)
    assert "1 sound, 0 damaged" in afs(project, "verify", "--deep", *target, env=remote)


def test_an_unknown_remote_is_explained(project: Path, remote: dict[str, str]) -> None:
    text = afs(
        project,
        "push",
        "--model",
        "majora",
        "--target",
        "rclone:nowhere:x",
        code=1,
        env=remote,
    )
    assert "rclone listremotes" in text
