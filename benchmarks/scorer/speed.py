"""Rows per CPU second without ELECTRA: ours against the predecessor's scorer,
the same rows, in turns.

    python benchmarks/scorer/speed.py --rows ROWS.jsonl \\
        --predecessor PATH_OF_ITS_CHECKOUT

`file` is what a user runs, `score_jsonl` on both sides: read, score, write the rows
that reach 0.5; over ROWS and over ROWS grown to --count (`grow.py`). `formula` is
`score_batch` alone, over ROWS in memory. Each measurement is one pass in a process of
its own, so that no line was met before; imports do not count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from grow import write_grown
from predecessor import its_samples, load

from afs_stages.core.jsonl import (
    open_write,
    read_json,
    read_samples,
    refuse,
    write_json,
)
from afs_stages.scoring.blocks import sample_assembly
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.context import Context
from afs_stages.scoring.score_files import score_jsonl
from afs_stages.scoring.scorer import QualityScorer

SIDES = ("ours", "predecessor")
MIN_SCORE = 0.5
BATCH = 512


def ours(context: Path) -> QualityScorer:
    return QualityScorer(
        ScoringConfig(use_electra=False), Context.from_manifest(read_json(context))
    )


def file_work(
    side: str, rows: Path, given: argparse.Namespace, output: Path
) -> Callable[[], object]:
    if side == "ours":
        scorer = ours(given.context)
        return lambda: score_jsonl(rows, output, None, MIN_SCORE, scorer=scorer)
    return lambda theirs=load(given.predecessor): theirs.score_jsonl(
        rows, output, min_score=MIN_SCORE
    )


def formula_work(
    side: str, rows: Path, given: argparse.Namespace
) -> Callable[[], object]:
    samples: list[Any] = list(read_samples(rows, refuse))
    if side == "ours":
        score = ours(given.context).score_batch
    else:
        score = load(given.predecessor).QualityScorer().score_batch
        samples = its_samples(samples)
    return lambda: [
        score(samples[at : at + BATCH]) for at in range(0, len(samples), BATCH)
    ]


def measure(given: argparse.Namespace) -> None:
    """One pass of one side, in this process; prints its CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "file":
            work = file_work(
                given.side, given.rows, given, Path(folder) / "scored.jsonl"
            )
        else:
            work = formula_work(given.side, given.rows, given)
        started = time.process_time()
        work()
        print(time.process_time() - started)


def rivals(
    what: str, rows: Path, context: Path, given: argparse.Namespace
) -> dict[str, float]:
    """Median rates of both sides, process by process in turns, and their ratio."""
    with rows.open("rb") as file:
        total = sum(1 for _ in file)
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(given.rounds):
        for side in SIDES:
            command = [
                sys.executable,
                __file__,
                "--rows",
                str(rows),
                "--predecessor",
                str(given.predecessor),
            ]
            command += ["--context", str(context), "--what", what, "--side", side]
            seconds[side].append(
                float(
                    subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                )
            )
    rates = {side: round(total / median(seconds[side])) for side in SIDES}
    ratios = [
        b / a for a, b in zip(seconds["ours"], seconds["predecessor"], strict=True)
    ]
    return {"rows": total, **rates, "ratio": round(median(ratios), 2)}


def parts(folder: Path, given: argparse.Namespace) -> dict[str, tuple[str, Path]]:
    """What is measured, over which file."""
    coded, prose = folder / "coded.jsonl", folder / "prose.jsonl"
    with open_write(coded) as with_code, open_write(prose) as without:
        for row in read_samples(given.rows, refuse):
            (with_code if sample_assembly(row) else without).write(row)
    return {
        "formula, rows with assembly": ("formula", coded),
        "formula, rows of prose": ("formula", prose),
        "formula, all rows": ("formula", given.rows),
        "file": ("file", given.rows),
        "file, grown": (
            "file",
            write_grown(given.rows, folder / "grown.jsonl", given.count),
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--predecessor", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--what", choices=("formula", "file"), help=argparse.SUPPRESS)
    parser.add_argument("--context", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        return measure(given)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        context = Path(name) / "context.json"
        write_json(
            context, {"context": Context.of(read_samples(given.rows, refuse)).to_dict()}
        )
        for part, (what, rows) in parts(Path(name), given).items():
            result[part] = rivals(what, rows, context, given)
            print(f"{part}: {json.dumps(result[part])}", flush=True)
    if given.output:
        write_json(given.output, result)
    return None


if __name__ == "__main__":
    main()
