"""Can a model tell real assembly from single-edit corruptions?
AUC by file-grouped folds, rivals on the same folds.

    python benchmarks/discriminator/run.py --code PATH_OF_A_CHECKOUT \\
        --output docs/quality/discriminator.json

`--electra-folds N` trains ELECTRA on the first N of the folds only (a fold costs
minutes on a CPU); its row then says so, and the discriminator is given on those folds
too. `--harder` adds, for the first seed, what a fold by file leaves open: folders held
out, routines unlike any trained on, kinds of edits never trained on; `--other PATH`
judges another code base.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import harder
import whole_text
from measures import row

from afs_stages.asm.opcode_table import assemble
from afs_stages.core.jsonl import write_json
from afs_stages.core.params.data import Discriminator
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.cross_fit import fit_model, train_pairs
from afs_stages.scoring.discriminator.fold_models import FoldModels
from afs_stages.scoring.discriminator.pairs import (
    AssemblyBlock,
    Pair,
    file_folds,
    make_pairs,
    real_blocks,
)
from afs_stages.scoring.evidence import evidence
from afs_stages.scoring.scorer import CODE_SIGNALS, SURE
from afs_stages.scoring.static import findings, static_score

FOLDS = 5
NGRAM = Discriminator(kind="ngram", folds=FOLDS)


def static_values(pairs: Sequence[Pair], context: Context) -> list[float]:
    return [
        static_score(findings(p.code, context.calls), p.code.count("\n") + 1)
        for p in pairs
    ]


def worst_statements(
    bundle: FoldModels, pairs: Sequence[Pair], fold: Sequence[int]
) -> list[float]:
    """How good the worst statement is, by the model that did not see the file; the
    static checker has no part.
    """
    models = [models["ngram"] for models in bundle.models]
    return [-max(models[f].suspects(p.code)) for p, f in zip(pairs, fold, strict=True)]  # type: ignore[attr-defined]


def scored(
    chances: Sequence[float], static: Sequence[float], table: Sequence[float]
) -> list[float]:
    """The three signals of code as the scorer weighs them."""
    odds = []
    for one, sound, assembles in zip(chances, static, table, strict=True):
        sure = min(max(one, SURE), 1 - SURE)
        measures = {
            "chance": log(sure / (1 - sure)),
            "findings": log(max(sound, SURE)),
            "assembles": assembles,
        }
        odds.append(sum(evidence(name, measures) or 0.0 for name in CODE_SIGNALS))
    return odds


def one_seed(
    blocks: Sequence[AssemblyBlock],
    context: Context,
    seed: int,
    given: argparse.Namespace,
) -> dict[str, object]:
    pairs = list(make_pairs(blocks, seed))
    folds = file_folds(blocks, FOLDS, seed)
    fold, codes = [folds[p.file] for p in pairs], [p.code for p in pairs]
    started = time.perf_counter()
    bundle, measures = train_pairs(pairs, context, NGRAM, seed)
    seconds = {"discriminator, five folds": round(time.perf_counter() - started, 1)}
    chances = bundle.score(codes, [p.file for p in pairs])
    static = static_values(pairs, context)
    table = [assemble(code).score for code in codes]
    whole = whole_text.held_out(codes, [p.real for p in pairs], fold)
    values = {
        "table": table,
        "static, calls of the code base unknown": static_values(pairs, Context()),
        "static": static,
        "n-grams of the whole text": whole,
        "n-grams of the whole text + static": [
            w + 2 * log(s) for w, s in zip(whole, static, strict=True)
        ],
        "the discriminator's worst statement": worst_statements(bundle, pairs, fold),
        "discriminator": chances,
        "discriminator, static and table as the scorer weighs them": scored(
            chances, static, table
        ),
    }
    rows = {name: row(pairs, found) for name, found in values.items()}
    if given.electra_folds and seed == given.seeds[0]:
        electra, seconds["electra"] = electra_values(pairs, fold, context, given, seed)
        first = [i for i, f in enumerate(fold) if f < given.electra_folds]
        name = f"on {given.electra_folds} of {FOLDS} folds: "
        rows |= {
            name + "electra": row(pairs, electra, first),
            name + "discriminator": row(pairs, chances, first),
        }
        rows[name + "n-grams of the whole text"] = row(pairs, whole, first)
    return {
        "seed": seed,
        "pairs": len(pairs),
        "seconds": seconds,
        "ece": measures["ece"],
        "rows": rows,
    }


def electra_values(
    pairs: Sequence[Pair],
    fold: Sequence[int],
    context: Context,
    given: argparse.Namespace,
    seed: int,
) -> tuple[list[float], float]:
    """(held-out log-odds on the first folds, seconds)."""
    started, values = time.perf_counter(), [0.0] * len(pairs)
    settings = Discriminator(kind="electra", epochs=given.epochs)
    for number in range(given.electra_folds):
        others = [p for p, f in zip(pairs, fold, strict=True) if f != number]
        mine = [i for i, f in enumerate(fold) if f == number]
        model = fit_model("electra", others, context, settings, seed)
        for i, value in zip(
            mine, model.score([pairs[i].code for i in mine]), strict=True
        ):
            values[i] = value
    return values, round(time.perf_counter() - started, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--electra-folds", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--harder", action="store_true")
    parser.add_argument("--other", type=Path)
    given = parser.parse_args()
    samples = list(folder_samples(given.code))
    blocks, context = real_blocks(samples), Context.of(samples)
    unique = list({block.key: replace(block) for block in blocks}.values())
    result: dict[str, object] = {
        "blocks": len(unique),
        "files": len({b.file for b in unique}),
    }
    runs = [one_seed(unique, context, seed, given) for seed in given.seeds]
    result["runs"] = runs
    for run in runs:
        for name, found in run["rows"].items():  # type: ignore[attr-defined]
            print(
                f"seed {run['seed']} {name:58} all {found['all']} "
                f"{found['all_interval']} sem {found['semantic']}"
            )
    if given.harder:
        result["harder"] = harder.measures(unique, context, given.seeds[0], given.other)
        print(result["harder"])
    write_json(given.output, result)


if __name__ == "__main__":
    main()
