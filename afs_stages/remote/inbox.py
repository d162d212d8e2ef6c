"""What comes from a rented host becomes names, numbers and text here, and nowhere else.

The host belongs to a stranger. Whatever it sends is believed only as far as it can do
no harm: a name leads into the folder it was fetched to, a number is a number, text
moves no cursor, and a folder holds plain files alone. Everything else is `Refused`.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

SMALL = 64 * 2**10
"""Bytes of a small file (EXIT, status.json, guard.state) at the most."""
LISTING = 8 * 2**20
"""Bytes of a file that lists others with their hashes, at the most:
some fifty thousand of them. Answers may be as many.
"""
LISTINGS = ("checkpoint.json", "MANIFEST.json", "generations.jsonl")
"""Files that may be so large; a line of answers holds as much as a model reads."""
ANSWER = 2 * LISTING + 2**20
"""Bytes of one answer over ssh at the most; more is not even received."""
LONGEST = 1000
"""Bytes of a name, or characters of a sentence that is shown, at the most."""
SHA256 = re.compile(r"[0-9a-f]{64}")
PHASE = re.compile(r"[A-Za-z0-9_-]{0,40}")
NUMBERS = ("step", "steps", "loss")


class Refused(Exception):
    """What the host sent cannot be what this project's own code sends:
    the machine is given back.
    """


def clean(text: object, longest: int = LONGEST) -> str:
    """Text for a person's screen: nothing in it moves the cursor, changes colours or
    breaks the line.
    """
    words = text[:longest] if isinstance(text, str) else f"({type(text).__name__})"
    return "".join(letter if letter.isprintable() else " " for letter in words).strip()


def unpack(data: bytes, wanted: Iterable[str]) -> dict[str, str]:
    """Name -> text of the wanted plain files in a tar archive;
    what is broken off is left out.

    Raises `Refused` for a file that is larger than such a file may be.
    """
    names, found = set(wanted), dict[str, str]()
    try:
        # "r:" and not "r": a packed archive of a megabyte may hold gigabytes.
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                # A sparse file of a few bytes may have any size,
                # and a link leads anywhere.
                if member.name not in names or not member.isreg() or member.issparse():
                    continue
                _bounded(member.name, member.size)
                file = tar.extractfile(member)
                if file is not None:
                    found[member.name] = file.read().decode("utf-8", "replace")
    except (tarfile.TarError, ValueError, KeyError, OverflowError, EOFError):
        return found
    return found


def holds_an_object(path: Path) -> bool:
    """A file holds a JSON object of a size that can be read; what is in it is for its
    reader to check.
    """
    if path.stat().st_size > LISTING:
        return False
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (ValueError, RecursionError):
        return False


def answers(path: Path) -> list[dict[str, Any]]:
    """What base and versions answered on the machine, row by row, as `evaluate` keeps
    it: text and yes or no alone, whatever else stands in the file, and an empty text
    for what is no text or missing. Raises `Refused`.
    """
    if path.stat().st_size > LISTING:
        raise Refused(f"{path.name} is larger than {LISTING} bytes")
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    return [_answered(path.name, line) for line in lines if line.strip()]


def _answered(name: str, line: str) -> dict[str, Any]:
    facts = _object(name, line)
    answers, right = facts.get("answers"), facts.get("right", {})
    if not isinstance(answers, dict) or not isinstance(right, dict):
        raise Refused(f"{name}: a row names no answers")
    row: dict[str, Any] = {
        key: _prose(facts.get(key)) for key in ("task", "question", "reference")
    }
    if "of" in facts:
        row["of"] = _prose(facts["of"])
    if isinstance(facts.get("wanted"), list):
        row["wanted"] = [_prose(word) for word in facts["wanted"]]
    row["answers"] = {clean(key, 40): _prose(text) for key, text in answers.items()}
    row["right"] = {clean(key, 40): value is True for key, value in right.items()}
    return row


def _prose(text: object) -> str:
    """Text of several lines in which nothing moves the cursor."""
    lines = text.split("\n") if isinstance(text, str) else []
    return "\n".join(clean(line, SMALL) for line in lines)


def tail(path: Path, lines: int = 8) -> list[str]:
    """The last lines of a log that came home, ready to be shown;
    nothing where there is none.
    """
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - SMALL))
        text = file.read().decode("utf-8", "replace")
    return [clean(line) for line in text.rstrip("\n").split("\n")[-lines:]]


def exit_facts(text: str) -> dict[str, Any]:
    """Code, phase and reason of an EXIT file. Raises `Refused`."""
    facts = _object("EXIT", text)
    code, phase = facts.get("code", 1), facts.get("phase", "")
    if not isinstance(code, int) or abs(code) > 2**31:
        raise Refused(f"EXIT: the code is {clean(code, 40)!r}")
    if not isinstance(phase, str) or not PHASE.fullmatch(phase):
        raise Refused(f"EXIT: no phase is called {clean(phase, 40)!r}")
    return {"code": int(code), "phase": phase, "why": clean(facts.get("why", ""))}


def status(text: str | None) -> dict[str, Any]:
    """Phase, step, steps and loss of a status.json, as far as it has them.
    Raises `Refused`.
    """
    facts = _object("status.json", text) if text else {}
    found: dict[str, Any] = {"phase": clean(facts.get("phase", ""), 40)}
    for name in NUMBERS:
        value = facts.get(name)
        if value is not None:
            found[name] = _number(f"status.json: {name}", value)
    return found


def checkpoint(text: str, parents: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Name and files of a checkpoint.json; the name lies right in one of the folders
    given. Raises `Refused`.
    """
    facts = _object("checkpoint.json", text)
    name = plain(facts.get("name"))
    if str(PurePosixPath(name).parent) not in set(parents):
        raise Refused(f"checkpoint.json: {name} is no place for a checkpoint")
    return name, _files("checkpoint.json", facts)


