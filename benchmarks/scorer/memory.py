"""Peak memory of `score_jsonl` without ELECTRA over files of 10,000 to 1,000,000 rows,
no two rows alike.

    python benchmarks/scorer/memory.py --rows ROWS.jsonl \\
        [--counts 10000 100000 1000000] [--cache]

Rows are grown from ROWS (`grow.py`); each size is a process of its own,
whose own peak counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from grow import write_grown

from afs_stages.core.jsonl import read_json, read_samples, refuse, write_json
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.context import Context
from afs_stages.scoring.score_files import score_jsonl
from afs_stages.scoring.scorer import QualityScorer


def measure(rows: Path, context: Path, cache: Path | None) -> dict[str, Any]:
    """Score a file in this process; its peak before and after,
    and what the work cost.
    """
    scorer = QualityScorer(
        ScoringConfig(use_electra=False), Context.from_manifest(read_json(context))
    )
    before, started = peak_mb(), time.process_time()
    done = score_jsonl(
        rows, rows.with_name("out.jsonl"), None, 0.5, cache_path=cache, scorer=scorer
    )
    seconds = time.process_time() - started
    return {
        "rows": done.rows_in,
        "start_mb": before,
        "peak_mb": peak_mb(),
        "rows_per_cpu_second": round(done.rows_in / seconds),
    }


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument(
        "--counts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000]
    )
    parser.add_argument(
        "--cache", action="store_true", help="keep scores in a cache, as the stage does"
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--context", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.context:
        cache = given.rows.with_name("cache.sqlite") if given.cache else None
        return print(json.dumps(measure(given.rows, given.context, cache)))
    result = []
    for count in given.counts:
        with tempfile.TemporaryDirectory() as name:
            context = Path(name) / "context.json"
            write_json(
                context,
                {"context": Context.of(read_samples(given.rows, refuse)).to_dict()},
            )
            rows = write_grown(given.rows, Path(name) / "rows.jsonl", count)
            command = [
                sys.executable,
                __file__,
                "--rows",
                str(rows),
                "--context",
                str(context),
            ]
            command += ["--cache"] if given.cache else []
            result.append(
                json.loads(
                    subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                )
            )
            print(json.dumps(result[-1]), flush=True)
    if given.output:
        write_json(given.output, result)
    return None


if __name__ == "__main__":
    main()
