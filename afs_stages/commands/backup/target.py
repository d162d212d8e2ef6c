"""What every backup command begins with: the project, the target,
this clone's state and its lock.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.backup.push import Outcome
    from afs_stages.backup.state import LocalState
    from afs_stages.backup.store import Store
    from afs_stages.core.params.backup import Backup

FAILED, DAMAGED, BUSY = 1, 3, 75
"""Exit codes."""

Target = Annotated[
    str,
    typer.Option(
        help="A folder, rclone:REMOTE:PATH or a DVC remote's name, "
        "instead of backup.target.",
        show_default=False,
    ),
]


@dataclass
class ProjectTarget:
    """A project with its target."""

    root: Path
    store: Store
    state: LocalState
    keep: int
    run_cache: bool

    def push_dvc(self, outcome: Outcome) -> None:
        """Run `dvc push`; a failure counts as one of the outcome's."""
        if not (self.root / ".dvc").is_dir():
            return
        command = [
            sys.executable,
            "-m",
            "dvc",
            "push",
            *(["--run-cache"] if self.run_cache else []),
        ]
        result = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False
        )
        console.log.info(
            "dvc push: %s", (result.stdout or result.stderr).strip() or "done"
        )
        if result.returncode != 0:
            outcome.failed["dvc push"] = result.stderr.strip()[-600:]
        self._mirror_dvc(outcome)

    def _mirror_dvc(self, outcome: Outcome) -> None:
        """rclone is no DVC remote: what `dvc push` wrote to a folder of this machine
        is copied along.
        """
        from afs_stages.backup.rclone import Rclone
        from afs_stages.backup.targets import dvc_folder

        folder = dvc_folder(self.root)
        if not isinstance(self.store, Rclone) or folder is None or not folder.is_dir():
            return
        try:
            self.store.copy_in(folder, "dvc")
        except UserError as error:
            outcome.failed["dvc push to rclone"] = str(error)

    def fetch_dvc(self) -> None:
        """Bring that copy back, for `dvc pull` on a new machine."""
        from afs_stages.backup.rclone import Rclone
        from afs_stages.backup.targets import dvc_folder

        folder = dvc_folder(self.root) if (self.root / ".dvc").is_dir() else None
        if isinstance(self.store, Rclone) and folder is not None:
            self.store.copy_out("dvc", folder)


def _settings(root: Path, target: str) -> Backup:
    """The `backup` block; with a target given, a broken or missing params.yaml is no
    obstacle to a restore.
    """
    from afs_stages.core.params import load
    from afs_stages.core.params.backup import Backup

    if not (root / layout.PARAMS).is_file():
        return Backup()
    try:
        return load(root / layout.PARAMS).backup
    except UserError as error:
        if not target:
            raise UserError(
                error.what,
                where=error.where,
                fix="mend it, or say where the backup is: --target",
            ) from None
        return Backup()


@contextmanager
def project_target(target: str = "", lock: bool = True) -> Iterator[ProjectTarget]:
    """Open the target of the project in the working directory, alone if `lock`; exit 75
    when another is at it.
    """
    from afs_stages.backup.state import Busy, LocalState
    from afs_stages.backup.targets import open_store

    root = Path()
    settings = _settings(root, target)
    state = LocalState(root)
    with ExitStack() as stack:
        if lock:
            try:
                stack.enter_context(state.lock())
            except Busy as error:
                typer.secho(f"error: {error}", fg="red", err=True)
                raise typer.Exit(BUSY) from None
        store = open_store(root, target or settings.target, state)
        yield ProjectTarget(root, store, state, settings.keep, settings.run_cache)
