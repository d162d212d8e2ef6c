"""Any of rclone's remotes as target, through the `rclone` program and the user's
own rclone.conf.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from afs_stages.backup.manifest import BLOCK, ArchiveChecksums
from afs_stages.backup.refusals import explain
from afs_stages.backup.store import Digest, Entry, Source, mismatch, seal_of
from afs_stages.core.errors import UserError

NOT_FOUND = 3
"""rclone's exit code for a folder that does not exist (its documentation,
"List of exit codes").
"""


class Rclone:
    """Archives on `remote:path`. rclone retries what it can;
    an upload that is cut starts again.
    """

    def __init__(self, remote: str) -> None:
        self.where = self._top = remote.rstrip("/")
        if not shutil.which("rclone"):
            raise UserError(
                "rclone is not installed",
                where="backup target",
                fix="apt install rclone, or https://rclone.org",
            )

    def _at(self, folder: str, name: str = "") -> str:
        separator = "" if self._top.endswith(":") else "/"
        return f"{self._top}{separator}{folder}" + (f"/{name}" if name else "")

    def _run(self, *args: str, data: bytes | None = None) -> bytes:
        result = subprocess.run(
            ["rclone", *args], input=data, capture_output=True, check=False
        )
        if result.returncode != 0:
            raise self._refused(result.stderr, args[0])
        return result.stdout

    def _refused(self, stderr: bytes, verb: str) -> UserError:
        lines = stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        return explain(f"rclone {verb}: {lines[-1]}", self.where)

    def entries(self, folder: str) -> list[Entry]:
        """Files of a folder; none when the folder does not exist."""
        command = ["rclone", "lsjson", "--files-only", self._at(folder)]
        result = subprocess.run(command, capture_output=True, check=False)
        if result.returncode == NOT_FOUND:
            return []
        if result.returncode != 0:
            raise self._refused(result.stderr, "lsjson")
        rows = sorted(json.loads(result.stdout), key=lambda row: str(row["Name"]))
        return [
            Entry(folder, row["Name"], row["Size"], _seconds(row["ModTime"]))
            for row in rows
        ]

    def _entry(self, folder: str, name: str) -> Entry:
        found = [entry for entry in self.entries(folder) if entry.name == name]
        if not found:
            raise UserError(
                "is not there after it was written", where=self._at(folder, name)
            )
        return found[0]

    def upload(
        self, folder: str, name: str, source: Source
    ) -> tuple[Entry, ArchiveChecksums]:
        """Stream a large file; one that an earlier run finished writing is found by its
        checksum and kept.
        """
        for entry in self.entries(folder):
            if entry.name == name:
                sealed = seal_of(source)
                if not mismatch(self, entry, sealed):
                    return entry, sealed
        digest = Digest()
        self._pipe_in(digest.through(source()), "rcat", self._at(folder, name))
        return self._entry(folder, name), digest.seal()

    def _pipe_in(self, blocks: Iterator[bytes], *args: str) -> None:
        """Feed a command.
        It is killed when the source fails: end of input would mean a finished file.
        """
        process = subprocess.Popen(
            ["rclone", *args], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        stdin, stderr = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stderr)
        try:
            for block in blocks:
                stdin.write(block)
            stdin.close()
        except BrokenPipeError:
            pass  # rclone gave up; its exit code and message say why
        except BaseException:
            process.kill()
            process.wait()
            raise
        message = stderr.read()
        if process.wait() != 0:
            raise self._refused(message, args[0])

    def put(self, folder: str, name: str, data: bytes) -> Entry:
        """Write a small file."""
        self._run("rcat", self._at(folder, name), data=data)
        return self._entry(folder, name)

    def rename(self, entry: Entry, name: str) -> Entry:
        """Give a file another name (a server-side move where the remote has one)."""
        self._run(
            "moveto", self._at(entry.folder, entry.name), self._at(entry.folder, name)
        )
        return self._entry(entry.folder, name)

    def delete(self, entry: Entry) -> None:
        """Remove a file."""
        self._run("deletefile", self._at(entry.folder, entry.name))

    def read(self, entry: Entry) -> Iterator[bytes]:
        """A file's bytes, a block at a time."""
        command = ["rclone", "cat", self._at(entry.folder, entry.name)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            stdout, stderr = (
                cast(IO[bytes], process.stdout),
                cast(IO[bytes], process.stderr),
            )
            try:
                while block := stdout.read(BLOCK):
                    yield block
            except GeneratorExit:
                process.kill()
                raise
            message = stderr.read()
        if process.returncode != 0:
            raise self._refused(message, "cat")

    def checksum(self, entry: Entry) -> tuple[str, str]:
        """MD5 from the remote; where it keeps none (an encrypted one),
        the file is read back.
        """
        command = ["rclone", "hashsum", "MD5", self._at(entry.folder, entry.name)]
        result = subprocess.run(command, capture_output=True, check=False)
        if result.returncode != 0 and b"hash type not supported" not in result.stderr:
            raise self._refused(result.stderr, "hashsum")
        found = result.stdout.decode().split()
        if found and len(found[0]) == 32:
            return "md5", found[0]
        digest = Digest()
        for block in self.read(entry):
            digest.update(block)
        return "sha256", digest.seal().sha256

    def copy_in(self, folder: Path, name: str) -> None:
        """Copy what a folder on this machine has and `name` lacks or has differently;
        nothing is removed there.
        """
        self._run("copy", "--checksum", str(folder), self._at(name))

    def copy_out(self, name: str, folder: Path) -> None:
        """The way back; nothing where there is no such copy."""
        command = ["rclone", "copy", "--checksum", self._at(name), str(folder)]
        result = subprocess.run(command, capture_output=True, check=False)
        if result.returncode not in (0, NOT_FOUND):
            raise self._refused(result.stderr, "copy")


def _seconds(text: str) -> float:
    head, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat(head + zone if rest else text).timestamp()
