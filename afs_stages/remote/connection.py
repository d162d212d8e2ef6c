"""Files to and from a machine: rsync and ssh, and nothing else installed on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from afs_stages.core.errors import UserError
from afs_stages.remote import inbox
from afs_stages.remote.onstart import ROOT

PATIENCE = 120.0
"""Seconds until a machine that says nothing counts as unreachable."""


class Unreachable(Exception):
    """The machine does not answer, or broke off in the middle."""


class Connection(Protocol):
    """What a launcher does with a machine's files;
    names are relative to the job's folder on it.

    Reading and pulling may raise `inbox.Refused` as well, for an answer no machine of
    ours would give.
    """

    def read(self, names: list[str]) -> dict[str, str]:
        """The text of those files that exist. Raises `Unreachable`."""
        ...

    def touch(self, *names: str) -> None:
        """Make or renew empty files. Raises `Unreachable`."""
        ...

    def push(self, folder: Path, name: str) -> None:
        """Make `name` equal to a local folder. Raises `Unreachable`."""
        ...

    def pull(self, name: str, folder: Path) -> None:
        """Make a local folder equal to `name`. Raises `Unreachable`."""
        ...


class SshConnection:
    """A machine reached by ssh as root, for so many seconds:
    then everything over it is `Unreachable`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        key: Path,
        known_hosts: Path,
        seconds: float,
        pulse: float = 60.0,
    ) -> None:
        self.host, self.port, self.pulse = host, port, pulse
        self.end = time.monotonic() + seconds
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": str(known_hosts),
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
        }
        self.ssh = ["ssh", "-p", str(port), "-i", str(key)]
        self.ssh += [
            word
            for name, value in options.items()
            for word in ("-o", f"{name}={value}")
        ]

    def read(self, names: list[str]) -> dict[str, str]:
        """The text of those files that exist, in one connection."""
        words = " ".join(shlex.quote(name) for name in names)
        data = self._remote(
            f"cd {ROOT} 2>/dev/null && tar cf - --ignore-failed-read {words} "
            "2>/dev/null; true"
        )
        return inbox.unpack(data, names)

    def touch(self, *names: str) -> None:
        """Make or renew empty files."""
        self._remote(
            f"cd {ROOT} && touch " + " ".join(shlex.quote(name) for name in names)
        )

    def push(self, folder: Path, name: str) -> None:
        """Mirror a local folder; the heartbeat is kept up meanwhile."""
        self._remote(f"mkdir -p {shlex.quote(f'{ROOT}/{name}')}")
        self._rsync(["-a", f"{folder}/", f"root@{self.host}:{ROOT}/{name}/"])

    def pull(self, name: str, folder: Path) -> None:
        """Mirror the files and folders of a machine's folder;
        the heartbeat is kept up meanwhile.

        Links, devices, owners and rights stay there:
        they would mean something else here.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._rsync(["-rt", f"root@{self.host}:{ROOT}/{name}/", f"{folder}/"])

    def _remote(self, command: str) -> bytes:
        left = min(PATIENCE, self._left())
        code, said, errors = watched([*self.ssh, f"root@{self.host}", command], left)
        if code:
            raise Unreachable(_last_line(errors) or f"ssh left with {code}")
        return said

    def _rsync(self, words: list[str]) -> None:
        command = [
            "rsync",
            "--delete",
            "--timeout=120",
            "--partial",
            "-e",
            shlex.join(self.ssh),
            *words,
        ]
        beat = lambda: self.touch("heartbeat")  # noqa: E731
        code, _, errors = watched(command, self._left(), self.pulse, beat)
        if code:
            raise Unreachable(f"rsync: {_last_line(errors) or code}")

    def _left(self) -> float:
        return self.end - time.monotonic()


def watched(
    command: list[str],
    seconds: float,
    pulse: float = PATIENCE,
    beat: Callable[[], None] = lambda: None,
) -> tuple[int, bytes, bytes]:
    """Run a command, calling `beat` every `pulse` seconds; (exit code, what it said,
    its errors).

    Raises `Unreachable` after so many seconds, `inbox.Refused` where it says more than
    anyone would read: a machine must neither hold the launcher nor fill this computer.
    """
    end = time.monotonic() + seconds
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1
    ) as process:
        try:
            answer, errors = _both(process, end, pulse, beat)
            process.wait(max(0.1, end - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            process.kill()
            raise Unreachable(
                f"{command[0]} was not done within {max(0.0, seconds):.0f} s"
            ) from None
        except BaseException:
            process.kill()
            raise
    return process.returncode, answer, errors


def _both(
    process: subprocess.Popen[bytes], end: float, pulse: float, beat: Callable[[], None]
) -> tuple[bytes, bytes]:
    """What a process writes to stdout and stderr until it closes both; `TimeoutError`
    at the end given.
    """
    assert process.stdout
    assert process.stderr
    said = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    due = time.monotonic() + pulse
    with selectors.DefaultSelector() as streams:
        for number in said:
            streams.register(number, selectors.EVENT_READ)
        while streams.get_map():
            now = time.monotonic()
            if now >= end:
                raise TimeoutError
            if now >= due:
                due = now + pulse
                with contextlib.suppress(Unreachable):
                    beat()
            for key, _ in streams.select(max(0.0, min(end, due) - now)):
                block = os.read(key.fd, 2**16)
                said[key.fd] += block
                if not block:
                    streams.unregister(key.fd)
                if len(said[key.fd]) > inbox.ANSWER:
                    raise inbox.Refused(f"an answer of more than {inbox.ANSWER} bytes")
    answer, errors = said.values()
    return bytes(answer), bytes(errors)


def own_key(folder: Path) -> tuple[Path, str]:
    """This project's own ssh key, made on first use; (private key file,
    public key text).

    Several models launched at once all ask for it: the first makes it, the others wait.
    The private half comes into place last, so that a run stopped between the two leaves
    no key without its public half.
    """
    private = folder / "id_ed25519"
    public = private.with_suffix(".pub")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not private.is_file():
            with tempfile.TemporaryDirectory(dir=folder) as name:
                made = Path(name) / private.name
                command = [
                    "ssh-keygen",
                    "-q",
                    "-t",
                    "ed25519",
                    "-N",
                    "",
                    "-C",
                    "afs-stages",
                    "-f",
                    str(made),
                ]
                try:
                    subprocess.run(
                        command,
                        check=True,
                        capture_output=True,
                        stdin=subprocess.DEVNULL,
                    )
                except FileNotFoundError:
                    raise UserError(
                        "ssh-keygen is not installed", fix="install OpenSSH (and rsync)"
                    ) from None
                made.with_suffix(".pub").replace(public)
                made.replace(private)
    return private, public.read_text(encoding="utf-8").strip()


def _last_line(text: bytes) -> str:
    """The last line of what a command complained of;
    part of it comes from the machine.
    """
    lines = text[-inbox.SMALL :].decode("utf-8", "replace").strip().split("\n")
    return inbox.clean(lines[-1], 300)
