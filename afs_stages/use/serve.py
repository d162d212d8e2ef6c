"""A merged version behind an OpenAI-compatible server: `transformers serve`, told which
model it is and where it listens.

It runs as a process of its own, `python -m afs_stages.use.serve FOLDER HOST PORT`, so
that the hub is off for it before transformers reads the environment.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from afs_stages.core.errors import UserError

LOOPBACK = "127.0.0.1"
NEEDED = ("fastapi", "uvicorn", "openai")
"""Packages of the extra `serve`."""


def require_packages() -> None:
    """Raise `UserError` where the server's packages are not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"not installed: {', '.join(missing)}",
            fix="pip install 'afs-stages[serve]'",
        )


def command(folder: Path, host: str, port: int) -> list[str]:
    """The command that serves a merged folder, under the folder's name."""
    module = [sys.executable, "-m", "afs_stages.use.serve"]
    return [*module, str(folder.resolve()), host, str(port)]


def environment(before: dict[str, str]) -> dict[str, str]:
    """The server's environment: no hub, whatever a request asks for."""
    return {**before, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def run(folder: Path, host: str, port: int) -> None:
    """Serve one folder until interrupted; it is the only model requests can name."""
    from transformers.cli.serve import Serve
    from transformers.cli.serving.model_manager import ModelManager

    own: list[dict[str, Any]] = [
        {"id": folder.name, "object": "model", "created": 0, "owned_by": "afs-stages"}
    ]
    # The library lists what lies in the hub's cache, and fails where there is none.
    ModelManager.get_gen_models = staticmethod(lambda cache_dir=None: own)
    # Its models are named by where they are found: so it is called as its folder is.
    os.chdir(folder.parent)
    Serve(force_model=folder.name, host=host, port=port)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
