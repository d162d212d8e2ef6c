"""Stage `report`: one page with the pictures of a run,
from the reports of all stages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("report", "One page with the pictures of the last run.")


@app.command()
def report(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the page goes.")
    ] = layout.PAGE,
) -> None:
    """Draw rows per stage, drops by reason, scores, mixes,
    loss curves and forgetting on one page.
    """
    from afs_stages.core.atomic import write_text
    from afs_stages.core.params import load
    from afs_stages.reporting.page import page

    write_text(output, page(load()))
    console.say(f"report: {output}")


if __name__ == "__main__":
    console.run(app)
