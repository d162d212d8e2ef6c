"""Retention: keep the newest N sound archives of every item; what does not verify is nobody's reason to delete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from afs_stages.backup import catalog
from afs_stages.backup.naming import LOGS, SIDECAR
from afs_stages.backup.store import Entry, Store
from afs_stages.core.console import log

PARTIAL_AGE = 7 * 24 * 3600
"""Seconds after which an unfinished upload is nobody's any more: Drive forgets its session after a week."""
LOGS_KEPT = 100


@dataclass
class Plan:
    """What a cleanup will remove, and what it leaves although it is old (path -> why)."""

    remove: list[Entry] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def plan(store: Store, keep: int, now: datetime, delete_damaged: bool = False) -> Plan:
    """Choose what goes. Every archive that is counted as kept is verified now.

    Damaged archives stay unless `delete_damaged`, and even then only where a sound one of the same
    item remains. Files that other programs made stay.
    """
    chosen = Plan()
    for shelf in catalog.shelves(store):
        for archives in catalog.by_item(store, shelf.archives).values():
            _choose(store, archives, keep, delete_damaged, chosen)
        chosen.remove += [entry for entry in shelf.partials if now.timestamp() - entry.modified > PARTIAL_AGE]
        chosen.remove += [entry for entry in shelf.orphans if now.timestamp() - entry.modified > PARTIAL_AGE]
        for archive in shelf.archives:
            if archive.id is None:
                chosen.left[archive.entry.path] = "not made by afs backup"
    chosen.remove += store.entries(LOGS)[:-LOGS_KEPT]
    return chosen


def _choose(store: Store, archives: list[catalog.Archive], keep: int, delete_damaged: bool, chosen: Plan) -> None:
    sound = 0
    damaged: list[catalog.Archive] = []
    for archive in reversed(archives):
        wrong = catalog.problem(store, archive)
        if wrong:
            damaged.append(archive)
            chosen.left[archive.entry.path] = wrong
        elif sound < keep:
            sound += 1
        else:
            chosen.remove += _files(archive)
    if delete_damaged and sound:
        for archive in damaged:
            del chosen.left[archive.entry.path]
            chosen.remove += _files(archive)


def _files(archive: catalog.Archive) -> list[Entry]:
    """The archive first: a cut between the two leaves a manifest without an archive, which misleads nobody."""
    return [archive.entry, *([archive.beside] if archive.beside else [])]


def cleanup(store: Store, chosen: Plan) -> None:
    """Remove what was chosen."""
    for entry in chosen.remove:
        store.delete(entry)
        if not entry.name.endswith(SIDECAR):
            log.info("removed %s", entry.path)
