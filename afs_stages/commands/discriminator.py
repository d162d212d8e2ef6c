"""`afs discriminator {data,train,score,filter}`: the judge of assembly by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afs_stages.core import console
from afs_stages.core.errors import UserError

if TYPE_CHECKING:
    from afs_stages.core.sample import TrainingSample
    from afs_stages.scoring.context import Context
    from afs_stages.scoring.discriminator.pairs import AssemblyBlock, Pair

app = console.stage_app(
    "discriminator",
    "Tell real assembly from corrupted: make pairs, train, score, filter.",
)

Input = Annotated[
    Path, typer.Option("--input", "-i", help="samples, or a folder of assembly files")
]
Output = Annotated[Path, typer.Option("--output", "-o")]


@app.callback()
def main() -> None:
    """Tell real assembly from corrupted: make pairs, train, score, filter."""


@app.command()
def data(
    input: Input,
    output: Output,
    seed: Annotated[int, typer.Option(help="draws the places of the edits")] = 42,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="only these corruptions; default: all"),
    ] = None,
) -> None:
    """Write real blocks and single-edit corruptions of them, one JSON object a line,
    and beside them what the code base names.
    """
    from afs_stages.core.errors import nearest
    from afs_stages.core.jsonl import open_write, write_json
    from afs_stages.scoring.context import Context
    from afs_stages.scoring.corruptions import KINDS
    from afs_stages.scoring.discriminator.pairs import make_pairs

    for kind in kinds or ():
        if kind not in KINDS:
            raise UserError(f"no corruption '{kind}' ({nearest(kind, list(KINDS))})")
    samples = read_rows(input)
    blocks = blocks_of(samples, input)
    write_json(context_path(output), Context.of(samples).to_dict())
    with open_write(output) as writer:
        for pair in make_pairs(blocks, seed, tuple(kinds or KINDS)):
            writer.write(dict(pair.to_dict()))
    files = len({block.file for block in blocks})
    console.say(
        f"{output}: {len(blocks):,} real blocks of {files:,} files, "
        f"{writer.count - len(blocks):,} corruptions"
    )


def context_path(pairs: Path) -> Path:
    """Where the names of a file of pairs lie: `x.jsonl` -> `x.context.json`."""
    return pairs.with_name(f"{pairs.name.partition('.')[0]}.context.json")


def read_rows(path: Path) -> list[TrainingSample]:
    """The rows of a file, or the routines of a folder's assembly files."""
    from afs_stages.core.jsonl import read_samples, refuse
    from afs_stages.scoring.discriminator.assembly_folder import folder_samples

    if not path.exists():
        raise UserError("no such file or folder", where=str(path))
    if path.is_dir():
        return list(folder_samples(path))
    return list(read_samples(path, refuse))


def blocks_of(samples: list[TrainingSample], path: Path) -> list[AssemblyBlock]:
    """Real blocks of samples; raises `UserError` where there is none."""
    from afs_stages.scoring.discriminator.pairs import real_blocks

    blocks = real_blocks(samples)
    if not blocks:
        raise UserError(
            "no block of assembly in there",
            where=str(path),
            fix="give rows with assembly, or .asm files",
        )
    return blocks


