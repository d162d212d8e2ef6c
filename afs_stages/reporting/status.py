"""Where things stand, and the next sensible command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json
from afs_stages.core.params import Params
from afs_stages.dataset.releases import all_releases
from afs_stages.project.code import require_current
from afs_stages.reporting.evaluation_text import headline


class Running(UserError):
    """Another DVC command is at work in this clone,
    so what is stale changes by the minute.
    """


@dataclass
class Status:
    """The facts behind `afs status`; `stale` maps a stage to what changed,
    None where DVC cannot say.

    `running` names the process that keeps the pipeline busy, empty if none does.
    """

    sources: dict[str, str]
    missing: list[str]
    models: dict[str, str]
    releases: dict[str, str]
    remote: str
    stale: dict[str, str] | None = None
    problem: str = ""
    running: str = ""
    last_backup: str = ""

    @property
    def next(self) -> str:
        """The next sensible command."""
        if self.missing:
            name = self.missing[0]
            return (
                f"afs collect {name}   (or set or remove sources.{name} in params.yaml)"
            )
        if self.running:
            return f"afs status   (when {self.running} is done)"
        if "afs upgrade" in self.problem:
            return "afs upgrade"
        if self.stale is None:
            return "dvc status   (DVC could not tell; its own message says why)"
        if self.stale:
            return "dvc repro"
        unreleased = [
            name for name, state in self.models.items() if "not released" in state
        ]
        if unreleased:
            return f"afs release {unreleased[0]}"
        return "dvc push" if self.last_backup else "afs backup push --all"


def status(params: Params, root: Path = Path()) -> Status:
    """Look at the sources, stages, models, releases and backup below `root`."""
    sources, missing = _sources(params, root)
    state = Status(
        sources, missing, _models(params, root), _releases(params, root), _remote(root)
    )
    state.last_backup = _last_backup(root)
    try:
        require_current(root)
    except UserError as error:
        state.problem = str(error)
        return state
    try:
        state.stale = stale_stages(root)
    except Running as error:
        state.running = error.what
    except UserError as error:
        state.problem = str(error)
    return state


def _sources(params: Params, root: Path) -> tuple[dict[str, str], list[str]]:
    states, missing = {}, []
    for name, source in params.sources.items():
        folder = root / source.root
        rows = layout.exported(name)
        if not folder.exists():
            missing.append(name)
            states[name] = f"{source.root}: missing"
        elif (root / rows).is_file():
            states[name] = (
                f"{source.root}: {_count_lines(root / rows):,} samples exported"
            )
        else:
            states[name] = f"{source.root}: not exported yet"
    return states, missing


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))


def _models(params: Params, root: Path) -> dict[str, str]:
    states = {}
    for name, model in params.models.items():
        adapter = (
            "adapter trained"
            if (root / layout.adapter(name)).is_dir()
            else "no adapter yet"
        )
        released = (root / layout.release(name, model.version)).is_dir()
        states[name] = (
            f"{model.version}, {adapter}, {'released' if released else 'not released'}"
        )
        knows = _knows(root / layout.report("evaluate", name), model.version)
        states[name] += f"; {knows}" if knows else ""
    return states


def _knows(path: Path, version: str) -> str:
    """What the last evaluation says of the version's knowledge; "" where it is of
    another version, or asked nothing.
    """
    report = read_json(path) if path.is_file() else {"loss": {}}
    return headline(report) if version in report["loss"] else ""


def _releases(params: Params, root: Path) -> dict[str, str]:
    """Release -> what to know of it: sources of its rows that are gone."""
    found = {}
    for release in all_releases(root / layout.RELEASES):
        gone = sorted(set(release.sources) - set(params.sources))
        found[release.name] = (
            f"holds rows of {', '.join(gone)}, no longer in params.yaml" if gone else ""
        )
    return found


def _remote(root: Path) -> str:
    from configparser import ConfigParser

    config = ConfigParser()
    config.read([root / ".dvc/config", root / ".dvc/config.local"])
    name = config.get("core", "remote", fallback="")
    section = f"'remote \"{name}\"'"
    url = config.get(section, "url", fallback="") if name else ""
    return f"{name} ({url})" if name else "none: set one with `afs backup setup`"


def _last_backup(root: Path) -> str:
    """When a backup last came through, and where it went;
    empty if none has from this clone.
    """
    path = root / layout.LAST_BACKUP
    if not path.is_file():
        return ""
    facts = read_json(path)
    return f"{facts['at']} to {facts['target']}"


RENTING = "remote/"
"""Stages that rent a machine run only when they are named, so they are never stale."""


def stale_stages(root: Path, target: str = "") -> dict[str, str]:
    """Stage -> what changed since it last ran, as DVC sees it; with `target`, of that
    stage and all it rests on.

    Raises `Running` while another DVC command works here, `UserError` with DVC's reason
    where it cannot tell.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            changes = (
                repo.status(targets=[target], with_deps=True)
                if target
                else repo.status()
            )
    except LockError as error:
        blocker = re.search(r"\(PID (\d+)\): (.*)", str(error))
        raise Running(
            f"process {blocker[1]} ({blocker[2]})"
            if blocker
            else "the other DVC command"
        ) from None
    except DvcException as error:
        raise UserError(f"DVC: {error}", where="dvc.yaml") from None
    asked = [stage for stage in changes if target or not stage.startswith(RENTING)]
    return {stage: _reasons(changes[stage]) for stage in asked}


def _reasons(entries: list[object]) -> str:
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            found.append(str(entry))
            continue
        for kind, paths in entry.items():
            names = (
                ", ".join(f"{path} {state}" for path, state in paths.items())
                if isinstance(paths, dict)
                else paths
            )
            found.append(f"{kind}: {names}")
    return "; ".join(found)
