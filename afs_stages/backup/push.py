"""Pushing: hash, compare with the latest archive, stream, read the checksum back, and
only then rename.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from afs_stages.backup import catalog
from afs_stages.backup.archive import pack
from afs_stages.backup.items import Item
from afs_stages.backup.manifest import Manifest
from afs_stages.backup.naming import SIDECAR, ArchiveName, partial, stamp_after
from afs_stages.backup.refusals import explain
from afs_stages.backup.store import Store, confirm
from afs_stages.core.console import log
from afs_stages.core.errors import UserError


@dataclass
class Outcome:
    """What a push did, item by item (`category/name`)."""

    pushed: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def push(
    store: Store, items: list[Item], now: datetime, clone: str, dry_run: bool = False
) -> Outcome:
    """Back up every item whose content is not what its latest sound archive holds.

    One item's failure does not keep the others from being saved; it is in `failed`.
    """
    outcome = Outcome()
    for item in items:
        name = f"{item.category}/{item.name}"
        try:
            _push_one(store, item, name, now, clone, dry_run, outcome)
        except (UserError, OSError) as error:
            told = error if isinstance(error, UserError) else explain(str(error), name)
            outcome.failed[name] = str(told)
            log.error("%s: failed: %s", name, told)
    return outcome


def _push_one(
    store: Store,
    item: Item,
    name: str,
    now: datetime,
    clone: str,
    dry_run: bool,
    outcome: Outcome,
) -> None:
    manifest = item.describe()
    if not manifest.files:
        outcome.empty.append(name)
        return
    shelf = catalog.listing(store, item.category)
    named = [
        archive
        for archive in shelf.archives
        if archive.id and archive.name == item.name
    ]
    if _is_saved(store, named, manifest):
        outcome.unchanged.append(name)
        log.info("%s: unchanged", name)
        return
    stamp = stamp_after(now, [archive.stamp for archive in named])
    file = ArchiveName(item.name, stamp, manifest.content[:12]).file
    if not dry_run:
        _write(
            store,
            item,
            manifest,
            file,
            partial(item.name, manifest.content[:12], clone),
        )
    outcome.pushed[name] = file
    word = "would be saved" if dry_run else "saved"
    log.info(
        "%s: %s as %s (%s files, %s bytes)",
        name,
        word,
        file,
        f"{len(manifest.files):,}",
        f"{manifest.size:,}",
    )


def _is_saved(store: Store, named: list[catalog.Archive], manifest: Manifest) -> bool:
    """Whether the latest archive of this very item holds this content, and is sound."""
    ours = catalog.by_item(store, named).get((manifest.name, manifest.origin), [])
    if not ours or not manifest.content.startswith(
        ours[-1].id.content if ours[-1].id else "-"
    ):
        return False
    wrong = catalog.problem(store, ours[-1])
    if wrong:
        log.warning(
            "%s is damaged (%s) and is pushed again", ours[-1].entry.path, wrong
        )
    return not wrong


def _write(
    store: Store, item: Item, manifest: Manifest, file: str, temporary: str
) -> None:
    """Upload under the temporary name, confirm, lay the manifest beside, rename:
    whole or not there.
    """
    entry, sealed = store.upload(
        item.category, temporary, lambda: pack(manifest, item.base)
    )
    confirm(store, entry, sealed)
    store.put(item.category, file + SIDECAR, manifest.seal(sealed).to_bytes())
    store.rename(entry, file)
