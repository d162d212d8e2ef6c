"""A project with two trained versions of a model on a tiny base, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afs_stages.core import jsonl, layout

PARAMS = """\
sources: {oracle: {root: x}}
models: {veran: {version: v5, weights: {oracle: 1}}}
"""


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    base: Any,
    chat: Callable[..., Any],
    write_messages: Callable[..., Path],
) -> Path:
    """A project folder: the base, veran v4 as a gathered release, v5 just trained."""
    from afs_stages.core.params.model import Train
    from afs_stages.training.script import run_job
    from afs_stages.training.train import TrainingRun

    root = tmp_path_factory.mktemp("project")
    (root / layout.PARAMS).write_text(PARAMS)
    (root / layout.PIPELINE).write_text("stages: {}\n")
    (root / layout.BASE_MODEL).parent.mkdir(parents=True)
    (root / layout.BASE_MODEL).symlink_to(base.weights)
    settings = {"epochs": 8, "batch_size": 1, "gradient_accumulation_steps": 1}
    block = Train.model_validate(
        {**settings, "max_length": 256, "learning_rate": 0.01, "r": 4}
    )
    folders = {
        "v4": root / layout.release_adapters("veran") / "v4" / "adapter",
        "v5": root / layout.adapter("veran"),
    }
    for at, (version, folder) in enumerate(folders.items()):
        rows = write_messages(root / f"{version}.jsonl", chat(50 + at, rows=12))
        job = TrainingRun(
            base, block, 3, rows, None, folder, model="veran", version=version
        )
        run_job(job, jsonl.refuse)
    return root


@pytest.fixture
def project(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as current folder; what a test makes in it is taken away again."""
    import shutil

    monkeypatch.chdir(trained)
    for made in (layout.USE, layout.REGISTRY):
        shutil.rmtree(made, ignore_errors=True)
    return trained
