"""What backups remember on this machine, in `.afs/backup/`: the lock, logs, unfinished
uploads, last success.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from afs_stages.core import atomic, layout
from afs_stages.core.console import log
from afs_stages.core.errors import UserError


class Busy(UserError):
    """Another backup command of this clone is at work; exit code 75, as `sysexits.h`
    calls it: try later.
    """


class LocalState:
    """Paths and small files below a clone's `.afs/backup/`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / layout.BACKUP_STATE
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sessions = self.folder / "uploads.json"
        self.last_success = root / layout.LAST_BACKUP

    @property
    def clone(self) -> str:
        """Eight hex digits that tell this clone's unfinished uploads from another's."""
        path = self.folder / "clone"
        if not path.is_file():
            atomic.write_text(path, uuid.uuid4().hex[:8])
        return path.read_text()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the clone's lock.
        The kernel frees it when the process dies; `Busy` when another holds it.
        """
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(handle, 32, 0).decode() or "unknown"
                raise Busy(
                    f"another backup is running (process {owner})", fix="let it finish"
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def succeeded(self, now: datetime, facts: dict[str, Any]) -> None:
        """Write the file a monitor reads: when a push last came through,
        and what it did.
        """
        data = {
            "at": now.isoformat(timespec="seconds"),
            "unix": int(now.timestamp()),
            **facts,
        }
        atomic.write_text(
            self.last_success, json.dumps(data, indent=1, sort_keys=True) + "\n"
        )


@contextmanager
def run_log(state: LocalState, stamp: str) -> Iterator[Path]:
    """Send what is logged to a file of this run as well as to stderr."""
    path = state.folder / "logs" / f"backup_{stamp}.log"
    path.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield path
    except UserError as error:
        handler.emit(
            logging.makeLogRecord({"msg": f"error: {error}", "levelno": logging.ERROR})
        )
        raise
    finally:
        log.removeHandler(handler)
        handler.close()
