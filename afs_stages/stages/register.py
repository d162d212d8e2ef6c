"""Stage `register@<model>`: the trained and measured adapter becomes a record
of the registry.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app("register", "Record a trained adapter in the registry.")


@app.command()
def register(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml")],
) -> None:
    """Record the model's adapter, parameters, data and metrics as an experiment in
    models/registry, and make its version the one in use.
    """
    from afs_stages.core.jsonl import read_json, write_json
    from afs_stages.registry.current import put_forward
    from afs_stages.registry.headline import headline
    from afs_stages.registry.records import ModelRegistry
    from afs_stages.registry.register import experiment_of

    params, report = load(), StageReport("register", model, rows_in=1, rows_out=1)
    experiment = ModelRegistry().put(experiment_of(model, params))
    put_forward(model, experiment, params.model(model).version)
    facts, measured = (
        read_json(layout.adapter(model) / "training.json"),
        read_json(layout.report("evaluate", model)),
    )
    write_json(
        layout.metrics(model), headline(params.model(model).version, facts, measured)
    )
    report.values = {
        "experiment": experiment.experiment_id,
        "run_name": experiment.run_name,
    }
    report.write(layout.report("register", model), layout.run_facts("register", model))


if __name__ == "__main__":
    console.run(app)
