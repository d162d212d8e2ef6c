"""Stage `export@<source>`: a source's files become samples."""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("export", "A source's files become samples.")


@app.command()
def export(
    source: Annotated[
        str, typer.Option("--source", help="Which block of `sources` in params.yaml.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Export one source of params.yaml to data/exported/<source>.jsonl."""
    from afs_stages.core.params import load
    from afs_stages.sources.export import from_params, run

    params = load()
    params.require_source(source)
    generator = from_params(source, params)
    report = run(generator, layout.exported(source), strict=strict)
    report.write(layout.report("export", source), layout.run_facts("export", source))


if __name__ == "__main__":
    console.run(app)
