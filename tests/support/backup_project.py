"""A tiny DVC project that has everything a backup cares about,
and `afs` run in it as a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.checkout import ROOT, dvc, environment, git

PARAMS = """\
sources:
  oracle: {root: data/raw/oracle, licence: MIT}
backup:                       # where archives go
  target: ""                  # empty: DVC's default remote
models:
  majora:
    version: v1
    weights: {oracle: 1.0}
"""

PIPELINE = """\
stages:
  mix:
    cmd: python make.py mix
    deps: [make.py, data/raw/oracle]
    outs: [data/mixed/majora]
  train:
    cmd: python make.py train
    deps: [make.py, data/mixed/majora]
    outs: [models/majora/adapter]
"""

MAKE = """\
import json, sys
from pathlib import Path

rows = [json.dumps({"instruction": f"What does {p.name} do?", "output": p.read_text()})
        for p in sorted(Path("data/raw/oracle").glob("*.asm"))]
if sys.argv[1] == "mix":
    out = Path("data/mixed/majora")
    out.mkdir(parents=True, exist_ok=True)
    (out / "train.jsonl").write_text("\\n".join(rows) + "\\n")
else:
    out = Path("models/majora/adapter")
    out.mkdir(parents=True, exist_ok=True)
    (out / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 512)
    (out / "training.json").write_text(json.dumps({"rows": len(rows)}))
"""


def make_project(folder: Path, runs: bool = True) -> Path:
    """The project, committed; with its pipeline run and its adapter registered,
    if `runs`.
    """
    routines = folder / "data/raw/oracle"
    routines.mkdir(parents=True)
    for name in ("keeper", "lantern", "tide"):
        (routines / f"{name}.asm").write_text(
            f"{name.title()}_Main:\n    LDA.w $0D10, X : STA.b $00\n    RTL\n"
        )
    release = folder / "data/releases/majora/v1"
    release.mkdir(parents=True)
    (release / "train.jsonl").write_text('{"instruction": "frozen", "output": "row"}\n')
    (folder / "reports/run").mkdir(parents=True)
    (folder / "reports/evaluate.json").write_text('{"loss": 1.5}\n')
    (folder / "reports/run/evaluate.json").write_text('{"seconds": 3}\n')
    for name, text in {
        "params.yaml": PARAMS,
        "dvc.yaml": PIPELINE,
        "make.py": MAKE,
    }.items():
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text(
        "/.afs/\n/data/raw/\n/reports/run/\n/data/releases/\n/data/mixed/\n/models/majora/\n.afs-restore-*/\n"
    )
    git(folder, "init", "-q", "-b", "main")
    dvc(folder, "init", "-q")
    (folder / ".dvc/config").write_text(
        "[core]\n    remote = local\n    analytics = false\n    check_update = false\n"
        "['remote \"local\"']\n    url = ../../dvc-remote\n"
    )
    if runs:
        dvc(folder, "repro", "-q")
        register(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    return folder


def register(folder: Path) -> None:
    """The adapter's record in the registry."""
    from afs_stages.core.hashes import folder_hash

    record = {
        "path": "models/majora/adapter",
        "hash": folder_hash(folder / "models/majora/adapter"),
    }
    registry = folder / "models/registry"
    registry.mkdir(parents=True, exist_ok=True)
    (registry / "majora-v1.json").write_text(
        json.dumps({"run_name": "majora-v1", "adapter": record})
    )


def command(*args: str) -> list[str]:
    """`afs …` as an argument vector."""
    return [sys.executable, "-m", "afs_stages.cli", *args]


def process_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The package under test first, and whatever the target needs."""
    return {
        **environment(),
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        ),
        **(extra or {}),
    }


def afs(
    folder: Path, *args: str, code: int = 0, env: dict[str, str] | None = None
) -> str:
    """Run `afs backup …`; its stdout and stderr.
    Fails unless it exits with `code` and without a traceback.
    """
    result = subprocess.run(
        command("backup", *args),
        cwd=folder,
        env=process_environment(env),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    text = result.stdout + result.stderr
    assert result.returncode == code, (
        f"exit code {result.returncode}, not {code}\n{text}"
    )
    assert "Traceback" not in text, text
    return text


def contents(folder: Path, *parts: str) -> dict[str, bytes]:
    """Path -> bytes of every file below the given folders of a project."""
    files = [
        path
        for part in parts
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def noise(size: int, seed: int) -> bytes:
    """Bytes that do not compress."""
    import random

    return random.Random(seed).randbytes(size)
