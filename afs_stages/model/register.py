"""An experiment's record made from what the pipeline left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.jsonl import read_json
from afs_stages.core.params import Params
from afs_stages.model.hashes import folder_hash, value_hash
from afs_stages.model.registry import DatasetRef, Experiment

DECIDING = ("afs_stages", "dvc.yaml", "params.yaml")
"""What decides a result beside the data, whose hash stands in the record itself."""
METRICS = ("loss", "gain_over_base", "perplexity", "forgetting", "tasks")


def experiment_of(
    model: str, params: Params, adapter: Path | None = None, evaluation: Path | None = None
) -> Experiment:
    """The record of an adapter (by default the model's own); its id follows from adapter, data and parameters alone.

    Where nothing was measured, the record has no metrics.
    """
    block = params.model(model)
    adapter = adapter or layout.adapter(model)
    report = evaluation or layout.report("evaluate", model)
    facts, measured = read_json(adapter / "training.json"), read_json(report) if report.is_file() else {}
    train_file = layout.converted(model, "openai", "train")
    record: dict[str, Any] = {
        "run_name": f"{model}-{block.version}",
        "base_model": facts["base"]["name"],
        "framework": "script" if facts.get("script") else "peft",
        "dataset": DatasetRef(path=str(train_file), hash=facts["data"]["train"]["hash"], rows=_rows(facts)),
        "params": {"seed": params.seed, "train": facts["train"], "weights": block.weights},
        "adapter": {"path": str(adapter), "hash": folder_hash(adapter), "base_hash": facts["base"]["hash"]},
    }
    record["params"]["rehearsal"] = block.rehearsal.model_dump()
    identity = value_hash([record["run_name"], record["dataset"].hash, record["params"], record["adapter"]])[:8]
    return Experiment(
        experiment_id=identity,
        status="completed",
        metrics={key: measured[key] for key in METRICS if key in measured},
        revision=revision(),
        tags=[model, block.version],
        **record,
    )


def _rows(facts: dict[str, Any]) -> int | None:
    rows = facts["data"]["train"].get("rows")
    return None if rows is None else int(rows)


def revision(folder: Path = Path()) -> dict[str, Any] | None:
    """Where code and parameters of a folder stand in Git; None outside a repository or before its first commit.

    `commit` and its `date`; `code`, Git's hash of the package at that commit (null where it is
    installed from elsewhere), which stays the same while other files change; and `changed`, the files
    of code and parameters that differ from the commit: where there are any, it does not tell all.
    """
    head = _git(folder, "show", "--no-patch", "--format=%H %cI", "HEAD")
    if head is None:
        return None
    commit, date = head.split()
    changed = _git(folder, "status", "--porcelain", "--no-renames", "--", *DECIDING) or ""
    return {
        "commit": commit,
        "date": date,
        "code": (_git(folder, "rev-parse", "--quiet", "--verify", "HEAD:./afs_stages") or "").strip() or None,
        "changed": sorted(line[3:] for line in changed.splitlines()),
    }


def _git(folder: Path, *args: str) -> str | None:
    """What Git prints; None where it isn't installed or refuses."""
    try:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout
