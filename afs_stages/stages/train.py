"""Stage `train@<model>`: a LoRA adapter trained on the converted rows.

Runs alone as well, on any box that has this package:
`train.py --data DIR --output DIR --epochs N`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afs_stages.core import console, jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.model import Train
from afs_stages.core.params.settings import Settings, settings_for
from afs_stages.core.stage_report import StageReport

if TYPE_CHECKING:
    from afs_stages.training.train import TrainingRun

app = console.stage_app("train", "Train a LoRA adapter.")


@app.command()
def train(
    model: Annotated[
        str, typer.Option("--model", help="model of params.yaml; names all paths below")
    ] = "",
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="messages rows: a file, or a folder with train.jsonl"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="adapter folder to write")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="base model: folder or hub id@revision")
    ] = "",
    start: Annotated[
        Path | None, typer.Option("--init-from", help="adapter folder to go on from")
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option("--epochs", help="passes over the rows; a fraction is allowed"),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", help="stop after so many steps")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", help="samples (packed: lengths) at a time"),
    ] = None,
    accumulation: Annotated[
        int | None,
        typer.Option("--gradient-accumulation-steps", help="micro-batches a step"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="peak learning rate")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option("--processes", help="processes that train together, one a GPU"),
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="go on from the last checkpoint; default: if there is one",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="stop at the first bad row")
    ] = False,
    params: Annotated[
        Path,
        typer.Option(
            "--params", help="parameter file; defaults hold where it is missing"
        ),
    ] = layout.PARAMS,
) -> None:
    """Train a LoRA adapter; options given here override params.yaml."""
    from afs_stages.training.environment import hardware
    from afs_stages.training.script import run_job

    given = {
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "gradient_accumulation_steps": accumulation,
        "learning_rate": learning_rate,
        "processes": processes,
    }
    settings = settings_for(model, params)
    block = _overridden(settings.train, given)
    if not model and (data is None or output is None):
        raise UserError(
            "--model, or --data and --output, are needed", fix="afs train --help"
        )
    job = _job(
        model,
        settings,
        block,
        data=data,
        output=output,
        base=base,
        start=start,
        resume=resume,
    )
    report = StageReport("train", model)
    with jsonl.open_rejects(job.output.with_suffix(".jsonl"), strict) as rejects:
        facts = run_job(job, rejects)
    report.rejected = rejects.counts
    report.facts = hardware()
    _fill(report, facts)
    if model:
        report.write(layout.report("train", model), layout.run_facts("train", model))
    else:
        report.write(None, job.output.with_name(f"{job.output.name}.run.json"))


def _overridden(block: Train, given: dict[str, Any]) -> Train:
    """The `train` block with the options that were given over it."""
    options = {key: value for key, value in given.items() if value is not None}
    return Train.model_validate({**block.model_dump(), **options})


def _job(
    model: str,
    settings: Settings,
    block: Train,
    *,
    data: Path | None,
    output: Path | None,
    base: str,
    start: Path | None,
    resume: bool | None,
) -> TrainingRun:
    """What is trained on what: paths that were not given follow from
    the model's name.
    """
    from afs_stages.training.base_model import resolve
    from afs_stages.training.chat_rows import data_files
    from afs_stages.training.lineage import previous_adapter
    from afs_stages.training.train import TrainingRun

    found = resolve(base or layout.BASE_MODEL)
    # Without a name there are no earlier releases to go on from.
    if model and start is None and block.init_from == "previous":
        start = previous_adapter(model, settings.version, found)
    train_file, val_file = data_files(data or layout.trained_on(model, "train").parent)
    return TrainingRun(
        base=found,
        train=block,
        seed=settings.seed,
        train_file=train_file,
        val_file=val_file,
        output=output or layout.adapter(model),
        start=start,
        curve=_curve(model, output),
        model=model,
        version=settings.version,
        resume=resume,
        texts=layout.BASE_TEXTS,
    )


def _curve(model: str, output: Path | None) -> Path:
    """Where the loss curve goes: beside an adapter written elsewhere, so that the
    pipeline's own curve stays.
    """
    if output is None:
        return layout.loss_curve(model)
    return output.with_name(f"{output.name}.loss.tsv")


def _fill(report: StageReport, facts: dict[str, Any]) -> None:
    """Counts and figures of a training, from its training.json."""
    report.values = {
        key: facts[key] for key in ("steps", "tokens_seen", "loss") if key in facts
    }
    # What a script of the user's own wrote may tell no counts.
    part = facts["data"]["train"]
    report.dropped = part.get("dropped", {})
    report.rows_out = part.get("rows", 0)
    report.rows_in = (
        report.rows_out + sum(report.dropped.values()) + sum(report.rejected.values())
    )


if __name__ == "__main__":
    console.run(app)
