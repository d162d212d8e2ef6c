"""Run a job on the rented machine: check the bundle, go through its phases, leave
results and EXIT.

Standard library only. argv: folder, seconds left for work. Started by the guard, and
again after every restart of the machine: finished phases are passed over, training
resumes from its checkpoints.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESERVE = 2**20
"""Bytes kept back, so that EXIT can be written on a full disk."""
NUMBERS = re.compile(
    r"['\"]?(loss|step)['\"]?\s*[=:]\s*(nan|inf|-?\d+(?:\.\d+)?(?:e-?\d+)?)",
    re.IGNORECASE,
)


class Stop(Exception):
    """The job ends here: exit code, phase and reason."""

    def __init__(self, code: int, phase: str, why: str) -> None:
        self.facts = {"code": code, "phase": phase, "why": why}
        super().__init__(why)


def put(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    part = path.with_name(path.name + ".tmp")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return (
            hashlib.file_digest(file, "sha256").hexdigest()
            if hasattr(hashlib, "file_digest")
            else _slow(file)
        )


def _slow(file: Any) -> str:
    total = hashlib.sha256()
    while block := file.read(2**20):
        total.update(block)
    return total.hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file of a folder."""
    return {
        str(f.relative_to(folder)): digest(f)
        for f in sorted(folder.rglob("*"))
        if f.is_file()
    }


