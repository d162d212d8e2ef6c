"""An experiment's record made from what the pipeline left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from afs_stages.core import layout
from afs_stages.core.hashes import folder_hash, value_hash
from afs_stages.core.jsonl import read_json
from afs_stages.core.params import Params
from afs_stages.registry.records import DatasetRef, Experiment

DECIDING = ("code.json", "dvc.yaml", "params.yaml")
"""What decides a result beside the data, whose hash stands in the record itself."""
METRICS = (
    "loss",
    "gain_over_base",
    "perplexity",
    "forgetting",
    "knowledge",
    "general",
    "tasks",
)


def experiment_of(
    model: str,
    params: Params,
    adapter: Path | None = None,
    evaluation: Path | None = None,
) -> Experiment:
    """The record of an adapter (by default the model's own); its id follows from
    adapter, data and parameters alone.

    Where nothing was measured, the record has no metrics.
    """
    block = params.model(model)
    adapter = adapter or layout.adapter(model)
    report = evaluation or layout.report("evaluate", model)
    facts = read_json(adapter / "training.json")
    measured = read_json(report) if report.is_file() else {}
    name = f"{model}-{block.version}"
    base, data = facts["base"], facts["data"]["train"]
    dataset = DatasetRef(
        path=str(layout.trained_on(model, "train")),
        hash=data["hash"],
        rows=data.get("rows"),
    )
    kept = {
        "path": str(adapter),
        "hash": folder_hash(adapter),
        "base_hash": base["hash"],
    }
    decided = {
        "seed": params.seed,
        "train": facts["train"],
        "weights": block.weights,
        "rehearsal": block.rehearsal.model_dump(),
    }
    identity = value_hash([name, dataset.hash, decided, kept])[:8]
    metrics = {key: measured[key] for key in METRICS if key in measured}
    return Experiment(
        experiment_id=identity,
        run_name=name,
        base_model=base["name"],
        framework="script" if facts.get("script") else "peft",
        dataset=dataset,
        status="completed",
        params=decided,
        metrics=metrics,
        adapter=kept,
        revision=revision(),
        tags=[model, block.version],
    )


def revision(folder: Path = Path()) -> dict[str, Any] | None:
    """Where code and parameters of a folder stand in Git; None outside a repository or
    before its first commit.

    `commit` and its `date`; `code`, the hash of the code that trained the adapter (null
    where no code.json tells it), which stays the same while other code changes; and
    `changed`, the files that decide a result and differ from the commit: where there
    are any, it does not tell all.
    """
    head = _git(folder, "show", "--no-patch", "--format=%H %cI", "HEAD")
    if head is None:
        return None
    commit, date = head.split()
    path = folder / layout.CODE
    code = read_json(path).get("train") if path.is_file() else None
    changed = _git(folder, "status", "--porcelain", "--no-renames", "--", *DECIDING)
    names = sorted(line[3:] for line in (changed or "").splitlines())
    return {"commit": commit, "date": date, "code": code, "changed": names}


def _git(folder: Path, *args: str) -> str | None:
    """What Git prints; None where it isn't installed or refuses."""
    try:
        done = subprocess.run(
            ["git", *args], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout
