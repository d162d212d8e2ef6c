"""Stage `rehearse@<model>`: rows of older versions, to be trained on again."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("rehearse", "Rows of older versions, to be trained on again.")


@app.command()
def rehearse(
    model: Annotated[
        str, typer.Option("--model", help="Which block of `models` in params.yaml.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Choose rows from the train sets of strictly older releases by the model's
    policy and ratio.
    """
    from afs_stages.core.params import load
    from afs_stages.dataset.rehearse import rehearse_model

    params = load()
    block = params.model(model)
    report = rehearse_model(
        model, block, params.split.near_duplicates, params.seed, strict
    )
    report.write(layout.report("rehearse", model), layout.run_facts("rehearse", model))


if __name__ == "__main__":
    console.run(app)