class Runner:
    """One run through the phases of `bundle/job.json`."""

    def __init__(self, root: Path, seconds: float) -> None:
        self.root, self.bundle, self.out = root, root / "bundle", root / "out"
        self.end = time.monotonic() + seconds
        self.job: dict[str, Any] = json.loads(
            (self.bundle / "job.json").read_text(encoding="utf-8")
        )
        self.status: dict[str, Any] = {
            "phase": "",
            "step": 0,
            "steps": 0,
            "loss": None,
            "seconds": {},
        }
        self.seen = ""

    def run(self) -> None:
        """All phases, then the manifest of results, then EXIT:
        nothing after EXIT changes.
        """
        for folder in ("logs", "done"):
            (self.out / folder).mkdir(parents=True, exist_ok=True)
        try:
            with contextlib.suppress(OSError):
                (self.root / "reserve").write_bytes(b"\0" * RESERVE)
            self.verify()
            for phase in self.job["phases"]:
                self.phase(phase)
            self.results()
            facts = {"code": 0, "phase": "", "why": ""}
        except Stop as stop:
            facts = stop.facts
        except OSError as error:
            facts = {"code": 98, "phase": self.status["phase"], "why": str(error)}
        (self.root / "reserve").unlink(missing_ok=True)
        put(self.root / "EXIT", facts)

    def verify(self) -> None:
        """Every file of the bundle is what its manifest says."""
        manifest = json.loads(
            (self.bundle / "MANIFEST.json").read_text(encoding="utf-8")
        )
        for name, wanted in manifest["files"].items():
            path = self.bundle / name
            if not path.is_file() or digest(path) != wanted:
                raise Stop(97, "verify", f"{name} arrived damaged")

    def phase(self, phase: dict[str, Any]) -> None:
        """One phase with its time-out and retries; done before, it is passed over."""
        name, mark = phase["name"], self.out / "done" / phase["name"]
        if mark.exists():
            return
        self.status["phase"] = name
        for attempt in range(1 + phase.get("retries", 0)):
            code, why = self.once(phase)
            if code == 0:
                mark.touch()
                return
            if why:
                break
            time.sleep(min(60, phase.get("pause", 5) * (attempt + 1)))
        if phase.get("optional"):
            self.status.setdefault("skipped", []).append(name)
            return
        raise Stop(code, name, why or f"left with code {code}")

    def once(self, phase: dict[str, Any]) -> tuple[int, str]:
        """Run a phase's command; (exit code, why it was ended, if it was)."""
        env = {
            **os.environ,
            **phase.get("env", {}),
            "PYTHONPATH": str(self.bundle / "site"),
        }
        started = time.monotonic()
        argv = [
            sys.executable if word == "{python}" else word for word in phase["argv"]
        ]
        with (self.out / "logs" / f"{phase['name']}.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                cwd=self.bundle,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            why = self.wait(process, phase, started)
        self.status["seconds"][phase["name"]] = round(time.monotonic() - started, 1)
        return (process.returncode or (124 if why else 0)), why

    def wait(
        self, process: "subprocess.Popen[bytes]", phase: dict[str, Any], started: float
    ) -> str:
        """Watch a phase until it ends or must end."""
        limit = phase.get("timeout") or math.inf
        while process.poll() is None:
            time.sleep(self.job.get("tick", 1.0))
            why = ""
            if time.monotonic() > self.end:
                why = "the paid time is over"
            elif time.monotonic() - started > limit:
                why = ""
                end_group(process)
            elif phase["name"] == "train":
                why = self.watch()
            if why:
                end_group(process)
                self.checkpoint()
                return why
            self.report()
        if phase["name"] == "train":
            self.watch()
        self.report()
        return ""

    def watch(self) -> str:
        """Read step and loss, hash a new checkpoint;
        a loss that is not a number ends the training.
        """
        self.checkpoint()
        found = self.numbers()
        self.status.update(found)
        loss = found.get("loss")
        return (
            f"the loss is {loss} at step {self.status['step']}"
            if loss is not None and not math.isfinite(loss)
            else ""
        )

    def numbers(self) -> dict[str, float]:
        """Step and loss from the curve, else from the end of the log."""
        curve = self.bundle / self.job.get("curve", "-")
        if curve.is_file():
            lines = [
                line for line in curve.read_text(encoding="utf-8").split("\n") if line
            ]
            cells = (
                dict(zip(lines[0].split("\t"), lines[-1].split("\t"), strict=False))
                if len(lines) > 1
                else {}
            )
            return {
                name: float(cells[name]) for name in ("step", "loss") if cells.get(name)
            }
        log = self.out / "logs" / "train.log"
        if not log.is_file():
            return {}
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            return {
                name.lower(): float(value)
                for name, value in NUMBERS.findall(
                    file.read().decode("utf-8", "replace")
                )
            }

    def checkpoint(self) -> None:
        """Publish the newest whole checkpoint with the hashes of its files."""
        found = [
            p
            for pattern in self.job.get("checkpoints", [])
            for p in self.bundle.glob(pattern)
        ]
        folders = sorted(
            (p for p in found if p.is_dir()), key=lambda p: (p.stat().st_mtime, p.name)
        )
        if folders and str(folders[-1]) != self.seen:
            newest = folders[-1]
            with contextlib.suppress(FileNotFoundError):
                name = str(newest.relative_to(self.bundle))
                put(
                    self.root / "checkpoint.json",
                    {"name": name, "files": hashes(newest)},
                )
                self.seen = str(newest)

    def report(self) -> None:
        """Say where the job stands; a full disk does not stop it."""
        with contextlib.suppress(OSError):
            put(self.root / "status.json", self.status)

    def results(self) -> None:
        """Link the results into out/ and list their hashes; the manifest comes last."""
        for name, source in self.job["results"].items():
            path, target = self.bundle / source, self.out / "results" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(path, target, ignore=self.without_checkpoints)
            elif path.is_file():
                shutil.copy(path, target)
            elif name in self.job["required"]:
                raise Stop(96, "results", f"the training left no {source}")
        shutil.copytree(
            self.out / "logs", self.out / "results" / "logs", dirs_exist_ok=True
        )
        put(self.out / "results" / "box.json", self.status)
        put(self.out / "MANIFEST.json", {"files": hashes(self.out / "results")})

    def without_checkpoints(self, folder: str, names: "list[str]") -> "set[str]":
        """The checkpoints a script keeps inside its output,
        which are no part of what it made.
        """
        found = {
            str(path)
            for pattern in self.job["checkpoints"]
            for path in self.bundle.glob(pattern)
        }
        return {name for name in names if str(Path(folder) / name) in found}


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process group to end, give it time for a checkpoint, then end it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    Runner(Path(sys.argv[1]), float(sys.argv[2])).run()
