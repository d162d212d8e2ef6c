"""What Git keeps of a project's base models: none of their weights."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from afs_stages.core.closure import ROOT
from afs_stages.project.templates import GITIGNORE, template

RULES = {
    "the clone": (ROOT / ".gitignore").read_text("utf-8"),
    "a project": template(GITIGNORE),
}


@pytest.mark.parametrize("whose", RULES)
def test_a_fetched_base_is_not_untracked_but_what_dvc_notes_of_one_is(
    tmp_path: Path, whose: str
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(RULES[whose])
    bases = tmp_path / "models/bases"
    (bases / "smollm2").mkdir(parents=True)
    (bases / "smollm2/model.safetensors").write_text("weights")
    (bases / "smollm2/config.json").write_text("{}")
    (bases / "mine").symlink_to(tmp_path)
    for name in (".gitkeep", ".gitignore", "kept.dvc"):
        (bases / name).write_text("")
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    shown = subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    seen = {line.removeprefix("?? ") for line in shown.stdout.splitlines()}
    assert seen == {
        ".gitignore",
        "models/bases/.gitkeep",
        "models/bases/.gitignore",
        "models/bases/kept.dvc",
    }
