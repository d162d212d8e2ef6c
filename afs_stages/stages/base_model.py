"""Stage `base-model`: the model every adapter is trained on.

Without an id in params.yaml a tiny causal language model and its tokenizer are made
from the train rows alone; with one the folder is a pointer to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, jsonl, layout
from afs_stages.core.atomic import atomic_folder
from afs_stages.core.errors import UserError
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app("base-model", "Make the base model, or point to one.")


@app.command()
def base_model(
    data: Annotated[
        Path, typer.Option("--data", help="train rows the tiny model reads")
    ] = layout.split("train"),
    output: Annotated[
        Path, typer.Option("--output", help="folder of the base model")
    ] = layout.BASE_MODEL,
    id: Annotated[
        str | None,
        typer.Option("--id", help="hub id@revision or folder; overrides params.yaml"),
    ] = None,
    params: Annotated[
        Path, typer.Option("--params", help="parameter file")
    ] = layout.PARAMS,
) -> None:
    """Pre-train the tiny base model on train rows,
    or write a pointer to a hub model or folder.
    """
    from afs_stages.training import base_model as base
    from afs_stages.training import tiny

    loaded = load(params)
    block = loaded.base_model
    report = StageReport("base-model")
    name = block.id if id is None else id
    with atomic_folder(output) as folder:
        if name:
            pointer = base.write_pointer(name, folder)
            report.values["base"] = {"id": pointer.name, "hash": pointer.hash}
        else:
            samples = list(jsonl.read_samples(data, jsonl.refuse))
            if not samples:
                raise UserError(
                    "no train rows to make the base model from",
                    where=str(data),
                    fix="dvc repro split",
                )
            report.rows_in = len(samples)
            report.values["base"] = tiny.pretrain(samples, block, loaded.seed, folder)
            report.rows_out = report.values["base"]["documents"]
            if report.rows_in > report.rows_out:
                report.drop("same_text", report.rows_in - report.rows_out)
            jsonl.write_json(
                folder / base.POINTER, {"kind": "tiny", "id": None, "revision": None}
            )
    report.write(layout.report("base-model"), layout.run_facts("base-model"))


if __name__ == "__main__":
    console.run(app)
