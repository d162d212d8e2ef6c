"""How long a user waits for nothing: `afs --help`, a stage's start,
a repro with nothing to do.

Every command is run as a whole process in turn with a bare interpreter, so that the
printed ratio holds when the machine's speed drifts. Run from a checkout in which
`dvc repro` has finished:

    python benchmarks/startup.py [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

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


def seconds(command: list[str]) -> float:
    """Wall seconds of one run; a failing command stops the benchmark."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Run the rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bare = statistics.median(times["python -c pass"])
    print(
        "| command | median s | min | max | x bare python |\n"
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
