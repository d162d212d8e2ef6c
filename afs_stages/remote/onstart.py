"""The command a machine runs when it starts: the guard first,
then what ssh copying needs.
"""

from __future__ import annotations

import base64
import gzip
import json
import shlex
from importlib import resources
from typing import Any

from afs_stages.core.errors import UserError
from afs_stages.core.params.remote import Timing

LIMIT = 4000
"""Characters the service is known to take; its documents disagree above that."""
ROOT = "/workspace/afs"
"""Folder of the job on every machine."""


def start_command(timing: Timing, url: str, seconds: float) -> str:
    """The start command of a machine that may live so many paid seconds.

    No shorter life makes it longer, so the longest shows beforehand whether it can be
    sent. Raises `UserError` where it is too long.
    """
    config = {
        "url": url,
        "seconds": round(seconds, 1),
        "tail": timing.tail,
        "heartbeat": timing.heartbeat,
        "grace": timing.grace,
        "teardown": timing.teardown,
        "tick": timing.guard_tick,
    }
    return onstart(config)


def onstart(config: dict[str, Any]) -> str:
    """A shell line that unpacks and starts the guard;
    the same bytes for the same configuration.
    """
    source = resources.files("afs_stages.remote.box").joinpath("guard.py").read_bytes()
    packed = base64.b64encode(gzip.compress(source, 9, mtime=0)).decode()
    settings = shlex.quote(json.dumps(config, sort_keys=True, separators=(",", ":")))
    text = (
        f"mkdir -p {ROOT};export PATH=$PATH:/opt/conda/bin:/venv/main/bin;"
        f"echo {packed}|base64 -d|gunzip>{ROOT}/guard.py;"
        f"(setsid nohup python3 {ROOT}/guard.py {ROOT} {settings} >>{ROOT}/guard.log "
        "2>&1 </dev/null &);"
        "command -v rsync>/dev/null||(apt-get update -qq&&apt-get install -y -qq "
        "rsync)>/dev/null 2>&1"
    )
    if len(text) >= LIMIT:
        raise UserError(
            f"the start command has {len(text)} characters, at most {LIMIT} are safe",
            where="params.yaml: remote.timing, VAST_URL",
            fix="shorten what goes into it",
        )
    return text
