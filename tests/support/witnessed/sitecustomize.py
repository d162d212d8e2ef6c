"""Loaded by every Python of a stage: at its end it says which modules of the package it
has loaded, and which blocks of params.yaml it looked at.
"""

import atexit
import json
import os
import sys
from pathlib import Path

FOLDER = os.environ.get("AFS_WITNESS", "")
BLOCKS: set[str] = set()


def _watch_params() -> None:
    """Note every block that is asked of a loaded params.yaml."""
    root = sys.modules.get("afs_stages.core.params.root")
    if root is None:
        return
    fields = set(root.Params.model_fields)
    plain = root.Params.__getattribute__

    def noting(self: object, name: str) -> object:
        if name in fields and not _checking():
            BLOCKS.add(name)
        return plain(self, name)

    root.Params.__getattribute__ = noting


def _checking() -> bool:
    """Whether the class is just checking the file as a whole: it looks everywhere."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        checks = code.co_name.startswith(("_", "require_"))
        if checks and code.co_filename.endswith("params/root.py"):
            return True
        frame = frame.f_back
    return False


class _Finder:
    """Watches for the moment at which the class is there."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Find nothing; the next import after the class's own patches it."""
        root = sys.modules.get("afs_stages.core.params.root")
        if root is not None and hasattr(root, "Params"):
            sys.meta_path.remove(self)
            _watch_params()


def _tell() -> None:
    code = Path(getattr(sys.modules.get("__main__"), "__file__", "") or "")
    own = [name for name in sys.modules if name.startswith("afs_stages")]
    if not own and "afs_stages" not in code.parts:
        return
    stage = os.environ.get("DVC_STAGE", "")
    told = {
        "stage": stage,
        "main": str(code),
        "modules": sorted(own),
        "blocks": sorted(BLOCKS),
    }
    target = Path(FOLDER) / f"{stage.replace('/', '_')}.{os.getpid()}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(told))


if FOLDER:
    sys.meta_path.insert(0, _Finder())
    atexit.register(_tell)
