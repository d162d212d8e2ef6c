"""Stage `train@<model>`: a LoRA adapter trained on the converted rows.

Runs alone as well, on any box that has this package: `train.py --data DIR --output DIR --epochs N`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console, jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params import Params, load
from afs_stages.core.params.model import Train
from afs_stages.core.report import StageReport

if TYPE_CHECKING:
    from afs_stages.model.train import Job

app = console.stage_app("train", "Train a LoRA adapter.")


@app.command()
def train(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml; names all paths below")] = "",
    data: Annotated[
        Path | None, typer.Option("--data", help="messages rows: a file, or a folder with train.jsonl")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="adapter folder to write")] = None,
    base: Annotated[str, typer.Option("--base", help="base model: folder or hub id@revision")] = "",
    start: Annotated[Path | None, typer.Option("--init-from", help="adapter folder to go on from")] = None,
    epochs: Annotated[
        float | None, typer.Option("--epochs", help="passes over the rows; a fraction is allowed")
    ] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", help="stop after so many steps")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="samples (packed: lengths) at a time")] = None,
    accumulation: Annotated[
        int | None, typer.Option("--gradient-accumulation-steps", help="micro-batches a step")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="peak learning rate")] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", help="processes that train together, one a GPU")
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--no-resume", help="go on from the last checkpoint; default: if there is one"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first bad row")] = False,
    params: Annotated[
        Path, typer.Option("--params", help="parameter file; defaults hold where it is missing")
    ] = layout.PARAMS,
) -> None:
    """Train a LoRA adapter; options given here override params.yaml."""
    from afs_stages.model.hardware import hardware
    from afs_stages.model.script import run_job

    loaded = load(params) if model or params.is_file() else None
    given = {
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "gradient_accumulation_steps": accumulation,
        "learning_rate": learning_rate,
        "processes": processes,
    }
    block = _block(loaded, model, {key: value for key, value in given.items() if value is not None})
    job = _job(loaded, block, model, data, output, base, start, resume)
    report = StageReport("train", model)
    with jsonl.open_rejects(job.output.with_suffix(".jsonl"), strict) as rejects:
        facts = run_job(job, rejects)
    report.rejected = rejects.counts
    report.facts = hardware()
    report.values = {key: facts[key] for key in ("steps", "tokens_seen", "loss") if key in facts}
    part = facts["data"]["train"]
    report.dropped = part.get("dropped", {})
    report.rows_out = part.get("rows", 0)
    report.rows_in = report.rows_out + sum(report.dropped.values()) + sum(report.rejected.values())
    beside = job.output.with_name(f"{job.output.name}.run.json")
    report.write(
        layout.report("train", model) if model else None, layout.run_facts("train", model) if model else beside
    )


def _block(loaded: Params | None, model: str, given: dict[str, object]) -> Train:
    block = loaded.train_for(model) if loaded and model else loaded.train if loaded else Train()
    return Train.model_validate({**block.model_dump(), **given})


def _job(
    loaded: Params | None,
    block: Train,
    model: str,
    data: Path | None,
    output: Path | None,
    base: str,
    start: Path | None,
    resume: bool | None,
) -> Job:
    from afs_stages.model.base import resolve
    from afs_stages.model.releases import previous_adapter
    from afs_stages.model.rows import data_files
    from afs_stages.model.train import Job

    if not model and (data is None or output is None):
        raise UserError("--model, or --data and --output, are needed", fix="afs train --help")
    version = loaded.model(model).version if loaded and model else ""
    found = resolve(base or layout.BASE_MODEL)
    if start is None and model and block.init_from == "previous":
        start = previous_adapter(model, version, found)
    train_file, val_file = data_files(data or layout.converted(model, "openai", "train").parent)
    target = output or layout.adapter(model)
    curve = layout.loss_curve(model) if model and output is None else target.with_name(f"{target.name}.loss.tsv")
    seed = loaded.seed if loaded else 42
    return Job(found, block, seed, train_file, val_file, target, start, curve, model, version, resume)


if __name__ == "__main__":
    console.run(app)
