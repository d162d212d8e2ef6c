"""Seconds, MB/s and peak memory of `afs backup`: a folder of N MB of noise, to a folder
and to a loopback Drive.

    python benchmarks/backup.py [MB]

The noise lies in .safetensors (stored) and in .jsonl (compressed; text compresses
better than this).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.backup_project import command, make_project, process_environment  # noqa: E402
from support.loopback_drive import LoopbackDrive, service_account_key  # noqa: E402

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, \
stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def fill(file: Path, megabytes: int) -> None:
    """Write bytes that do not compress."""
    source = random.Random(megabytes)
    with file.open("wb") as out:
        for _ in range(megabytes):
            out.write(source.randbytes(2**20))


def measure(
    folder: Path, what: str, megabytes: int, env: dict[str, str], *args: str
) -> None:
    """Run one command and print its line."""
    started = time.perf_counter()
    whole = [sys.executable, "-c", PEAK, *command("backup", *args)]
    done = subprocess.run(
        whole,
        cwd=folder,
        env=process_environment(env),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    print(
        f"{what:<28} {seconds:6.1f} s {megabytes / seconds:7.0f} MB/s "
        f"{int(done.stdout):5} MB peak"
    )


def main() -> None:
    """Measure."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        project = make_project(top / "project", runs=False)
        for suffix in ("safetensors", "jsonl"):
            model = project / "models" / suffix
            model.mkdir(parents=True)
            fill(model / f"data.{suffix}", megabytes)
        (top / "mounted").mkdir()
        (top / "drive").mkdir()
        drive = LoopbackDrive(top / "drive")
        account = [
            "--folder-id",
            "ROOT-FOLDER",
            "--service-account",
            str(service_account_key(top / "key.json")),
        ]
        measure(project, "setup", 0, drive.environment, "setup", *account)
        for place, target in (
            ("folder", ["--target", f"{top}/mounted/"]),
            ("Drive (loopback)", []),
        ):
            for suffix in ("safetensors", "jsonl"):
                push = ["push", "--model", suffix, *target]
                measure(
                    project,
                    f"{place}: push {suffix}",
                    megabytes,
                    drive.environment,
                    *push,
                )
            measure(
                project,
                f"{place}: push, unchanged",
                megabytes,
                drive.environment,
                *push,
            )
            measure(
                project,
                f"{place}: verify --deep",
                2 * megabytes,
                drive.environment,
                "verify",
                "--deep",
                *target,
            )
            there = [
                "restore",
                "safetensors",
                "--to",
                str(top / "out" / place),
                *target,
            ]
            measure(project, f"{place}: restore", megabytes, drive.environment, *there)
        drive.close()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
