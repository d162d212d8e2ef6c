"""Stage `train-releases@<model>`: an adapter on today's base for every earlier release,
and its test rows.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, jsonl, layout
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "train-releases",
    "Train earlier releases on today's base, so that forgetting can be measured.",
)


@app.command()
def train_releases(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml")],
    strict: Annotated[
        bool, typer.Option("--strict", help="stop at the first bad row")
    ] = False,
) -> None:
    """Train every earlier release that has no adapter on this base from
    its released rows.
    """
    from afs_stages.training.base_model import resolve
    from afs_stages.training.gather import Lineage, gather
    from afs_stages.training.style import as_converted

    params = load()
    report = StageReport("train-releases", model)
    version, train = params.model(model).version, params.train_for(model)
    base, convert = resolve(layout.BASE_MODEL), as_converted(params.convert)
    near = params.split.near_duplicates
    line = Lineage(model, version, base, train, params.seed, convert, near)
    with jsonl.open_rejects(
        layout.release_adapters(model).with_suffix(".jsonl"), strict
    ) as rejects:
        for name, how, facts in gather(line, rejects):
            rows = facts["data"]["train"].get("rows", 0)
            report.rows_in += rows
            report.rows_out += rows
            report.values[name] = {
                "adapter": "released" if how == "released" else "trained here"
            }
    report.rejected = rejects.counts
    report.rows_in += sum(rejects.counts.values())
    report.write(
        layout.report("train-releases", model),
        layout.run_facts("train-releases", model),
    )


if __name__ == "__main__":
    console.run(app)
