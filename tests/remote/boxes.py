"""Machines for real: an sshd and the onstart command,
each in its own pid and mount namespace.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab import Lab, Rented

# What this computer's root has its shells do at their start is no part of
# a rented machine.
BOOT = """
set -e
mount -t proc proc /proc
{disk}
mount --bind {box}/disk /workspace
for file in .bashrc .bash_profile .profile; do
  if [ -e ~root/$file ]; then mount --bind /dev/null ~root/$file; fi
done
mkdir -p /run/sshd
/usr/sbin/sshd -f {box}/sshd_config -E {box}/sshd.log
(bash {box}/onstart.sh)
exec sleep 600
"""


def missing() -> str:
    """Why real machines can't be had here, or an empty string."""
    if os.geteuid() != 0:
        return "namespaces and sshd need root"
    tools = ["unshare", "ssh", "rsync", "ssh-keygen"]
    lacking = [name for name in tools if not shutil.which(name)] + ["sshd"] * (
        not Path("/usr/sbin/sshd").exists()
    )
    return f"not installed: {', '.join(lacking)}" if lacking else ""


class BoxLab(Lab):
    """The service with real machines, on real time."""

    def __init__(
        self, root: Path, offers: list[dict[str, Any]], disk_mb: int = 0
    ) -> None:
        self.root, self.disk_mb, self.processes = (
            root,
            disk_mb,
            dict[int, subprocess.Popen[bytes]](),
        )
        Path("/workspace").mkdir(exist_ok=True)
        super().__init__(offers)

    def begin(self, machine: Rented) -> None:
        box = self.root / str(machine.id)
        (box / "disk").mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            machine.port = free.getsockname()[1]
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", box / "host"],
            check=True,
        )
        (box / "keys").write_text(
            "\n".join(key["public_key"] for key in self.keys) + "\n"
        )
        (box / "keys").chmod(0o600)
        (box / "sshd_config").write_text(
            f"Port {machine.port}\nListenAddress 127.0.0.1\nHostKey {box}/host\n"
            f"AuthorizedKeysFile {box}/keys\n"
            "PermitRootLogin yes\nPasswordAuthentication no\nUsePAM no\n"
            "StrictModes no\nPidFile none\n"
        )
        (box / "onstart.sh").write_text(machine.onstart)
        self.boot(machine)

    def boot(self, machine: Rented) -> None:
        box = self.root / str(machine.id)
        disk = (
            f"mount -t tmpfs -o size={self.disk_mb}m tmpfs {box}/disk"
            if self.disk_mb
            else "true"
        )
        env = {
            "PATH": (
                f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/"
                "usr/sbin:/sbin"
            ),
            "HOME": str(box),
            "CONTAINER_ID": str(machine.id),
            "CONTAINER_API_KEY": machine.key,
            "OMP_NUM_THREADS": "1",
        }
        command = [
            "unshare",
            "--pid",
            "--mount",
            "--fork",
            "--kill-child",
            "bash",
            "-c",
            BOOT.format(box=box, disk=disk),
        ]
        with (box / "boot.log").open("ab") as log:
            self.processes[machine.id] = subprocess.Popen(
                command, env=env, stdout=log, stderr=log, start_new_session=True
            )
        machine.status = "running"

    def cut(self, machine: Rented) -> None:
        """The power goes: every process of the machine dies at once."""
        process = self.processes.pop(machine.id, None)
        if process:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def end(self, machine: Rented) -> None:
        self.cut(machine)

    def stopped(self, machine: Rented) -> None:
        """Preempted: it stands still until someone starts it."""
        with self.lock:
            machine.charge(self.now())
            self.cut(machine)
            machine.status = "exited"

    def switch(self, machine: Rented, on: bool) -> None:
        self.cut(machine)
        if on:
            self.boot(machine)
        else:
            machine.status = "exited"
