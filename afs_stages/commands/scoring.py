"""`afs scoring score`: quality scores for a file of samples."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console

if TYPE_CHECKING:
    from afs_stages.scoring.config import ScoringConfig
    from afs_stages.scoring.context import Context

app = console.stage_app(
    "scoring",
    "Score samples: does the answer answer, is the code sound, do the names exist.",
)


class ScoreProfile(StrEnum):
    """Which weights a sample gets."""

    generic = "generic"
    dialogue = "dialogue"
    fact = "fact"
    asm = "asm"


class Assembler(StrEnum):
    """What checks assembly."""

    table = "table"
    asar = "asar"


@app.callback()
def main() -> None:
    """Score samples: whether answer, code and names are what they should be."""


@app.command()
def score(
    input: Annotated[
        Path, typer.Option("--input", "-i", help="samples (JSONL, .gz and .zst too)")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="samples that reach the minimum, scored"),
    ],
    min_score: Annotated[
        float, typer.Option("--min-score", "--min-quality-score", min=0, max=1)
    ] = 0.0,
    rejected: Annotated[
        Path | None,
        typer.Option(help="where rows below the minimum go, with the reason"),
    ] = None,
    score_profile: Annotated[
        ScoreProfile, typer.Option(help="weights and expected length")
    ] = ScoreProfile.generic,
    model: Annotated[
        Path | None,
        typer.Option("--model", "--electra-model", help="discriminator folder"),
    ] = None,
    no_discriminator: Annotated[
        bool,
        typer.Option(
            "--no-discriminator", "--no-electra", help="leave the discriminator out"
        ),
    ] = False,
    no_assembler: Annotated[
        bool,
        typer.Option("--no-assembler", "--no-asar", help="leave the assembler out"),
    ] = False,
    no_veto: Annotated[
        list[str] | None,
        typer.Option(help="a certain fault that sets no row aside; may be repeated"),
    ] = None,
    assembler: Annotated[
        Assembler, typer.Option(help="table needs nothing; asar is yours")
    ] = Assembler.table,
    asar: Annotated[
        str, typer.Option(help="path of libasar or asar; default: ASAR, then PATH")
    ] = "",
    codebase: Annotated[
        Path | None,
        typer.Option(help="root of the code base whose names and addresses count"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="processes; 0: one for each processor")
    ] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per batch")] = 256,
    cache: Annotated[
        Path | None,
        typer.Option(help="keep scores here: a resumed run skips rows it has seen"),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="stop at the first bad row")
    ] = False,
    histogram: Annotated[
        bool, typer.Option("--histogram", help="draw how the scores are spread")
    ] = False,
) -> None:
    """Score samples; write those that reach the minimum,
    and the others with their reasons.
    """
    from dataclasses import replace

    from afs_stages.scoring.config import ScoringConfig
    from afs_stages.scoring.score_files import score_jsonl
    from afs_stages.scoring.scorer import QualityScorer

    config: ScoringConfig = replace(
        ScoringConfig.from_profile(score_profile.value),
        electra_model_path=model,
        use_electra=not no_discriminator,
        assembler="off" if no_assembler else assembler.value,
        vetoes=vetoes_without(no_veto or []),
        asar=asar,
        workers=workers,
    )
    scorer = QualityScorer(config)
    if codebase:
        scorer = QualityScorer(config, scorer.context.merged(known_of(codebase)))
    summary = score_jsonl(
        input,
        output,
        config,
        min_score,
        rejected_path=rejected,
        cache_path=cache,
        batch_rows=batch_size,
        strict=strict,
        scorer=scorer,
    )
    for line in summary.lines(output, histogram):
        console.say(line)


def vetoes_without(names: list[str]) -> tuple[str, ...]:
    """The vetoes that stay; raises `UserError` for a name that is none."""
    from afs_stages.core.errors import UserError, nearest
    from afs_stages.scoring.config import VETOES

    for name in names:
        if name not in VETOES:
            raise UserError(f"no veto '{name}' ({nearest(name, list(VETOES))})")
    return tuple(veto for veto in VETOES if veto not in names)


def known_of(root: Path) -> Context:
    """What a code base defines: its names, and the addresses of its variables."""
    from afs_stages.codebase.facts.symbols import collect
    from afs_stages.scoring.context import Context
    from afs_stages.scoring.entities import Known, normalise

    symbols = collect(root)
    names = (
        symbols.labels
        | symbols.macros
        | set(symbols.addresses)
        | {name.lstrip("!") for name in symbols.defines}
    )
    addresses = {normalise(f"{value:06X}") for value in symbols.addresses.values()}
    return Context(
        Known(frozenset(names), frozenset(place for place in addresses if place))
    )


if __name__ == "__main__":
    console.run(app)
