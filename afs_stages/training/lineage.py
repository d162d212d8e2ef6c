"""Earlier versions of a model: which there are, and whether an adapter belongs to
today's base. `gather` puts them in place.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.core import layout
from afs_stages.core.errors import UserError
from afs_stages.training.base_model import Base
from afs_stages.training.lora import base_hash_of


def number(version: str) -> int:
    """5 of `v5`; a `UserError` for anything else."""
    if not version.startswith("v") or not version[1:].isdecimal():
        raise UserError(
            f"'{version}' is no version", fix="versions are called v1, v2, …"
        )
    return int(version[1:])


def older(folder: Path, version: str) -> list[str]:
    """The versions in a folder strictly before `version`, oldest first."""
    names = [path.name for path in folder.glob("v*") if path.is_dir()]
    return sorted(
        (name for name in names if number(name) < number(version)), key=number
    )


def previous_adapter(model: str, version: str, base: Base) -> Path | None:
    """The adapter a version with `init_from: previous` goes on from; None where nothing
    was released before.

    Raises `UserError` where the gathered adapter belongs to another base.
    """
    names = older(layout.release_adapters(model), version)
    if not names:
        return None
    folder = layout.release_adapters(model) / names[-1] / "adapter"
    check_base(folder, base, f"dvc repro train-releases@{model}")
    return folder


def check_base(adapter: Path, base: Base, fix: str) -> None:
    """Raise `UserError` where a folder holds no adapter,
    or one that remembers another base.
    """
    known = base_hash_of(adapter)
    if (
        not (adapter / "training.json").is_file()
        and not (adapter / "adapter_config.json").is_file()
    ):
        raise UserError("no adapter in this folder", where=str(adapter), fix=fix)
    if known is not None and known != base.hash:
        raise UserError(
            f"the adapter was trained on another base (hash {known[:12]}, "
            f"{base.name} has {base.hash[:12]})",
            where=str(adapter),
            fix=fix,
        )
