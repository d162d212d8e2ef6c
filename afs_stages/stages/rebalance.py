"""Stage `rebalance@<model>`: new and rehearsed rows in the shares that
params.yaml asks for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from afs_stages.core import console, layout

app = console.stage_app("rebalance", "New and rehearsed rows in the shares asked for.")


@app.command()
def rebalance(
    model: Annotated[
        str, typer.Option("--model", help="Which block of `models` in params.yaml.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a mix that misses its weights.")
    ] = False,
) -> None:
    """Mix a model's fitted rows and its rehearsal buffer by weight."""
    from afs_stages.core.params import load
    from afs_stages.dataset.rebalance import describe_total, rebalance_model

    params = load()
    block = params.model(model)
    report = rebalance_model(model, block, params.seed, strict)
    report.write(
        layout.report("rebalance", model), layout.run_facts("rebalance", model)
    )
    told = describe_total(model, block, report)
    if told:
        console.say(told)


by_hand = console.stage_app("rebalance", "Mix files by source or domain.")


@by_hand.command()
def rebalance_files(
    input: Annotated[
        list[Path],
        typer.Option("--input", "-i", help="JSONL files of samples (repeat)."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mix.")],
    weight: Annotated[
        list[str] | None, typer.Option("--weight", help="group=share (repeat).")
    ] = None,
    group_by: Annotated[
        Literal["source", "domain"], typer.Option(help="What the weights name.")
    ] = "source",
    min_quality_score: Annotated[
        float | None, typer.Option(help="Leave rows below it out.")
    ] = None,
    max_total: Annotated[int | None, typer.Option(min=1, help="Rows in all.")] = None,
    max_per_domain: Annotated[
        int | None, typer.Option(min=1, help="Rows of one domain.")
    ] = None,
    allow_oversample: Annotated[
        bool, typer.Option("--allow-oversample", help="Repeat rows of small groups.")
    ] = False,
    max_repeats: Annotated[
        int, typer.Option(min=1, help="Times a row may stand, with --allow-oversample.")
    ] = 5,
    include_unweighted: Annotated[
        bool, typer.Option("--include-unweighted", help="Unweighted groups too.")
    ] = False,
    temperature: Annotated[
        float | None, typer.Option(min=0.01, help="p ~ n^(1/t) instead of the weights.")
    ] = None,
    within: Annotated[
        Literal["quality", "quality_diversity", "random"],
        typer.Option(help="Which rows of a group are drawn."),
    ] = "quality",
    append: Annotated[
        list[Path] | None, typer.Option(help="Files added whole (repeat).")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Decides the order and random choices.")
    ] = 42,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a mix that misses its weights.")
    ] = False,
) -> None:
    """Mix JSONL files by weight: shares are exact to rounding,
    or the command says what is short.

    A file of a rehearsal buffer forms the group `rehearsal`.
    """
    from afs_stages.core.params.data import Rebalance
    from afs_stages.dataset.rebalance import rebalance_files as room

    params = Rebalance(
        within=within,
        max_total=max_total,
        max_per_domain=max_per_domain,
        oversample=max_repeats if allow_oversample else 1,
        temperature=temperature,
    )
    report = room(
        input,
        output,
        weights(weight or []),
        params,
        seed,
        group_by=group_by,
        min_score=min_quality_score,
        include_unweighted=include_unweighted or not weight,
        append=append or [],
        strict=strict,
    )
    report.write(None)
    for name, share in report.values["shares"].items():
        console.say(f"{name:<20} {report.values['groups'][name]:>9,} rows  {share:.4f}")
    if report.values["limited_by"]:
        console.say(
            f"limited by {report.values['limited_by']}, of which every row is drawn"
        )


def weights(options: list[str]) -> dict[str, float]:
    """`oracle=0.35` options as a mapping. Raises `UserError` for anything else."""
    from afs_stages.core.errors import UserError

    found = {}
    for option in options:
        name, _, value = option.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = -1
        if found[name] < 0:
            raise UserError(
                f"not a weight: '{option}'",
                where="--weight",
                fix="--weight oracle=0.35",
            )
    return found


if __name__ == "__main__":
    console.run(app)
