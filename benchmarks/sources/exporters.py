"""MB/s per core and peak memory of every exporter, on generated logs.

    python benchmarks/sources/exporters.py --megabytes 500 --claude-megabytes 1000

Each export runs in a process of its own; time is CPU time, memory its peak.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import logs

ROOT = Path(__file__).parents[2]
RUN = """
import json, resource, sys, time
from pathlib import Path
from afs_stages.sources.plugins import source_class
from afs_stages.sources.export import run
started = time.process_time()
report = run(source_class(sys.argv[1])(sys.argv[1], "", [Path(sys.argv[2])]), \
Path(sys.argv[3]))
print(json.dumps([report.rows_out, time.process_time() - started, \
resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def measure(kind: str, megabytes: int, folder: Path) -> str:
    """One row of the table."""
    size = logs.write(kind, folder / kind, megabytes)
    output = folder / f"{kind}.jsonl"
    command = [sys.executable, "-c", RUN, kind, str(folder / kind), str(output)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    )
    rows, seconds, peak = json.loads(done.stdout)
    share = rows * logs.KEPT / size
    for path in sorted((folder / kind).rglob("*.json*")):
        path.unlink()
    output.unlink()
    return (
        f"| `{kind}` | {size / 1e6:.0f} | {share:.0%} | {rows:,} | "
        f"{size / 1e6 / seconds:.0f} | {peak / 1024:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--claude-megabytes", type=int, default=1000)
    parser.add_argument(
        "--only",
        nargs="*",
        default=[*logs.MAKERS, "toolbench"],
        help="some of the sources",
    )
    arguments = parser.parse_args()
    print(
        "| source | MB | kept | samples | MB/s | peak MB |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.only:
            size = (
                arguments.claude_megabytes if kind == "claude" else arguments.megabytes
            )
            print(measure(kind, size, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
