"""A real checkout of the repository in an empty folder, its demo project, and the real
`dvc` run in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The caller's, with this Python first on PATH: stage commands say `python`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "DVC_NO_ANALYTICS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def dvc(
    folder: Path, *args: str, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run dvc in a project; output is in the error when it fails."""
    command = [sys.executable, "-m", "dvc", *args]
    result = subprocess.run(
        command,
        cwd=folder,
        env={**environment(), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and result.returncode != 0:
        raise AssertionError(
            f"dvc {' '.join(args)} failed\n{result.stdout[-6000:]}\n"
            f"{result.stderr[-6000:]}"
        )
    return result


def git(folder: Path, *args: str) -> str:
    """Run git in a checkout as a fixed author."""
    who = [
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgsign=false",
    ]
    return subprocess.run(
        ["git", *who, *args], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def demo(clone: Path) -> Path:
    """The demo project of a clone: `make repro` without the run."""
    subprocess.run(
        [sys.executable, "tools/demo.py", "--only-make"],
        cwd=clone,
        env={**environment(), "PYTHONPATH": str(clone)},
        check=True,
    )
    return clone / "demo"


def checkout(folder: Path) -> Path:
    """A clone of the repository as its files stand, committed, without any output."""
    names = git(
        ROOT, "ls-files", "--cached", "--others", "--exclude-standard"
    ).splitlines()
    folder.mkdir(parents=True)
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    return folder
