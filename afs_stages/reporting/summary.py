"""The summary at the end of a run: rows per stage, what was dropped and why,
what the models learnt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afs_stages.core import jsonl, layout
from afs_stages.core.params import Params
from afs_stages.reporting import evaluation_text as evaluation
from afs_stages.reporting.run_reports import RunReports, read_reports
from afs_stages.reporting.table import table

LOSSES_WIDTH = 72
"""Characters for what a stage left out: with the columns before it a line of
about a hundred.
"""


def summary(params: Params, root: Path = Path()) -> str:
    """The whole summary as text."""
    collected = read_reports(params, root)
    parts = [
        _rows(collected, root),
        *[_model(name, params, collected, root) for name in params.models],
    ]
    if (root / layout.PAGE).is_file():
        parts.append(f"The report with its pictures: {layout.PAGE}")
    if collected.missing:
        parts.append(f"Not run yet: {', '.join(collected.missing)}. Next: dvc repro")
    return "\n\n".join(parts)


def _rows(collected: RunReports, root: Path) -> str:
    rows = []
    for report in collected.reports:
        name = layout.stage_name(report["stage"], report["key"])
        seconds = _seconds(root / layout.run_facts(report["stage"], report["key"]))
        rows.append(
            [
                name,
                f"{report['rows_in']:,}",
                f"{report['rows_out']:,}",
                seconds,
                _losses(report),
            ]
        )
    return table(
        ["stage", "in", "out", "s", "left out, and why"], rows, right="in,out,s"
    )


def _losses(report: dict[str, Any]) -> str:
    counts = {**report["dropped"], **report["rejected"]}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {reason}" for reason, count in ordered]
    shown = next(
        n
        for n in range(len(told), -1, -1)
        if n < 2 or len(", ".join(told[:n])) <= LOSSES_WIDTH
    )
    return ", ".join([*told[:shown], *(["…"] if shown < len(told) else [])])


def _seconds(path: Path) -> str:
    return f"{jsonl.read_json(path)['seconds']:.1f}" if path.is_file() else ""


def _model(name: str, params: Params, collected: RunReports, root: Path) -> str:
    title = f"{name} {params.models[name].version}"
    report = collected.of("evaluate", name)
    if report is None:
        lines = [f"{title}: not evaluated yet"]
    else:
        lines = [title, *("  " + line for line in evaluation.lines(report))]
        lines.append(f"  adapter    {layout.adapter(name)}")
        lines.append(f"  data card  {layout.datacard(name)}")
    if (root / layout.rented_page(name)).is_file():
        lines.append(f"  rented GPU {layout.rented_page(name)}")
    return "\n".join(lines)
