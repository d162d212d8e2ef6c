"""Every stage's report, read back from `reports/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl, layout
from afs_stages.core.params import Params

# Stage -> what one run of it is for: each source, each model, or once.
STAGES = {
    "export": "source",
    "discriminator-rows": "",
    "train-discriminator": "",
    "score": "source",
    "split": "",
    "base-model": "",
    "fit": "model",
    "rehearse": "model",
    "rebalance": "model",
    "check": "model",
    "convert": "model",
    "train-releases": "model",
    "train": "model",
    "evaluate": "model",
    "register": "model",
}


@dataclass(frozen=True)
class RunReports:
    """The reports there are, in the order of the pipeline,
    and the ones that are missing.
    """

    reports: list[dict[str, Any]]
    missing: list[str]

    def of(self, stage: str, key: str = "") -> dict[str, Any] | None:
        """The report of one stage, if it has run."""
        found = [r for r in self.reports if r["stage"] == stage and r["key"] == key]
        return found[0] if found else None


def read_reports(params: Params, root: Path = Path()) -> RunReports:
    """Read the report of every stage that params.yaml asks for;
    left-over reports are not read.
    """
    keys = {"source": list(params.sources), "model": list(params.models), "": [""]}
    reports, missing = [], []
    for stage, each in STAGES.items():
        for key in keys[each]:
            path = root / layout.report(stage, key)
            if path.is_file():
                reports.append(jsonl.read_json(path))
            else:
                missing.append(layout.stage_name(stage, key))
    return RunReports(reports, missing)
