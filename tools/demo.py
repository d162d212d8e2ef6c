"""Run the whole pipeline on the embedded sample, in a project of its own: `demo/`.

The first run makes the project, ignored by the clone's Git and with a Git and DVC of
its own. Every run takes the clone's pipeline and sample as they stand, runs
`dvc repro`, and commits what came out, so that `dvc metrics diff` has something to
compare. `demo/params.yaml` is yours: it follows the clone's only while you have not
changed it.

`--with FILE` lays the keys of a YAML file over the clone's parameters.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from afs_stages.project.create import commit, create, git, write_pipeline

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = (Path("data/sample"), Path("data/releases"))
PARAMS = Path("params.yaml")
OWN_NAMES = ("sources", "models", "weights")


def make(folder: Path, params: str) -> None:
    """Make the demo, or bring it up to what the clone holds today."""
    if not (folder / ".dvc").is_dir():
        create(folder, {PARAMS: params}, linked=True)
        copy_sample(folder)
        commit(folder, "The sample before its first run")
        git(folder, "tag", "sample")
        return
    copy_sample(folder)
    write_pipeline(folder)
    follow_params(folder, params)


def copy_sample(folder: Path) -> None:
    """The clone's sample and its release, as they stand."""
    for part in SAMPLE:
        for source in (ROOT / part).iterdir():
            target = folder / part / source.name
            if target.is_dir():
                shutil.rmtree(target)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)


def parameters(profile: Path | None) -> str:
    """The clone's params.yaml, with a profile's keys over it."""
    text = (ROOT / PARAMS).read_text("utf-8")
    if profile is None:
        return text
    merged = laid_over(
        yaml.safe_load(text), yaml.safe_load(profile.read_text(encoding="utf-8"))
    )
    head = f"# Made from params.yaml and tools/{profile.name}.\n"
    return head + yaml.safe_dump(merged, sort_keys=False)


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A mapping with another's keys in place of its own, block by block; what has names
    of one's own choice (`OWN_NAMES`) is taken whole.
    """
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        both_blocks = isinstance(inner, dict) and isinstance(value, dict)
        joined = both_blocks and key not in OWN_NAMES
        merged[key] = laid_over(inner, value) if joined else value
    return merged


def follow_params(folder: Path, ours: str) -> None:
    """Take the clone's params.yaml where the demo's is still the sample's."""
    began = git(folder, "show", f"sample:{PARAMS}")
    if ours == began:
        return
    if (folder / PARAMS).read_text("utf-8") == began:
        (folder / PARAMS).write_text(ours, "utf-8")
        git(folder, "tag", "--delete", "sample")
        commit(folder, "The sample's params.yaml as it is now")
        git(folder, "tag", "sample")
    else:
        print(f"{folder / PARAMS} has changes of yours, so it stays as it is")


def main() -> int:
    """Make, run, commit; the exit code of what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "demo")
    parser.add_argument(
        "--only-make", action="store_true", help="make the project, run nothing"
    )
    parser.add_argument(
        "--with", dest="profile", type=Path, help="YAML whose keys go over params.yaml"
    )
    options = parser.parse_args()
    folder: Path = options.folder
    make(folder, parameters(options.profile))
    if options.only_make:
        return 0
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=environment, check=False
    )
    if done.returncode:
        return done.returncode
    commit(folder, "A run of the sample")
    return subprocess.run(
        [sys.executable, "-m", "afs_stages.cli", "summary"], cwd=folder, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
