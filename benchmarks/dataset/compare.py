"""The data set's steps against the predecessor's, in turn, on the same file.

    python benchmarks/dataset/compare.py --predecessor FOLDER --rows 200000 \\
        --rounds 3 --folder SCRATCH

The predecessor is a checkout of github:scawful/afs at d4362b2; without it only our side
and the floor run. Every step is a process of its own; its start and imports are not
measured. Printed are medians. Our `prepare` is without the near-duplicate search, which
the predecessor has not; `near` is that search alone, also on a half and a quarter of
the rows, and `prepare-near` both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import write_rows

STEPS = ("prepare", "rehearsal-mix", "rebalance", "rehearsal-build", "convert")
NEAR = ("near/4", "near/2", "near", "prepare-near")
Cost = dict[str, float]


def cost(side: str, step: str, folder: Path, predecessor: str) -> Cost:
    """Run one step; a failing one stops the benchmark and shows why."""
    job = Path(__file__).with_name("job.py")
    command = [sys.executable, str(job), side, step, str(folder), predecessor]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{side} {step} failed")
    result: Cost = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(
    folder: Path, predecessor: str, rounds: int, near: bool
) -> dict[tuple[str, str], Cost]:
    """Median cost of every step of every side, the sides taking turns."""
    jobs = [("floor", "copy"), ("floor", "parse")]
    jobs += [("ours", step) for step in NEAR if near]
    for step in STEPS:
        jobs += [("predecessor", step)] if predecessor else []
        jobs.append(("ours", step))
    seen: dict[tuple[str, str], list[Cost]] = {job: [] for job in jobs}
    for _ in range(rounds):
        for job in jobs:
            seen[job].append(cost(*job, folder, predecessor))
    return {
        job: {
            key: statistics.median(one[key] for one in costs)
            for key in ("wall", "cpu", "peak")
        }
        for job, costs in seen.items()
    }


def show(found: dict[tuple[str, str], Cost]) -> None:
    """Print the table; ratios are the predecessor's cost over ours."""
    print("| step | side | wall s | CPU s | peak MB | wall x | CPU x | peak x |")
    print("|---|---|---|---|---|---|---|---|")
    for (side, step), one in found.items():
        old = found.get(("predecessor", step)) if side == "ours" else None
        ratios = [
            f"{old[key] / one[key]:.1f}" if old else ""
            for key in ("wall", "cpu", "peak")
        ]
        numbers = [f"{one['wall']:.2f}", f"{one['cpu']:.2f}", f"{one['peak']:.0f}"]
        print("| " + " | ".join([step, side, *numbers, *ratios]) + " |")


def main() -> None:
    """Make the files, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predecessor", default="", help="its checkout")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--near",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the search too",
    )
    parser.add_argument("--folder", type=Path, help="where the scratch files go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_rows(folder / "rows.jsonl", options.rows)
        write_rows(folder / "buffer.jsonl", options.rows // 4, seed=2, prefix="old")
        size = (folder / "rows.jsonl").stat().st_size / 1e6
        print(
            f"{options.rows:,} rows, {size:.0f} MB, "
            f"medians of {options.rounds} rounds\n"
        )
        show(measure(folder, options.predecessor, options.rounds, options.near))


if __name__ == "__main__":
    main()
