"""Making a project: an empty folder becomes a Git and DVC project that `dvc repro` can
build.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from afs_stages.core import layout
from afs_stages.core.atomic import write_text
from afs_stages.core.closure import ROOT
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import write_json
from afs_stages.project import templates
from afs_stages.project.code import code_hashes
from afs_stages.project.templates import template

KEPT_EMPTY = (layout.RELEASES, layout.OWN_BASES, Path("data/raw"))
"""Folders that stages or people expect, and that Git would not keep."""
AUTHOR = {
    "GIT_AUTHOR_NAME": "afs",
    "GIT_AUTHOR_EMAIL": "afs@localhost",
    "GIT_COMMITTER_NAME": "afs",
    "GIT_COMMITTER_EMAIL": "afs@localhost",
}
"""Who commits where Git knows nobody."""


def create(folder: Path, files: Mapping[Path, str], *, linked: bool) -> None:
    """Fill an empty folder with a project: the pipeline, Git, DVC, and `files` by their
    place in it.

    With `linked`, the project holds the package as a link, so that DVC sees a change of
    its code by itself; else `code.json` says which package builds it.

    Raises `UserError` where the folder has anything in it, or Git cannot be run.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(
            "this folder is not empty, and nothing in it is overwritten",
            where=str(folder),
            fix="name a new folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    _run(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    write_text(folder / ".dvc/config", template(templates.DVC_CONFIG))
    write_text(folder / ".dvcignore", template(templates.DVCIGNORE))
    write_text(folder / ".gitignore", template(templates.GITIGNORE))
    for path, text in files.items():
        write_text(folder / path, text)
    for path in KEPT_EMPTY:
        write_text(folder / path / ".gitkeep", "")
    if linked:
        link_package(folder)
    write_pipeline(folder)


def link_package(folder: Path) -> None:
    """Link the package into a project; relative where it lies around the project."""
    package = ROOT / "afs_stages"
    place = folder.resolve()
    near = place.is_relative_to(ROOT)
    target = os.path.relpath(package, place) if near else str(package)
    (folder / "afs_stages").symlink_to(target, target_is_directory=True)


def write_pipeline(folder: Path) -> None:
    """Write the pipelines of the package that runs, and `code.json` where no stage of
    the project writes it.
    """
    write_text(folder / layout.PIPELINE, pipeline_for(folder))
    write_text(folder / layout.RENTING, template(templates.RENTING))
    if not _is_linked(folder):
        write_json(folder / layout.CODE, code_hashes())


def pipeline_for(folder: Path) -> str:
    """The text of a project's dvc.yaml."""
    pipeline = template(templates.PIPELINE)
    return pipeline if _is_linked(folder) else without_stage(pipeline, "code")


def _is_linked(folder: Path) -> bool:
    return (folder / "afs_stages").exists()


def without_stage(pipeline: str, name: str) -> str:
    """The text of a pipeline without one of its stages; everything else stays as it
    is, comments too.
    """
    blocks = pipeline.split("\n\n")
    kept = [block for block in blocks if f"\n  {name}:\n" not in f"\n{block}\n"]
    begin = next(block for block in blocks if block not in kept)
    # The first block also holds the title of the file.
    title, _, _ = begin.partition(f"  {name}:\n")
    text = title + "\n\n".join(kept)
    assert name not in yaml.safe_load(text)["stages"]
    return text


def commit(folder: Path, message: str) -> bool:
    """Commit everything that Git does not ignore; False where nothing had changed."""
    git(folder, "add", "--all")
    if not git(folder, "status", "--porcelain"):
        return False
    git(folder, "commit", "--quiet", "--no-gpg-sign", "--message", message)
    return True


def git(folder: Path, *arguments: str) -> str:
    """What a Git command prints. Raises `UserError` where it fails."""
    return _run(folder, "git", *arguments)


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    if command[0] == "git" and not _git_knows_someone(folder):
        environment |= AUTHOR
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError(f"{' '.join(command[:4])} failed: {last[0]}", where=str(folder))
    return done.stdout


def _git_knows_someone(folder: Path) -> bool:
    done = subprocess.run(
        ["git", "config", "user.email"], cwd=folder, capture_output=True, check=False
    )
    return done.returncode == 0