@app.command()
def train(
    data: Annotated[
        Path, typer.Option("--data", "-i", help="pairs of `afs discriminator data`")
    ],
    output: Output,
    kind: Annotated[
        str | None,
        typer.Option(help="electra, ngram or both; default: discriminator.kind"),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="cross-fitting folds; default: discriminator.folds"),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    base: Annotated[
        str | None, typer.Option(help="hub id@revision or folder to start ELECTRA from")
    ] = None,
    seed: Annotated[int, typer.Option()] = 42,
) -> None:
    """Train on pairs, cross-fitted by file; print measures on files the
    models have not seen.
    """
    from afs_stages.core.atomic import atomic_folder
    from afs_stages.core.params.data import Discriminator
    from afs_stages.scoring.discriminator.cross_fit import train_pairs
    from afs_stages.scoring.discriminator.fold_models import save

    given = {"kind": kind, "folds": folds, "epochs": epochs, "base": base}
    chosen = {name: value for name, value in given.items() if value is not None}
    if kind not in (None, "electra", "ngram", "both"):
        raise UserError(f"--kind must be electra, ngram or both, got {kind}")
    pairs = read_pairs(data)
    bundle, measures = train_pairs(
        pairs, context_of(pairs, data), Discriminator.model_validate(chosen), seed
    )
    with atomic_folder(output) as folder:
        save(bundle, folder)
    console.say(
        f"{output}: {measures['blocks']:,} real blocks of {measures['files']:,} files"
    )
    console.say(
        f"  AUC on files not seen {measures['auc']}, calibration error "
        f"{measures['ece']}"
    )
    for name, value in measures["auc_by_kind"].items():
        console.say(f"  {name:14} {value}")


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file; raises `UserError` where a row is none or there are
    fewer than two files.
    """
    from afs_stages.core.jsonl import read_objects, refuse
    from afs_stages.scoring.discriminator.pairs import Pair

    found = []
    for line, row in read_objects(path, refuse):
        if set(row) != {"code", "file", "kind", "of"} or not all(
            isinstance(value, str) for value in row.values()
        ):
            raise UserError(
                "not a pair",
                where=f"{path}:{line}",
                fix="make pairs with `afs discriminator data`",
            )
        found.append(Pair(**row))
    if len({pair.file for pair in found if pair.real}) < 2:
        raise UserError(
            "real code of fewer than two files: nothing to hold out", where=str(path)
        )
    return found


def context_of(pairs: list[Pair], path: Path) -> Context:
    """What the code base of pairs names, as `data` wrote it beside them. Without that
    file only calls are known, by the code itself: names from it alone would call most
    others unknown.
    """
    from afs_stages.core.console import warn
    from afs_stages.core.jsonl import read_json
    from afs_stages.core.sample import TrainingSample
    from afs_stages.scoring.context import Context

    beside = context_path(path)
    if beside.is_file():
        return Context.from_manifest({"context": read_json(beside)})
    warn(f"{beside}: not there, so no names are known and names get no evidence")
    real = [pair for pair in pairs if pair.real]
    samples = [
        TrainingSample(instruction="", output=f"```asm\n{pair.code}\n```")
        for pair in real
    ]
    return Context(calls=Context.of(samples).calls)


@app.command()
def score(
    model: Annotated[Path, typer.Option("--model", "-m", help="discriminator folder")],
    input: Input,
    output: Output,
    histogram: Annotated[bool, typer.Option("--histogram")] = False,
) -> None:
    """Score a file of samples with a discriminator (all signals;
    quality_score is written).
    """
    _score(model, input, output, 0.0, None, histogram)


@app.command()
def filter(
    model: Annotated[Path, typer.Option("--model", "-m", help="discriminator folder")],
    input: Input,
    output: Output,
    min_score: Annotated[float, typer.Option("--min-score", min=0, max=1)] = 0.5,
    rejected: Annotated[
        Path | None, typer.Option(help="default: x.rejected.jsonl beside the output")
    ] = None,
) -> None:
    """Keep samples that reach the minimum; the others go, with reasons,
    to a file of their own.
    """
    _score(
        model,
        input,
        output,
        min_score,
        rejected or output.with_name(f"{output.stem}.rejected.jsonl"),
        False,
    )


def _score(
    model: Path,
    input: Path,
    output: Path,
    least: float,
    rejected: Path | None,
    histogram: bool,
) -> None:
    from dataclasses import replace

    from afs_stages.scoring.config import ScoringConfig
    from afs_stages.scoring.score_files import score_jsonl

    config = replace(ScoringConfig.from_profile("generic"), electra_model_path=model)
    summary = score_jsonl(input, output, config, least, rejected_path=rejected)
    for line in summary.lines(output, histogram):
        console.say(line)


if __name__ == "__main__":
    console.run(app)
