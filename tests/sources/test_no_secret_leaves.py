"""A secret planted in every field of every format, in turn,
is in nothing that a run leaves behind.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.every_format import Folder, every_format, write
from support.secrets import planted

from afs_stages.core.errors import UserError
from afs_stages.sources.collect import TAKEN, snapshot
from afs_stages.sources.export import run
from afs_stages.sources.plugins import parse_options, source_class

FORMATS = every_format()
KINDS = [kind for kind, _, _ in planted(0)]
IN_NAMES = [
    row
    for row in planted(1)
    if row[0] in ("github-token", "jwt", "email", "aws-key-id")
]
Place = tuple[Any, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """(place, text) of every string inside a value."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*place, number))


def put(folder: Folder, place: Place, text: str) -> Folder:
    """A copy of the folder with another text at a place."""
    changed = copy.deepcopy(folder)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = text
    return changed


def variants(folder: Folder, shift: int) -> Iterator[tuple[str, Folder, str]]:
    """(where, folder with a secret there, the secret): each field replaced, lengthened,
    and within its JSON.
    """
    for number, (place, old) in enumerate(leaves(folder)):
        _, text, secret = planted(number)[(number + shift) % len(KINDS)]
        yield f"{place} replaced", put(folder, place, text), secret
        yield f"{place} longer", put(folder, place, f"{old}\n{text}"), secret
        inside = old.rstrip()[:-1].rstrip("\"'")
        yield (
            f"{place} inside",
            put(
                folder,
                place,
                inside + json.dumps(f"\n{text}\n")[1:-1] + old[len(inside) :],
            ),
            secret,
        )
        for json_place, _ in leaves(_json(old)):
            nested = put({"": _json(old)}, ("", *json_place), f"\n{text}")[""]
            yield f"{place} json", put(folder, place, json.dumps(nested)), secret


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith(("{", "[")) else None
    except ValueError:
        return None


def remains(secret: str) -> list[str]:
    """What of a secret to look for: a line of a key, the password of a login."""
    return [secret.splitlines()[1] if "\n" in secret else secret.rpartition(":")[2]]


def left_behind(kind: str, folder: Folder, home: Path) -> str:
    """Everything that an export, a strict one and a snapshot write, as one text with
    the names of files.
    """
    write(folder, home / "in")
    cls = source_class(kind)
    options = (
        {}
        if kind == "toolbench"
        else {"allow_raw": True}
        if kind == "memory"
        else {"include_subagents": True}
    )
    options = {} if kind == "history" else options
    generator = cls(kind, "", [home / "in"], parse_options(cls, options, kind))
    report = run(generator, home / "out" / "rows.jsonl")
    report.write(home / "out" / "report.json")
    said = json.dumps(report.to_dict())
    try:
        run(
            cls(kind, "", [home / "in"], parse_options(cls, options, kind)),
            home / "out" / "strict.jsonl",
            strict=True,
        )
    except UserError as error:
        said += str(error)
    if kind in TAKEN:
        said += repr(snapshot(kind, [home / "in"], home / "out" / "raw"))
    return said + "".join(
        f"{path.relative_to(home)} {path.read_bytes().decode('utf-8', 'replace')}\n"
        for path in sorted((home / "out").rglob("*"))
        if path.is_file()
    )


@pytest.mark.parametrize("name", FORMATS)
def test_valid_folders_give_samples(name: str, tmp_path: Path) -> None:
    kind, folder = FORMATS[name]
    left_behind(kind, folder, tmp_path)
    assert (tmp_path / "out" / "rows.jsonl").read_bytes()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "codex-zst"])
def test_no_field_lets_a_secret_through(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, folder = FORMATS[name]
    leaks = []
    for number, (where, changed, secret) in enumerate(variants(folder, len(name))):
        text = left_behind(kind, changed, tmp_path / str(number)) + "".join(
            capfd.readouterr()
        )
        leaks += [where for part in remains(secret) if part in text]
    assert leaks == []


@pytest.mark.parametrize("name", FORMATS)
def test_no_file_or_folder_name_lets_a_secret_through(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, folder = FORMATS[name]
    for number, path in enumerate(folder):
        for part in range(len(path.split("/"))):
            _, _, secret = IN_NAMES[(number + part) % len(IN_NAMES)]
            parts = path.split("/")
            stem, dot, suffix = parts[part].partition(".")
            parts[part] = f"{stem}-{secret}{dot}{suffix}"
            changed = {
                ("/".join(parts) if name == path else name): content
                for name, content in folder.items()
            }
            text = left_behind(kind, changed, tmp_path / f"{number}-{part}") + "".join(
                capfd.readouterr()
            )
            assert secret not in text, parts
