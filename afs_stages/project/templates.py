"""The files that a new project begins with; they come with the package.

`dvc.yaml`, `remote/dvc.yaml`, `params.yaml` and `.dvc/config` are the repository's own.
"""

from __future__ import annotations

from importlib.resources import files

PIPELINE = "pipeline.yaml"
RENTING = "renting.yaml"
DVC_CONFIG = "dvc-config"
GITIGNORE = "gitignore.txt"
SAMPLE_PARAMS = "sample-params.yaml"
README = "project-readme.md"
DVCIGNORE = "dvcignore.txt"


def template(name: str) -> str:
    """The text of one of these files."""
    return (files("afs_stages.project") / "data" / name).read_text(encoding="utf-8")
