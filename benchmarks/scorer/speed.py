"""Rows per CPU second without ELECTRA: ours against the predecessor's scorer, same rows, same process, in turns.

    python benchmarks/scorer/speed.py --rows ROWS.jsonl --predecessor PATH_OF_ITS_CHECKOUT

A round scores every row once with each; "new" is the first round of a process, in which every line of
code is met for the first time, and "known" the best of the later ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from predecessor import predecessor

from afs_stages.core.jsonl import read_samples, refuse, write_json
from afs_stages.core.sample import TrainingSample
from afs_stages.quality.blocks import sample_assembly
from afs_stages.quality.config import ScoringConfig
from afs_stages.quality.context import Context
from afs_stages.quality.scorer import QualityScorer

Rows = list[TrainingSample]


def rate(rows: Rows, score: Callable[[Rows], object]) -> float:
    started = time.process_time()
    score(rows)
    return len(rows) / (time.process_time() - started)


def rivals(rows: Rows, scorers: dict[str, Callable[[Rows], object]], rounds: int) -> dict[str, dict[str, int]]:
    found: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(rounds):
        for name, score in scorers.items():
            found[name].append(rate(rows, score))
    return {name: {"new": round(rates[0]), "known": round(max(rates[1:]))} for name, rates in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--predecessor", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    rows = list(read_samples(given.rows, refuse))
    config = ScoringConfig(use_electra=False)
    theirs = predecessor(given.predecessor)
    asm = [row for row in rows if sample_assembly(row)]
    prose = [row for row in rows if not sample_assembly(row)]
    context = Context.of(rows)
    result: dict[str, object] = {}
    for name, part in (("rows with assembly", asm), ("rows of prose", prose), ("all rows", rows)):
        ours = QualityScorer(config, context)
        scorers = {"ours": ours.score_batch, "predecessor": lambda batch: [theirs(row) for row in batch]}
        measured = rivals(part, scorers, given.rounds)
        lines = sum(code.count("\n") + 1 for row in part for code in sample_assembly(row))
        result[name] = {"rows": len(part), "lines of code": lines, **measured}
        print(f"{name} ({len(part):,}, {lines:,} lines of code):", measured)
    if given.output:
        write_json(given.output, result)


if __name__ == "__main__":
    main()
