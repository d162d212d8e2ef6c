"""Stage `remote-report@<model>` of remote/dvc.yaml: a page with what base and versions
answered on a rented GPU.

A page of its own, not `report`'s: a stage of dvc.yaml that read a rented result would
make a plain `dvc repro` rent.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.params import load

app = console.stage_app("remote-report", "One page of what a rented GPU brought home.")


@app.command()
def remote_report(
    model: Annotated[str, typer.Option("--model", help="model of params.yaml")],
) -> None:
    """Show a few questions with the answers that base and versions gave on the
    machine.
    """
    from afs_stages.core.atomic import write_text
    from afs_stages.reporting.page import rented_page

    output = layout.rented_page(model)
    write_text(output, rented_page(model, load()))
    console.say(f"report: {output}")


if __name__ == "__main__":
    console.run(app)
