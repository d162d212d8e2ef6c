"""`afs training rehearsal-build` and `rehearsal-mix`:
the buffer made and mixed by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from afs_stages.core import console, layout

build = console.stage_app(
    "rehearsal-build", "Build a rehearsal buffer from a version's rows."
)
mix = console.stage_app("rehearsal-mix", "Mix a rehearsal buffer into new rows.")


@build.command()
def rehearsal_build(
    input: Annotated[
        list[Path],
        typer.Option("--input", "-i", help="The version's training rows (repeat)."),
    ],
    version: Annotated[
        str, typer.Option("--version", help="Which version they trained, such as v4.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The buffer.")],
    top_ratio: Annotated[
        float, typer.Option(help="Best share of the whole version.")
    ] = 0.3,
    quality_threshold: Annotated[
        float, typer.Option(help="Rows below it never enter.")
    ] = 0.5,
    max_per_domain: Annotated[
        int | None, typer.Option(min=1, help="Rows of one domain.")
    ] = None,
    policy: Annotated[
        Literal["top_quality", "random", "quality_diversity"], typer.Option()
    ] = "top_quality",
    diversity: Annotated[
        bool, typer.Option("--diversity/--no-diversity", help="Choose within domains.")
    ] = True,
    compress: Annotated[bool, typer.Option("--compress", help="Save as .zst.")] = False,
    releases: Annotated[
        Path, typer.Option(help="Releases whose val and test rows must not enter.")
    ] = layout.RELEASES,
    seed: Annotated[int, typer.Option(help="Decides random choices.")] = 42,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unreadable row.")
    ] = False,
) -> None:
    """Keep the best rows of a version, to be mixed into the next one's training set."""
    from pydantic import ValidationError

    from afs_stages.core.errors import UserError, first_problem
    from afs_stages.core.params import load
    from afs_stages.core.params.data import NearDuplicates, Selection
    from afs_stages.dataset.buffer import compressed
    from afs_stages.dataset.leakage import held_out_files
    from afs_stages.dataset.rehearse import rehearse_files

    try:
        selection = Selection(
            policy=policy,
            quality_threshold=quality_threshold,
            top_ratio=top_ratio,
            max_per_domain=max_per_domain,
        )
    except ValidationError as error:
        raise UserError(first_problem(error), where="rehearsal-build") from None
    target = compressed(output) if compress else output
    # The pipeline's own settings say what is nearly a held-out row,
    # where there is a pipeline.
    near = load().split.near_duplicates if layout.PARAMS.is_file() else NearDuplicates()
    report = rehearse_files(
        input,
        version,
        target,
        selection,
        near,
        seed,
        spread=diversity,
        held_out=held_out_files(releases),
        strict=strict,
    )
    report.write(None)
    for name, count in report.values["domains"].items():
        console.say(f"{name:<20} {count:>9,} rows")
    console.say(f"written: {target}")


@mix.command()
def rehearsal_mix(
    buffer: Annotated[Path, typer.Option(help="The buffer that rehearsal-build made.")],
    new_data: Annotated[list[Path], typer.Option(help="The new rows (repeat).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mix.")],
    rehearsal_ratio: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the result that is old.")
    ] = 0.3,
    shuffle: Annotated[
        bool, typer.Option("--shuffle/--no-shuffle", help="Mix the order too.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Decides the order.")] = 42,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a share that is missed.")
    ] = False,
) -> None:
    """Mix the buffer's best rows into new ones so that they are the given
    share of the result.
    """
    from afs_stages.dataset.rebalance import mix_buffer_files

    report = mix_buffer_files(
        buffer, new_data, output, rehearsal_ratio, shuffle, seed, strict
    )
    report.write(None)
    console.say(f"share of rehearsal: {report.values['share']:.3f}")
