"""Stage `discriminator-rows`: the rows that the discriminator learns from,
whichever sources there are.
"""

from __future__ import annotations

from afs_stages.core import console, layout
from afs_stages.core.stage_report import StageReport

app = console.stage_app(
    "discriminator-rows", "The rows that the discriminator learns from."
)


@app.command()
def discriminator_rows() -> None:
    """Copy the exported rows of `discriminator.source` to
    data/discriminator-rows.jsonl; none where that source is not there.

    A stage of its own, so that the pipeline still runs when the source's block is
    removed, and so that the discriminator is trained again only when these rows change.
    """
    from afs_stages.core.atomic import write_bytes
    from afs_stages.core.params import load

    params = load()
    source = params.discriminator.source
    report = StageReport("discriminator-rows")
    data = layout.exported(source).read_bytes() if source in params.sources else b""
    report.rows_in = report.rows_out = data.count(b"\n")
    if source not in params.sources:
        report.warn(
            f"discriminator.source '{source}' is not among the sources: "
            "no discriminator will be trained"
        )
    write_bytes(layout.DISCRIMINATOR_ROWS, data)
    report.write(
        layout.report("discriminator-rows"), layout.run_facts("discriminator-rows")
    )


if __name__ == "__main__":
    console.run(app)
