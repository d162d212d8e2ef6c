"""Stage `split`: train, val and test of all sources, by group and cluster,
frozen by releases.
"""

from __future__ import annotations

from typing import Annotated

import typer

from afs_stages.core import console, layout

app = console.stage_app("split", "Train, val and test of all sources.")


@app.command()
def split(
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Split the scored rows of every source of params.yaml;
    files of other sources are left alone.
    """
    from afs_stages.core.params import load
    from afs_stages.dataset.splits import split_dataset

    params = load()
    inputs = [layout.scored(name) for name in sorted(params.sources)]
    report = split_dataset(
        inputs,
        layout.SPLITS,
        params.split,
        params.seed,
        releases=layout.RELEASES,
        strict=strict,
    )
    stems = {
        path.stem.removesuffix(".rejects")
        for path in layout.scored("x").parent.glob("*.jsonl")
    }
    left = sorted(stems - set(params.sources))
    if left:
        report.warn(f"not in params.yaml, so not read: {', '.join(left)}")
    report.write(layout.report("split"), layout.run_facts("split"))


if __name__ == "__main__":
    console.run(app)
