"""What a stage did: rows in and out, what was dropped and why.
Deterministic; DVC tracks it as metrics.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core.console import say, warn
from afs_stages.core.jsonl import write_json
from afs_stages.core.layout import stage_name


@dataclass
class StageReport:
    """Counts of one run of one stage: `rows_in = rows_out + sum(dropped) +
    sum(rejected)` by default.

    `dropped` are good rows left out by a stated rule, `rejected` are rows that could
    not be read or used, `values` is whatever else the stage measures (numbers, or
    nested mappings of numbers). Nothing in here may depend on clock, host or path, or
    on what earlier runs left behind; such `facts` go to the run's own file.
    """

    stage: str
    key: str = ""
    rows_in: int = 0
    rows_out: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter, repr=False)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count rows left out for a reason."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def warn(self, text: str) -> None:
        """Record a warning; it is printed with the summary and kept in the report."""
        self.warnings.append(text)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON, reasons in alphabetical order."""
        dropped = dict(sorted(self.dropped.items()))
        rejected = dict(sorted(self.rejected.items()))
        return {
            "stage": self.stage,
            "key": self.key,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "dropped": dropped,
            "rejected": rejected,
            **self.values,
            "warnings": self.warnings,
        }

    def summary(self) -> str:
        """One line: `score@claude: 120 in, 97 out; dropped 20 below_min_score;
        rejected 3 schema`.
        """
        parts = [
            (
                f"{stage_name(self.stage, self.key)}: {self.rows_in:,} in, "
                f"{self.rows_out:,} out"
            )
        ]
        for word, counts in (("dropped", self.dropped), ("rejected", self.rejected)):
            if counts:
                parts.append(
                    f"{word} "
                    + ", ".join(
                        f"{n:,} {reason}" for reason, n in sorted(counts.items())
                    )
                )
        return "; ".join(parts)

    def write(self, path: Path | None, run_path: Path | None = None) -> None:
        """Write the report, and the run's facts (seconds, peak memory) beside it, and
        print the summary.
        """
        if path is not None:
            write_json(path, self.to_dict())
        if run_path is not None:
            write_json(run_path, self.run_facts())
        for text in self.warnings:
            warn(text)
        say(self.summary())

    def run_facts(self) -> dict[str, Any]:
        """Seconds since the report was made and peak memory in MB: of this machine, so
        never an output.
        """
        return {
            "seconds": round(time.perf_counter() - self._started, 3),
            "peak_memory_mb": round(
                max(peak_memory_mb(), _rusage_mb(resource.RUSAGE_CHILDREN)), 1
            ),
            **self.facts,
        }


def peak_memory_mb() -> float:
    """Peak resident memory of this process.

    From Linux's own account of the address space: what getrusage says there begins with
    the size of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = [
            line
            for line in status.read_text().splitlines()
            if line.startswith("VmHWM:")
        ]
        if lines:
            return int(lines[0].split()[1]) / 1024
    return _rusage_mb(resource.RUSAGE_SELF)


def _rusage_mb(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )
