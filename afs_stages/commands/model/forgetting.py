"""`afs model forgetting MODEL`: every version on every version's frozen test set,
printed and drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.errors import UserError, nearest

app = console.stage_app(
    "forgetting", "Print and draw the forgetting matrix of a model."
)


@app.command()
def forgetting(
    model: Annotated[str, typer.Argument(help="model of params.yaml")],
    output: Annotated[
        Path | None, typer.Option("--output", help="picture to write (.svg or .png)")
    ] = None,
) -> None:
    """Print the matrix that `evaluate@MODEL` measured, by domain too, and draw it."""
    from afs_stages.core.jsonl import read_json
    from afs_stages.core.params import load
    from afs_stages.evaluation.draw import draw_matrix
    from afs_stages.evaluation.evaluate import matrix, versions_of
    from afs_stages.evaluation.gates import domain_table
    from afs_stages.evaluation.general_gate import skill_lines
    from afs_stages.reporting import evaluation_text

    known = load().models
    if model not in known:
        raise UserError(
            f"no model '{model}' in params.yaml ({nearest(model, list(known))})"
        )
    report = layout.report("evaluate", model)
    if not report.is_file():
        raise UserError(
            "not evaluated yet", where=str(report), fix=f"dvc repro evaluate@{model}"
        )
    found = read_json(report)
    versions = versions_of(found)
    console.say("\n".join(evaluation_text.lines(found)))
    if found.get("general"):
        console.say("\n".join(["", *skill_lines(found["general"], versions[-1])]))
    for at in range(len(versions)):
        console.say("\n" + domain_table(found, versions, at))
    target = output or Path("reports") / model / "forgetting.svg"
    if target.suffix not in {".svg", ".png"}:
        raise UserError(
            "the picture is .svg or .png",
            where=str(target),
            fix="--output forgetting.svg",
        )
    draw_matrix(versions, *matrix(found, versions), target)
    console.say(f"\nfigure: {target}")


if __name__ == "__main__":
    console.run(app)
