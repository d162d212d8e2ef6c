"""Stage `remote-train@<model>` of remote/dvc.yaml: an adapter trained on a rented GPU,
within a cap in dollars.

Run again after a failure it goes on where it stopped;
run again after success it rents nothing.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import write_json
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app("remote-train", "Train on a rented GPU.")


@app.command()
def remote_train(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml")],
    budget: Annotated[
        float | None, typer.Option("--budget", help="dollars for the whole job")
    ] = None,
    gpu: Annotated[
        str | None, typer.Option("--gpu", help="class of remote.gpus")
    ] = None,
    interruptible: Annotated[
        bool | None, typer.Option("--interruptible/--on-demand")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="leave when training has started")
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="forget results and checkpoints of earlier jobs"),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from checkpoints, or fail")
    ] = False,
) -> None:
    """Rent, train, evaluate, bring the adapter home checked, destroy the machine; never
    plan above the cap.

    Leaves with an error, the adapter at home,
    where a machine could not be confirmed gone.
    """
    from afs_stages.project.code import require_current
    from afs_stages.remote.job import JobOptions, deliver, launch, remote_folder
    from afs_stages.remote.journal import Journal

    require_current()
    report = StageReport("remote-train", model)
    params = load()
    params.model(model)  # a name that is none gets no folder for its lock
    with Journal(model).lock():
        job = launch(
            model, params, JobOptions(budget, gpu, interruptible, detach, fresh, resume)
        )
        if job.state != "done":
            console.say(
                f"{model}: training; come back with `afs vastai attach --model {model}`"
            )
            return
        receipt = deliver(model, params)
        write_json(remote_folder(model).parent / "receipt.json", receipt)
        report.rows_in = report.rows_out = 1
        report.write(
            layout.report("remote-train", model),
            layout.run_facts("remote-train", model),
        )
    cost = f"{model}: ${receipt['dollars']:.2f} of ${receipt['cap']:.2f}"
    if not receipt["confirmed_gone"]:
        living = [row for row in receipt["machines"] if not row["destroyed"]]
        names = ", ".join(str(row["instance"] or row["label"]) for row in living)
        raise UserError(
            f"{cost}; the adapter is at home, but these could not be confirmed gone "
            f"and may cost money: {names}",
            fix="afs vastai cleanup, look at https://cloud.vast.ai/instances/, "
            "then run again: nothing is rented anew",
        )
    console.say(f"{cost}, every machine confirmed gone")


if __name__ == "__main__":
    console.run(app)
