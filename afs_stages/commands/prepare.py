"""`afs training prepare`: files into train, val and test that do not leak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from afs_stages.core import console, layout

app = console.stage_app("prepare", "Files into train, val and test that do not leak.")


@app.command()
def prepare(
    input: Annotated[
        list[Path],
        typer.Option("--input", "-i", help="JSONL files of samples (repeat)."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for train, val and test.")
    ],
    train_ratio: Annotated[float, typer.Option(help="Share of train.")] = 0.8,
    val_ratio: Annotated[
        float, typer.Option(help="Share of val; test is the rest.")
    ] = 0.1,
    stratify_by: Annotated[
        Literal["domain", "source"], typer.Option(help="Keep the ratios within each.")
    ] = "domain",
    group_by: Annotated[
        Literal["group", "none"], typer.Option(help="What must stay together.")
    ] = "group",
    near: Annotated[
        bool,
        typer.Option(
            "--near-duplicates/--no-near-duplicates",
            help="Keep near-duplicates together, and few.",
        ),
    ] = True,
    seed: Annotated[int, typer.Option(help="Decides the assignment.")] = 42,
    releases: Annotated[
        Path, typer.Option(help="Releases whose assignments hold.")
    ] = layout.RELEASES,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Split files of samples by group and near-duplicate cluster, by hash; released
    rows keep their part.
    """
    from pydantic import ValidationError

    from afs_stages.core.errors import UserError, first_problem
    from afs_stages.core.params.data import Split
    from afs_stages.dataset.splits import split_dataset

    try:
        params = Split(train=train_ratio, val=val_ratio, stratify_by=stratify_by)
    except ValidationError as error:
        raise UserError(
            first_problem(error), where="--train-ratio, --val-ratio"
        ) from None
    report = split_dataset(
        input,
        output,
        params,
        seed,
        releases=releases,
        group_by=group_by,
        find_near=near,
        strict=strict,
    )
    report.write(None)
    console.say(
        "  ".join(f"{part} {count:,}" for part, count in report.values["parts"].items())
    )


if __name__ == "__main__":
    console.run(app)
