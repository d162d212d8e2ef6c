"""The files that a new project begins with; they come with the package.

`dvc.yaml`, `remote/dvc.yaml` and `.dvc/config` are those of the repository itself.
"""

from __future__ import annotations

from importlib.resources import files

PIPELINE = "pipeline.yaml"
RENTING = "renting.yaml"
DVC_CONFIG = "dvc-config"
GITIGNORE = "gitignore.txt"
DVCIGNORE = "dvcignore.txt"


def template(name: str) -> str:
    """The text of one of these files."""
    return (files("afs_stages.project") / "data" / name).read_text(encoding="utf-8")
