"""Retention: keep the newest N sound archives of every item; what does not verify is
nobody's reason to delete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from afs_stages.backup import catalog
from afs_stages.backup.naming import LOGS, SIDECAR, is_log
from afs_stages.backup.store import Entry, Store
from afs_stages.core.console import log

PARTIAL_AGE = 7 * 24 * 3600
"""Seconds after which an unfinished upload is nobody's any more: Drive forgets its
session after a week.
"""
LOGS_KEPT = 100
FOREIGN = "not made by afs backup"


@dataclass
class CleanupPlan:
    """What a cleanup will remove, and what it leaves although it is
    old (path -> why).
    """

    remove: list[Entry] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def plan(
    store: Store, keep: int, now: datetime, delete_damaged: bool = False
) -> CleanupPlan:
    """Choose what goes. Every archive that is counted as kept is verified now.

    Damaged archives stay unless `delete_damaged`, and even then only where a sound one
    of the same item remains. Files that other programs made stay, also where they are
    called as ours are; so does an archive that is whole and only restore refuses.
    """
    chosen = CleanupPlan()
    for shelf in catalog.listings(store):
        for archives in catalog.by_item(store, shelf.archives).values():
            _choose(store, archives, keep, delete_damaged, chosen)
        _choose_old(store, shelf.partials, catalog.is_our_upload, now, chosen)
        _choose_old(store, shelf.orphans, catalog.is_our_manifest, now, chosen)
        for archive in shelf.archives:
            if archive.id is None:
                chosen.left[archive.entry.path] = FOREIGN
    logs = [entry for entry in store.entries(LOGS) if is_log(entry.name)]
    chosen.remove += logs[:-LOGS_KEPT]
    return chosen


def _choose_old(
    store: Store,
    entries: list[Entry],
    is_ours: Callable[[Store, Entry], bool],
    now: datetime,
    chosen: CleanupPlan,
) -> None:
    """What a killed push left behind goes when it is old, if it is ours."""
    for entry in entries:
        if now.timestamp() - entry.modified <= PARTIAL_AGE:
            continue
        if is_ours(store, entry):
            chosen.remove.append(entry)
        else:
            chosen.left[entry.path] = FOREIGN


def _choose(
    store: Store,
    archives: list[catalog.Archive],
    keep: int,
    delete_damaged: bool,
    chosen: CleanupPlan,
) -> None:
    kept: list[catalog.Archive] = []
    damaged: list[catalog.Archive] = []
    for archive in reversed(archives):
        wrong = catalog.problem(store, archive)
        if wrong:
            damaged.append(archive)
            chosen.left[archive.entry.path] = wrong
        elif len(kept) < keep:
            kept.append(archive)
        else:
            chosen.remove += [archive.entry, *_beside(archive, kept)]
    if delete_damaged and kept:
        for archive in damaged:
            _choose_damaged(store, archive, kept, chosen)


def _choose_damaged(
    store: Store,
    archive: catalog.Archive,
    kept: list[catalog.Archive],
    chosen: CleanupPlan,
) -> None:
    if not catalog.is_ours(store, archive):
        chosen.left[archive.entry.path] += f"; {FOREIGN}"
    elif catalog.is_whole(store, archive):
        chosen.left[archive.entry.path] += (
            "; its bytes are whole, so `tar` may still read it"
        )
    else:
        del chosen.left[archive.entry.path]
        chosen.remove.append(archive.entry)
        beside = _beside(archive, kept)
        chosen.remove += [
            entry for entry in beside if catalog.is_our_manifest(store, entry)
        ]


def _beside(archive: catalog.Archive, kept: list[catalog.Archive]) -> list[Entry]:
    """The manifest that goes with an archive, unless one that stays needs it: Drive has
    files of one name.

    It goes second: a cut between the two leaves a manifest without an archive, which
    misleads nobody.
    """
    needed = archive.beside in [one.beside for one in kept]
    return [archive.beside] if archive.beside and not needed else []


def cleanup(store: Store, chosen: CleanupPlan) -> None:
    """Remove what was chosen."""
    for entry in chosen.remove:
        store.delete(entry)
        if not entry.name.endswith(SIDECAR):
            log.info("removed %s", entry.path)
