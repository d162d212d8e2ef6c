"""Stage `score@<source>`: every exported row gets its quality score; rows below the
minimum are set aside.

python -m afs_stages.stages.score --source oracle
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout
from afs_stages.core.params import load
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "score", "Score a source's exported rows; set aside those below the minimum."
)


@app.command()
def score(
    source: Annotated[str, typer.Option(help="block under `sources` in params.yaml")],
) -> None:
    """Score a source's exported rows; set aside those below the minimum."""
    from afs_stages.scoring.config import ScoringConfig
    from afs_stages.scoring.score_files import score_jsonl

    loaded = load()
    loaded.require_source(source)
    params = loaded.quality
    report = StageReport("score", source)
    summary = score_jsonl(
        layout.exported(source),
        layout.scored(source),
        ScoringConfig.from_params(params, layout.ELECTRA),
        params.min_score,
        rejected_path=layout.rejected(source),
        cache_path=layout.score_cache(source),
    )
    report.rows_in = summary.rows_in + sum(summary.rejected.values())
    report.rows_out, report.rejected = summary.kept, summary.rejected
    for reason, count in sorted(summary.dropped.items()):
        report.drop(reason, count)
    report.values = summary.to_dict()
    report.facts = {
        "scored": summary.rows_in - summary.cached,
        "known_before": summary.cached,
    }
    if summary.damaged_caches:
        report.facts["damaged_caches"] = summary.damaged_caches
    report.write(layout.report("score", source), layout.run_facts("score", source))


if __name__ == "__main__":
    console.run(app)
