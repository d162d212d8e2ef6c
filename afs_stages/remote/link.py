"""Files to and from a machine: rsync and ssh, and nothing else installed on it."""

from __future__ import annotations

import contextlib
import fcntl
import io
import shlex
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from afs_stages.core.errors import UserError
from afs_stages.remote.onstart import ROOT


class Unreachable(Exception):
    """The machine does not answer, or broke off in the middle."""


class Link(Protocol):
    """What a launcher does with a machine's files; names are relative to the job's folder on it."""

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


class SshLink:
    """A machine reached by ssh as root."""

    def __init__(self, host: str, port: int, key: Path, known_hosts: Path, pulse: float = 60.0) -> None:
        self.host, self.port, self.pulse = host, port, pulse
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
        self.ssh += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def read(self, names: list[str]) -> dict[str, str]:
        """The text of those files that exist, in one connection."""
        words = " ".join(shlex.quote(name) for name in names)
        data = self._remote(f"cd {ROOT} 2>/dev/null && tar cf - --ignore-failed-read {words} 2>/dev/null; true")
        found: dict[str, str] = {}
        if not data:
            return found
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None:
                    found[member.name] = file.read().decode("utf-8", "replace")
        return found

    def touch(self, *names: str) -> None:
        """Make or renew empty files."""
        self._remote(f"cd {ROOT} && touch " + " ".join(shlex.quote(name) for name in names))

    def push(self, folder: Path, name: str) -> None:
        """Mirror a local folder; the heartbeat is kept up meanwhile."""
        self._remote(f"mkdir -p {shlex.quote(f'{ROOT}/{name}')}")
        self._rsync([f"{folder}/", f"root@{self.host}:{ROOT}/{name}/"])

    def pull(self, name: str, folder: Path) -> None:
        """Mirror a folder of the machine; the heartbeat is kept up meanwhile."""
        folder.mkdir(parents=True, exist_ok=True)
        self._rsync([f"root@{self.host}:{ROOT}/{name}/", f"{folder}/"])

    def _remote(self, command: str) -> bytes:
        try:
            done = subprocess.run([*self.ssh, f"root@{self.host}", command], capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            raise Unreachable("ssh did not answer within 120 s") from None
        if done.returncode:
            raise Unreachable(_last_line(done.stderr) or f"ssh left with {done.returncode}")
        return done.stdout

    def _rsync(self, ends: list[str]) -> None:
        command = ["rsync", "-a", "--delete", "--timeout=120", "--partial", "-e", shlex.join(self.ssh), *ends]
        code, said = watched(command, self.pulse, lambda: self.touch("heartbeat"))
        if code:
            raise Unreachable(f"rsync: {said or code}")


def watched(command: list[str], pulse: float, beat: Callable[[], None]) -> tuple[int, str]:
    """Run a command, calling `beat` every `pulse` seconds while it runs; (exit code, its last error line)."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            while True:
                try:
                    code = process.wait(pulse)
                    break
                except subprocess.TimeoutExpired:
                    with contextlib.suppress(Unreachable):
                        beat()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        return code, _last_line(errors.read())


def own_key(folder: Path) -> tuple[Path, str]:
    """This project's own ssh key, made on first use; (private key file, public key text).

    Several models launched at once all ask for it: the first makes it, the others wait. The private
    half comes into place last, so that a run stopped between the two leaves no key without its public half.
    """
    private = folder / "id_ed25519"
    public = private.with_suffix(".pub")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not private.is_file():
            with tempfile.TemporaryDirectory(dir=folder) as name:
                made = Path(name) / private.name
                command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "afs-stages", "-f", str(made)]
                try:
                    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
                except FileNotFoundError:
                    raise UserError("ssh-keygen is not installed", fix="install OpenSSH (and rsync)") from None
                made.with_suffix(".pub").replace(public)
                made.replace(private)
    return private, public.read_text(encoding="utf-8").strip()


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().split("\n")
    return lines[-1].strip()
