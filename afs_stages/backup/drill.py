"""The disaster drill: a clone in an empty folder, the latest backup, `dvc pull`, and
nothing left to run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.backup import restore, targets
from afs_stages.backup.catalog import manifest_of
from afs_stages.backup.store import Store
from afs_stages.core import layout
from afs_stages.core.console import log
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json


@dataclass
class Drill:
    """What a drill found; `problems` is empty when everything came back."""

    archives: int = 0
    files: int = 0
    adapters: int = 0
    problems: list[str] = field(default_factory=list)


def drill(root: Path, store: Store, folder: Path) -> Drill:
    """Rebuild the project in `folder` (an empty one) from Git, the backup and DVC's
    remote, and compare.

    Raises `UserError` when not even the clone can be made.
    """
    found, clone = Drill(), folder / "clone"
    made = _run(
        folder, "git", "clone", "--quiet", "--no-local", str(root.resolve()), str(clone)
    )
    if made.returncode != 0:
        raise UserError(
            f"git clone: {made.stderr.strip()}",
            where=str(root),
            fix="the project must be a Git clone",
        )
    _give_remotes(root, clone)
    _restore(store, clone, found)
    _pull_and_compare(clone, found)
    return found


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def _dvc(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return _run(folder, sys.executable, "-m", "dvc", *args)


def _give_remotes(root: Path, clone: Path) -> None:
    """The clone's DVC gets the same remotes and secrets,
    with paths that hold from where it lies.
    """
    from dvc.config import Config

    merged = targets.dvc_config(root)
    with Config(str(clone / ".dvc"), validate=False).edit(
        "local", validate=False
    ) as local:
        local["remote"] = {
            name: dict(values) for name, values in merged.get("remote", {}).items()
        }
        if name := merged.get("core", {}).get("remote"):
            local.setdefault("core", {})["remote"] = name


def _restore(store: Store, clone: Path, found: Drill) -> None:
    archives, problems = restore.latest_of_each(store)
    found.problems += [f"restore: {problem}" for problem in problems]
    for archive in archives:
        try:
            if manifest_of(store, archive).origin == "project":
                done = restore.restore(store, archive, clone, force=True)
                found.archives += 1
                found.files += done.written + done.present
        except UserError as error:
            found.problems.append(f"restore: {error}")
    if not found.archives:
        found.problems.append(
            "restore: there is no backup of the project yet (afs backup push --all)"
        )


def _pull_and_compare(clone: Path, found: Drill) -> None:
    pull = _dvc(clone, "pull")
    if pull.returncode != 0:
        found.problems.append(f"dvc pull: {pull.stderr.strip()[-600:]}")
    log.info(
        "dvc pull: %s",
        pull.stdout.strip().splitlines()[-1] if pull.stdout.strip() else "nothing",
    )
    dry = _dvc(clone, "repro", "--dry")
    if dry.returncode != 0:
        found.problems.append(f"dvc repro --dry: {dry.stderr.strip()[-600:]}")
    stages = re.findall(r"Running stage '([^']+)'", dry.stdout)
    if stages:
        found.problems.append(
            f"dvc repro would run {len(stages)} stages: {', '.join(stages[:8])}"
        )
    found.problems += _adapters(clone, found)


def _adapters(clone: Path, found: Drill) -> list[str]:
    """Adapters whose content no experiment of the registry has recorded."""
    from afs_stages.core.hashes import folder_hash

    recorded: dict[str, set[str]] = {}
    for path in sorted((clone / layout.REGISTRY).glob("*.json")):
        adapter = read_json(path).get("adapter") or {}
        if adapter.get("path") and adapter.get("hash"):
            recorded.setdefault(adapter["path"], set()).add(adapter["hash"])
    problems = []
    for place, hashes in recorded.items():
        found.adapters += 1
        if not (clone / place).is_dir():
            problems.append(f"{place} is in the registry and did not come back")
        elif folder_hash(clone / place) not in hashes:
            problems.append(f"{place} came back, but its hash is not the registry's")
    return problems
