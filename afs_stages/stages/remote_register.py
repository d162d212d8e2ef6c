"""Stage `remote-register@<model>` of remote/dvc.yaml: the adapter trained on a rented
GPU joins the registry.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "remote-register", "Record a remotely trained adapter in the registry."
)


@app.command()
def remote_register(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml")],
) -> None:
    """Record the adapter that came home from a rented GPU,
    with what was measured on the machine.

    An adapter that fails the gates of `evaluate` is refused, as at home; one that was
    not measured is recorded without metrics.
    """
    from afs_stages.core.jsonl import read_json
    from afs_stages.evaluation.evaluate import versions_of
    from afs_stages.evaluation.gates import judge
    from afs_stages.registry.current import put_forward
    from afs_stages.registry.records import ModelRegistry
    from afs_stages.registry.register import experiment_of
    from afs_stages.remote.job import remote_folder

    report, params = (
        StageReport("remote-register", model, rows_in=1, rows_out=1),
        load(),
    )
    adapter, measured = (
        remote_folder(model) / "adapter",
        layout.report("remote-evaluate", model),
    )
    found = read_json(measured) if measured.is_file() else {}
    known = "gain_over_base" in found
    failed, doubted = (
        judge(found, versions_of(found), params.evaluate) if known else ([], [])
    )
    if failed:
        raise UserError(
            "\n".join(failed),
            fix="look at the data card and the loss curve; evaluate.* in params.yaml",
        )
    for doubt in doubted:
        report.warn(doubt)
    if not known:
        console.warn(
            f"{model}: not measured on the machine, so registered without metrics and "
            "without its gates"
        )
    experiment = ModelRegistry().put(experiment_of(model, params, adapter, measured))
    put_forward(model, experiment, params.model(model).version)
    report.values = {
        "experiment": experiment.experiment_id,
        "run_name": experiment.run_name,
        "measured": known,
    }
    report.write(
        layout.report("remote-register", model),
        layout.run_facts("remote-register", model),
    )


if __name__ == "__main__":
    console.run(app)
