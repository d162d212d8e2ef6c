"""Stage `train-discriminator`: learn to tell the user's real assembly from
corrupted copies of it.

python -m afs_stages.stages.train_discriminator
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "train-discriminator", "Learn to tell real assembly from corrupted copies of it."
)


@app.command()
def train_discriminator(
    input: Annotated[
        Path | None,
        typer.Option(help="exported rows; default: those of discriminator.source"),
    ] = None,
    output: Annotated[
        Path, typer.Option(help="folder of the discriminator")
    ] = layout.ELECTRA,
) -> None:
    """Learn to tell real assembly from corrupted copies of it, cross-fitted by file."""
    from afs_stages.core.jsonl import read_samples, refuse
    from afs_stages.scoring.discriminator.from_samples import train_on_samples

    params = load()
    settings = params.discriminator
    path = input or layout.DISCRIMINATOR_ROWS
    report = StageReport("train-discriminator")
    samples = list(read_samples(path, refuse))
    report.rows_in = len(samples)
    report.values = train_on_samples(samples, settings, params.seed, output)
    report.rows_out = report.values["blocks"]
    if "auc" not in report.values:
        report.warn(
            f"{path}: code of fewer than two files, so no model was trained; "
            "rows get no electra score"
        )
    report.write(
        layout.report("train-discriminator"), layout.run_facts("train-discriminator")
    )


if __name__ == "__main__":
    console.run(app)
