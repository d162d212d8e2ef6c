"""A redacted snapshot of a tool's files in `data/raw/<source>`, so that a rebuild is
repeatable elsewhere.

Every string is redacted after decoding, so no raw secret enters the folder, the cache
or a backup. Files whose content has not changed are passed over; files that are gone
from the home stay in the snapshot.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.atomic import write_bytes
from afs_stages.core.jsonl import BadRow
from afs_stages.sources.files import (
    exists,
    read_document,
    read_records,
    referenced,
    walk,
)
from afs_stages.sources.redaction import Redactor
from afs_stages.sources.toolbench.collect import copy_array, copy_parquet, is_taken
from afs_stages.sources.toolbench.row_files import is_array
from afs_stages.sources.unexpected import guarded

MANIFEST = "collected.manifest"
CODE = (".asm", ".inc", ".s", ".md")
"""What a codebase consists of: assembly and its documentation."""
TAKEN: dict[str, Callable[[PurePosixPath], bool]] = {
    "claude": lambda p: p.suffix == ".jsonl" and "projects" in p.parts,
    "codex": lambda p: (
        p.name.startswith("rollout-") and p.suffix in (".jsonl", ".zst", ".json")
    ),
    "gemini": lambda p: "chats" in p.parts and p.suffix in (".json", ".jsonl"),
    "memory": lambda p: p.suffix in (".json", ".jsonl", ".md", ".txt"),
    "history": lambda p: (
        p.suffix != ".parquet"
        and (p.name.startswith("events_") or "payloads" in p.parts)
    ),
    "toolbench": is_taken,
    "oracle": lambda p: p.suffix.lower() in CODE,
    "alttp": lambda p: p.suffix.lower() in CODE,
}
"""Which of a tool's files are sessions; nothing else (settings,
credentials) is opened.
"""
SUFFIXES = (".jsonl", ".json", ".zst", ".md", ".txt", ".parquet", *CODE)
TEXTS = (".txt", *CODE)
"""Files that are copied as text, redacted."""
_MARK = re.compile(r"<REDACTED:([a-z0-9-]+)>")


@dataclass
class Collected:
    """What a snapshot did: files written, files unchanged, lines left out by reason,
    redactions by kind.
    """

    written: int = 0
    unchanged: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    redactions: dict[str, int] = field(default_factory=dict)

    def drop(self, bad: BadRow) -> None:
        """Count a line or file that could not be read; nothing of it is kept."""
        self.bad[bad.reason] = self.bad.get(bad.reason, 0) + 1

    def redacted(self, counts: dict[str, int]) -> None:
        """Add redactions by kind."""
        for kind, count in counts.items():
            self.redactions[kind] = self.redactions.get(kind, 0) + count


def files_of(kind: str, roots: list[Path]) -> list[tuple[str, Path]]:
    """(path relative to its root, path) of the files `collect` would take."""
    return [
        (name, path)
        for name, path in walk(roots, SUFFIXES)
        if TAKEN[kind](PurePosixPath(name))
    ]


def snapshot(kind: str, roots: list[Path], target: Path) -> Collected:
    """Bring `target` up to date with the tool's files."""
    manifest_path = target / MANIFEST
    manifest: dict[str, str] = (
        jsonl.read_json(manifest_path) if manifest_path.is_file() else {}
    )
    found = Collected()
    for name, path in files_of(kind, roots):
        redact = Redactor()
        safe = _safe(redact(name))
        digest = _digest(path)
        if manifest.get(safe) == digest and (target / safe).is_file():
            found.unchanged += 1
            continue
        if _copy(kind, name, path, target / safe, found, redact):
            manifest[safe] = digest
            found.written += 1
            found.redacted(redact.counts)
    jsonl.write_json(manifest_path, dict(sorted(manifest.items())))
    return found


def _safe(name: str) -> str:
    """A file name that every system takes: marks without their brackets."""
    return _MARK.sub(r"REDACTED-\1", name)


def _digest(path: Path) -> str:
    """Of content and shape of the original; short,
    and keyed by nothing that could be guessed back.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _copy(
    kind: str, name: str, path: Path, target: Path, found: Collected, redact: Redactor
) -> bool:
    """Write the redacted copy; whether there is one: of a document that cannot be read
    the last good copy stays.
    """
    if kind == "toolbench" and (path.suffix == ".parquet" or is_array(path)):
        copy = copy_parquet if path.suffix == ".parquet" else copy_array
        found.redacted(copy(name, path, target, found.drop))
    elif path.suffix.lower() in TEXTS:
        write_bytes(
            target, redact(path.read_bytes().decode("utf-8", "replace")).encode()
        )
    elif path.suffix == ".json":
        document = read_document(name, path, found.drop)
        if document is None:
            return False
        write_bytes(target, jsonl.encode(redact.value(document)) + b"\n")
    else:
        with jsonl.open_write(target) as writer:
            for number, record in _records(kind, name, path, found):
                with guarded(found.drop, name, number):
                    writer.write(redact.value(record))
    return True


def _records(
    kind: str, name: str, path: Path, found: Collected
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, record in read_records(name, path, found.drop):
        if kind == "history" and isinstance(record.get("payload_ref"), str):
            record["payload_sha256"] = _payload_digest(path.parent, record)
        yield number, record


def _payload_digest(folder: Path, event: dict[str, Any]) -> str:
    """The sha256 of the payload as it stands in the snapshot,
    if the original's was right.
    """
    original = str(event.get("payload_sha256") or "")
    path = referenced(folder, event["payload_ref"])
    if path is None or not exists(path):
        return original
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != original:
        return original
    document = read_document(path.name, path, lambda bad: None)
    redact = Redactor()
    redact(path.relative_to(folder.resolve()).as_posix())
    return hashlib.sha256(jsonl.encode(redact.value(document)) + b"\n").hexdigest()
