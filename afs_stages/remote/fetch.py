"""Bring home what a machine made: checked against its own hashes,
and moved into place whole.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from afs_stages.remote import inbox
from afs_stages.remote.connection import Connection, Unreachable


class Damaged(Exception):
    """What arrived is not what the machine says it sent."""


def results(link: Connection, target: Path) -> None:
    """Pull `out/results` to `target`, replacing it.

    Raises `Damaged`, `Unreachable` or `inbox.Refused` with the old one kept.
    """
    text = link.read(["out/MANIFEST.json"]).get("out/MANIFEST.json")
    if text is None:
        raise Damaged("the machine has no list of its results")
    _fetch(link, "out/results", target, inbox.manifest(text))


def checkpoint(link: Connection, text: str, folder: Path, parents: list[str]) -> str:
    """Pull the checkpoint that `checkpoint.json` names into `folder`,
    and drop older ones; its name.

    It must lie right in one of `parents`. The machine may delete an old checkpoint
    while it is copied: then the next look gets the next one. Raises `Damaged`,
    `Unreachable` or `inbox.Refused`.
    """
    name, files = inbox.checkpoint(text, parents)
    _fetch(link, f"bundle/{name}", folder / name, files)
    for old in (folder / name).parent.iterdir():
        if old.name != Path(name).name and not old.name.startswith("."):
            inbox.discard(old)
    return name


def _fetch(link: Connection, name: str, target: Path, files: dict[str, str]) -> None:
    """Pull a folder beside its place, and put it there when it is what was listed,
    and only that.
    """
    part = target.with_name(f".{target.name}.part")
    link.pull(name, part)
    try:
        inbox.only_plain(part)
    except inbox.Refused:
        inbox.discard(part)
        raise
    check(part, files)
    inbox.only_named(part, files)
    if target.exists():
        shutil.rmtree(target)
    part.replace(target)


def check(folder: Path, files: dict[str, str]) -> None:
    """Every listed file is there with its hash;
    raises `Damaged` naming the first that is not.
    """
    for name, wanted in files.items():
        path = folder / name
        if not path.is_file():
            raise Damaged(f"{name} did not arrive")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise Damaged(f"{name} arrived damaged")


def logs(link: Connection, target: Path) -> None:
    """The logs of a machine, as far as they can be had."""
    try:
        link.pull("out/logs", target)
        inbox.only_plain(target)
    except Unreachable:
        target.mkdir(parents=True, exist_ok=True)
    except inbox.Refused:
        inbox.discard(target)
        target.mkdir(parents=True)
