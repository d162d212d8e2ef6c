"""What lies on the target: archives with the manifests beside them,
and what is wrong with each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from afs_stages.backup.archive import begins_as_ours, checked_members
from afs_stages.backup.manifest import Manifest, from_bytes
from afs_stages.backup.member_paths import refused
from afs_stages.backup.naming import (
    CATEGORIES,
    PARTIAL,
    SIDECAR,
    ArchiveName,
    is_partial,
    parse,
)
from afs_stages.backup.store import Digest, Entry, Store, mismatch
from afs_stages.core.console import warn
from afs_stages.core.errors import UserError, nearest


@dataclass(frozen=True)
class Archive:
    """An archive on the target.
    `id` is None for a file that another program named, `beside` is its manifest.
    """

    entry: Entry
    id: ArchiveName | None
    beside: Entry | None

    @property
    def name(self) -> str:
        """The item's name; of a foreign file, its own."""
        return self.id.name if self.id else self.entry.name

    @property
    def stamp(self) -> str:
        """When it was made; foreign files sort first."""
        return self.id.stamp if self.id else ""


@dataclass
class CategoryListing:
    """All files of one category: archives oldest first,
    and what is left over from killed runs.
    """

    category: str
    archives: list[Archive]
    partials: list[Entry]
    orphans: list[Entry]


def listing(store: Store, category: str) -> CategoryListing:
    """Look at one category."""
    entries = store.entries(category)
    files = {entry.name: entry for entry in entries}
    partials = [entry for entry in entries if entry.name.startswith(PARTIAL)]
    whole = [entry for entry in entries if not entry.name.startswith(PARTIAL)]
    archives = [
        Archive(entry, parse(entry.name), files.get(entry.name + SIDECAR))
        for entry in whole
        if entry.name.endswith(".tar.gz")
    ]
    archives.sort(
        key=lambda archive: (archive.stamp, archive.entry.name, archive.entry.ident)
    )
    orphans = [
        entry
        for entry in whole
        if entry.name.endswith(".tar.gz" + SIDECAR)
        and entry.name.removesuffix(SIDECAR) not in files
    ]
    return CategoryListing(category, archives, partials, orphans)


def listings(store: Store) -> list[CategoryListing]:
    """Look at every category."""
    return [listing(store, category) for category in CATEGORIES]


def manifest_of(store: Store, archive: Archive) -> Manifest:
    """The manifest beside an archive.
    Raises `UserError` when there is none or it is damaged.
    """
    where = archive.entry.path
    if archive.beside is None:
        raise UserError("has no manifest beside it", where=where)
    manifest = from_bytes(b"".join(store.read(archive.beside)), archive.beside.path)
    if manifest.sealed is None or (
        archive.id and not manifest.content.startswith(archive.id.content)
    ):
        raise UserError("the manifest beside it is of another archive", where=where)
    return manifest


def problem(store: Store, archive: Archive, deep: bool = False) -> str:
    """What is wrong with an archive, empty if nothing: manifest, size and checksum;
    `deep` unpacks every file.

    An archive that restore would refuse for the paths in it is not sound,
    whatever its checksum.
    """
    try:
        manifest = manifest_of(store, archive)
        assert manifest.sealed is not None
        if why := refused(file.path for file in manifest.files):
            return f"cannot be restored: {why}"
        found = mismatch(store, archive.entry, manifest.sealed)
        if deep and not found:
            _unpack(store, archive, manifest)
    except UserError as error:
        return error.what
    return found


def _unpack(store: Store, archive: Archive, manifest: Manifest) -> None:
    digest = Digest()
    packed = digest.through(store.read(archive.entry))
    for _, content in checked_members(packed, manifest, archive.entry.path):
        for _ in content:
            pass
    if digest.seal() != manifest.sealed:
        raise UserError(
            "its checksum is not the one it was sealed with", where=archive.entry.path
        )


def is_ours(store: Store, archive: Archive) -> bool:
    """Whether this program made a file, and not only its name says so: a manifest
    beside it, or inside.
    """
    try:
        manifest_of(store, archive)
    except UserError:
        return archive.id is not None and begins_as_ours(store.read(archive.entry))
    return archive.id is not None


def is_whole(store: Store, archive: Archive) -> bool:
    """Whether every byte is as it was sealed,
    whatever else may be wrong with the archive.
    """
    try:
        manifest = manifest_of(store, archive)
    except UserError:
        return False
    return manifest.sealed is not None and not mismatch(
        store, archive.entry, manifest.sealed
    )


def is_our_manifest(store: Store, entry: Entry) -> bool:
    """Whether a file called like the manifest of an archive is one."""
    sealed = Archive(entry, parse(entry.name.removesuffix(SIDECAR)), entry)
    try:
        manifest_of(store, sealed)
    except UserError:
        return False
    return sealed.id is not None


def is_our_upload(store: Store, entry: Entry) -> bool:
    """Whether a file called like an unfinished upload is the beginning of an
    archive of ours.
    """
    return is_partial(entry.name) and begins_as_ours(store.read(entry))


def by_item(
    store: Store, archives: Iterable[Archive]
) -> dict[tuple[str, str], list[Archive]]:
    """(name, origin) -> archives, oldest first.

    One whose manifest cannot be read counts with the item of its name, if there is only
    one of that name.
    """
    known = [(archive, _origin(store, archive)) for archive in archives if archive.id]
    origins: dict[str, set[str]] = defaultdict(set)
    for archive, origin in known:
        origins[archive.name].update({origin} - {""})
    groups: dict[tuple[str, str], list[Archive]] = defaultdict(list)
    for archive, origin in known:
        only = origins[archive.name]
        groups[archive.name, origin or (min(only) if len(only) == 1 else "")].append(
            archive
        )
    return dict(groups)


def _origin(store: Store, archive: Archive) -> str:
    try:
        return manifest_of(store, archive).origin
    except UserError:
        return ""


def find(store: Store, wanted: str) -> Archive:
    """An archive by file name, or the latest sound one by item name; both may stand
    behind `category/`.

    Raises `UserError` when there is none, or when a name is used in two categories.
    """
    category, _, name = wanted.rpartition("/")
    places = [one for one in listings(store) if category in ("", one.category)]
    exact = [
        archive
        for one in places
        for archive in one.archives
        if archive.entry.name == name
    ]
    if exact:
        return exact[-1]
    named = {
        one.category: [archive for archive in one.archives if archive.name == name]
        for one in places
    }
    named = {key: archives for key, archives in named.items() if archives}
    if not named:
        known = sorted({archive.name for one in places for archive in one.archives})
        raise UserError(
            f"no backup '{wanted}' ({nearest(name, known)})",
            where=store.where,
            fix="afs backup list",
        )
    if len(named) > 1:
        raise UserError(
            f"'{name}' is in {' and '.join(named)}",
            fix=f"say which: {' or '.join(f'{key}/{name}' for key in named)}",
        )
    return latest_sound(store, next(iter(named.values())))


def latest_sound(store: Store, archives: list[Archive]) -> Archive:
    """The latest archive that verifies; the latest one's error if none does."""
    first = ""
    for archive in reversed(archives):
        wrong = problem(store, archive)
        if not wrong:
            return archive
        warn(f"{archive.entry.path} is damaged and passed over: {wrong}")
        first = first or f"{archive.entry.path}: {wrong}"
    raise UserError(
        f"no sound archive; the latest is damaged\n  {first}", where=store.where
    )