def manifest(text: str) -> dict[str, str]:
    """File -> sha256 of a MANIFEST.json. Raises `Refused`."""
    return _files("MANIFEST.json", _object("MANIFEST.json", text))


def plain(name: object) -> str:
    """A name that is relative, of printable letters, and leads nowhere but down.
    Raises `Refused`.
    """
    shown = repr(clean(name, 80))
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or len(name.encode()) > LONGEST
    ):
        raise Refused(f"{shown} is no file's name")
    for part in name.split("/"):
        # A `.git` folder may hold commands that Git runs when someone looks at it.
        if part.strip().lower() in ("", ".", "..", ".git") or len(part.encode()) > 200:
            raise Refused(f"{shown} is no plain name inside a folder")
    return name


def only_plain(folder: Path) -> None:
    """Nothing below a folder is anything but a file or a folder,
    and this user may read all of it.

    Raises `Refused` naming the first link, device, socket or pipe.
    """
    for path in [folder, *_below(folder)]:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise Refused(f"{clean(path.name, 80)!r} is neither a file nor a folder")


def only_named(folder: Path, files: Iterable[str]) -> None:
    """Delete every file of a folder that is not among these,
    and the folders that become empty.
    """
    named = {folder / name for name in files}
    for path in sorted(_below(folder), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in named:
            path.unlink()


def discard(folder: Path) -> None:
    """Delete what was fetched and cannot be used; links in it are not followed."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _below(folder: Path) -> list[Path]:
    """Everything below a folder, links unfollowed; what its owner forbade to read
    becomes readable.
    """
    found: list[Path] = []
    todo = [folder]
    while todo:
        for entry in os.scandir(todo.pop()):
            path = Path(entry.path)
            found.append(path)
            if entry.is_dir(follow_symlinks=False):
                path.chmod(path.lstat().st_mode | 0o700)
                todo.append(path)
            elif entry.is_file(follow_symlinks=False):
                path.chmod(path.lstat().st_mode | 0o600)
    return found


def _object(name: str, text: str) -> dict[str, Any]:
    _bounded(name, len(text))
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{name} is no JSON") from None
    if not isinstance(facts, dict):
        raise Refused(f"{name} is no JSON object")
    return facts


def _bounded(name: str, size: int) -> None:
    most = LISTING if name.rsplit("/", 1)[-1] in LISTINGS else SMALL
    if size > most:
        raise Refused(f"{name} has {size} bytes, {most} at the most are read")


def _files(name: str, facts: dict[str, Any]) -> dict[str, str]:
    files = facts.get("files")
    if not isinstance(files, dict):
        raise Refused(f"{name} lists no files")
    for file, digest in files.items():
        plain(file)
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            raise Refused(f"{name}: {file} has no sha256")
    return files


def _number(name: str, value: object) -> float:
    """A number that can be shown; a loss may be nan or infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name} is {clean(value, 40)!r}, no number")
    # JSON knows integers of any length, floats do not.
    if isinstance(value, int) and abs(value) > 2**53:
        raise Refused(f"{name} is too large to be true")
    return float(value)
