"""Stage `remote-register@<model>` of remote/dvc.yaml: the adapter trained on a rented GPU joins the registry."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.params import load
from afs_stages.core.report import StageReport

app = console.stage_app("remote-register", "Record a remotely trained adapter in the registry.")


@app.command()
def remote_register(model: Annotated[str, typer.Option("--model", help="model of params.yaml")]) -> None:
    """Record the adapter that came home from a rented GPU, with what was measured on the machine."""
    from afs_stages.model.register import experiment_of
    from afs_stages.model.registry import ModelRegistry
    from afs_stages.remote.session import remote_folder

    report = StageReport("remote-register", model, rows_in=1, rows_out=1)
    adapter, measured = remote_folder(model) / "adapter", layout.report("remote-evaluate", model)
    experiment = ModelRegistry().put(experiment_of(model, load(), adapter, measured))
    report.values = {"experiment": experiment.experiment_id, "run_name": experiment.run_name}
    report.write(layout.report("remote-register", model), layout.run_facts("remote-register", model))


if __name__ == "__main__":
    console.run(app)
