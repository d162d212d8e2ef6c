"""Finding the user's asar: the path in params, `ASAR` in the environment, then PATH.
Never downloaded.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from afs_stages.core.errors import UserError

FIX = (
    "build asar 1.91 (https://github.com/RPGHacker/asar: `cmake -S src -B build && "
    "cmake --build build`) and set quality.asar or ASAR to build/asar/lib/libasar.so "
    "or build/asar/bin/asar; or set quality.assembler: table"
)
_LIBRARY_WORKER = "afs_stages.scoring.asar.library_worker"
_PROGRAM_WORKER = "afs_stages.scoring.asar.cli_worker"
_LIBRARIES = ("libasar.so", "libasar.dylib", "asar.dll")


def find(path: str = "") -> Path:
    """The library or program to use.
    Raises `UserError` that says how to get it where there is none.
    """
    named = path or os.environ.get("ASAR", "")
    if not named:
        found = shutil.which("asar")
        if found is None:
            raise UserError("quality.assembler is asar, and no asar was found", fix=FIX)
        return Path(found)
    place = Path(named)
    if place.is_dir():
        inside = [
            place / part / name
            for part in ("", "lib", "asar/lib")
            for name in _LIBRARIES
        ]
        place = next((file for file in inside if file.is_file()), place)
    if not place.is_file():
        raise UserError("no asar here", where=named, fix=FIX)
    return place


def is_library(path: Path) -> bool:
    """Whether a file is a shared library rather than a program."""
    return path.suffix in (".so", ".dylib", ".dll") or ".so." in path.name


def worker_command(path: Path) -> list[str]:
    """The command of a worker process for a library or program."""
    module = _LIBRARY_WORKER if is_library(path) else _PROGRAM_WORKER
    return [
        sys.executable,
        "-I",
        str(Path(__file__).with_name(f"{module.rpartition('.')[2]}.py")),
        str(path.resolve()),
    ]
