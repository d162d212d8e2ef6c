"""params.yaml: where archives go and how many are kept."""

from __future__ import annotations

from pydantic import Field

from afs_stages.core.params.block import Block


class Backup(Block):
    """Dated archives. DVC's own remotes stand in .dvc/config."""

    target: str = Field(
        default="",
        description="a folder, rclone:REMOTE:PATH, or the name of a DVC remote; empty: "
        "the default DVC remote",
    )
    keep: int = Field(
        default=5,
        ge=1,
        description="archives of each item that `afs backup cleanup` keeps",
    )
    run_cache: bool = Field(
        default=False, description="`afs backup push --all` sends DVC's run cache along"
    )
