"""Stage `evaluate@<model>`: every version on every version's frozen test and recall
set, and what was forgotten.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afs_stages.core import console, jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.settings import settings_for
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "evaluate", "Measure an adapter: loss, knowledge, tasks, forgetting."
)


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Option("--model", help="model of params.yaml; names all paths below")
    ] = "",
    data: Annotated[
        Path | None, typer.Option("--data", help="test rows: samples or messages rows")
    ] = None,
    recall: Annotated[
        Path | None,
        typer.Option("--recall", help="recall set: facts trained, wordings not"),
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option("--adapter", help="adapter folder to measure")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="base model: folder or hub id@revision")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="report to write (JSON)")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="stop at the first bad row")
    ] = False,
    params: Annotated[
        Path, typer.Option("--params", help="parameter file")
    ] = layout.PARAMS,
) -> None:
    """Measure an adapter against base and earlier versions;
    fail where it is no better than the base.
    """
    from afs_stages.evaluation.evaluate import Evaluation, run
    from afs_stages.reporting import evaluation_text
    from afs_stages.training.style import as_converted

    if not model and (data is None or adapter is None):
        raise UserError(
            "--model, or --data and --adapter, are needed", fix="afs evaluate --help"
        )
    settings = settings_for(model, params)
    folder = adapter or layout.adapter(model)
    tests = data or layout.mixed(model, "test")
    if recall is None and model:
        recall = layout.mixed(model, layout.RECALL_SET)
    job = Evaluation(
        model=model,
        version=settings.version or "adapter",
        base=base or str(layout.BASE_MODEL),
        adapter=folder,
        tests=tests,
        params=settings.evaluate,
        seed=settings.seed,
        max_length=settings.train.max_length,
        convert=as_converted(settings.convert),
        recall=recall,
    )
    report = StageReport("evaluate", model)
    rejects = jsonl.refuse if strict else report_bad(report)
    failed = run(job, rejects, report)
    console.say("\n".join(evaluation_text.lines(report.values)))
    if model:
        report.write(
            output or layout.report("evaluate", model),
            layout.run_facts("evaluate", model),
        )
    else:
        report.write(output)
    if failed:
        raise UserError(
            "\n".join(failed),
            fix="look at the data card and the loss curve; evaluate.must_beat_base and "
            "evaluate.max_regression in params.yaml are the gates",
        )


def report_bad(report: StageReport) -> jsonl.OnBad:
    """Count unreadable test rows in a report."""

    def on_bad(bad: jsonl.BadRow) -> None:
        report.rejected[bad.reason] = report.rejected.get(bad.reason, 0) + 1

    return on_bad


if __name__ == "__main__":
    console.run(app)
