"""How long a user waits for nothing: `afs --help`, a stage's start,
a repro with nothing to do.

Every command is run as a whole process in turn with a bare interpreter, so that the
printed ratio holds when the machine's speed drifts. A repro with nothing to do is
compared with DVC's own in a project of as many stages that do nothing. Run in `demo/`
after `make repro`:

    python ../benchmarks/startup.py [--runs 7]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "afs --help": [sys.executable, "-m", "afs_stages.cli", "--help"],
    "afs training rebalance --help": [
        sys.executable,
        "-m",
        "afs_stages.cli",
        "training",
        "rebalance",
        "--help",
    ],
    "export --help": [sys.executable, "-m", "afs_stages.stages.export", "--help"],
    "score --help": [sys.executable, "-m", "afs_stages.stages.score", "--help"],
    "split --help": [sys.executable, "-m", "afs_stages.stages.split", "--help"],
    "params": [sys.executable, "-m", "afs_stages.stages.params"],
    "dvc version": [sys.executable, "-m", "dvc", "--version"],
    "dvc repro (nothing to do)": [sys.executable, "-m", "dvc", "repro"],
}
BARE = "dvc repro (nothing to do, bare stages)"


def seconds(command: list[str], folder: Path | None = None) -> float:
    """CPU seconds of one run; a failing command stops the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bare_project(folder: Path, stages: int) -> None:
    """A DVC project of as many stages, each with one dependency and one output."""
    (folder / "in").write_text("0")
    told = {
        f"stage-{number}": {
            "cmd": f"cp in out-{number}",
            "deps": ["in"],
            "outs": [f"out-{number}"],
        }
        for number in range(stages)
    }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": told}))
    dvc = [sys.executable, "-m", "dvc"]
    for command in (["git", "init", "-q"], [*dvc, "init", "-q"], [*dvc, "repro", "-q"]):
        subprocess.run(command, check=True, cwd=folder, capture_output=True)


def count_stages() -> int:
    """The stages of the project in the current folder."""
    command = [sys.executable, "-m", "dvc", "stage", "list", "--name-only"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return len(done.stdout.splitlines())


def main() -> None:
    """Run the rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    times[BARE] = []
    with TemporaryDirectory() as place:
        bare_project(Path(place), count_stages())
        for _ in range(runs):
            for name, command in COMMANDS.items():
                times[name].append(seconds(command))
            repro = COMMANDS["dvc repro (nothing to do)"]
            times[BARE].append(seconds(repro, Path(place)))
    bare = statistics.median(times["python -c pass"])
    print(
        "| command | median CPU s | min | max | x bare python |\n"
        f"|---|---|---|---|---|  <!-- {runs} rounds -->"
    )
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"| `{name}` | {median:.2f} | {min(values):.2f} | {max(values):.2f} | "
            f"{median / bare:.0f} |"
        )


if __name__ == "__main__":
    main()
