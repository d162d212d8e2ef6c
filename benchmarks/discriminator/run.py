"""Can a model tell real assembly from single-edit corruptions? AUC by file-grouped folds, rivals on the same folds.

    python benchmarks/discriminator/run.py --code PATH_OF_A_CHECKOUT --output docs/quality/discriminator.json

`--electra-folds N` trains ELECTRA on the first N of the folds only (a fold costs minutes on a CPU);
its row then says so, and the rivals are given on those folds too.
"""

from __future__ import annotations

import argparse
import random
import time
from math import log
from pathlib import Path

from afs_stages.core.jsonl import write_json
from afs_stages.core.params.data import Discriminator
from afs_stages.quality.context import Context
from afs_stages.quality.corruptions import KINDS, SEMANTIC
from afs_stages.quality.discriminator.calibration import auc
from afs_stages.quality.discriminator.folder import folder_samples
from afs_stages.quality.discriminator.pairs import Pair, file_folds, make_pairs, real_blocks
from afs_stages.quality.discriminator.train import fit_model
from afs_stages.quality.static import findings, static_score
from afs_stages.quality.table import assemble

FOLDS = 5


def static_values(pairs: list[Pair], context: Context) -> list[float]:
    return [log(static_score(findings(p.code, context.calls), p.code.count("\n") + 1)) for p in pairs]


def cross_fitted(name: str, pairs: list[Pair], fold: list[int], folds: int, seed: int, epochs: int) -> list[float]:
    values = [0.0] * len(pairs)
    settings = Discriminator(kind="electra", epochs=epochs)
    for number in range(folds):
        model = fit_model(name, [p for p, f in zip(pairs, fold, strict=True) if f != number], settings, seed)
        mine = [i for i, f in enumerate(fold) if f == number]
        for i, value in zip(mine, model.score([pairs[i].code for i in mine]), strict=True):
            values[i] = value
    return values


def interval(pairs: list[Pair], values: list[float], chosen: list[int], rounds: int = 200) -> list[float]:
    """2.5 and 97.5 percentiles of AUC over resamples of files."""
    by_file: dict[str, list[int]] = {}
    for i in chosen:
        by_file.setdefault(pairs[i].file, []).append(i)
    names, rng, found = sorted(by_file), random.Random(0), []
    for _ in range(rounds):
        picked = [i for name in rng.choices(names, k=len(names)) for i in by_file[name]]
        value = auc([values[i] for i in picked], [pairs[i].real for i in picked])
        found += [] if value is None else [value]
    found.sort()
    return [round(found[int(0.025 * len(found))], 3), round(found[int(0.975 * len(found)) - 1], 3)]


def row(pairs: list[Pair], values: list[float], where: set[int], fold: list[int]) -> dict[str, object]:
    """AUC over all kinds, over the semantic ones, by kind."""

    def over(kinds: tuple[str, ...]) -> list[int]:
        return [i for i, p in enumerate(pairs) if fold[i] in where and (p.real or p.kind in kinds)]

    def measure(kinds: tuple[str, ...]) -> float:
        chosen = over(kinds)
        return round(auc([values[i] for i in chosen], [pairs[i].real for i in chosen]) or 0.0, 3)

    return {
        "all": measure(KINDS), "all_interval": interval(pairs, values, over(KINDS)),
        "semantic": measure(SEMANTIC), "semantic_interval": interval(pairs, values, over(SEMANTIC)),
        "kinds": {kind: measure((kind,)) for kind in KINDS},
    }  # fmt: skip


def one_seed(blocks: list, context: Context, seed: int, electra_folds: int, epochs: int) -> dict[str, object]:  # type: ignore[type-arg]
    pairs = list(make_pairs(blocks, seed))
    folds = file_folds(blocks, FOLDS, seed)
    fold = [folds[p.file] for p in pairs]
    everywhere = set(range(FOLDS))
    started = time.perf_counter()
    ngram = cross_fitted("ngram", pairs, fold, FOLDS, seed, epochs)
    seconds = {"ngram": round(time.perf_counter() - started, 1)}
    static, blind = static_values(pairs, context), static_values(pairs, Context())
    table = [0.0 if assemble(p.code).state == "error" else 1.0 for p in pairs]
    both = [n + 2 * s for n, s in zip(ngram, static, strict=True)]
    rows = {
        "table": row(pairs, table, everywhere, fold),
        "static, calls of the code base unknown": row(pairs, blind, everywhere, fold),
        "static": row(pairs, static, everywhere, fold),
        "ngram": row(pairs, ngram, everywhere, fold),
        "ngram + static": row(pairs, both, everywhere, fold),
        "ngram + static + table": row(pairs, [b + 8 * t for b, t in zip(both, table, strict=True)], everywhere, fold),
    }
    if electra_folds:
        first = set(range(electra_folds))
        started = time.perf_counter()
        electra = cross_fitted("electra", pairs, fold, electra_folds, seed, epochs)
        seconds["electra"] = round(time.perf_counter() - started, 1)
        name = f"on {electra_folds} of {FOLDS} folds: "
        rows[name + "electra"] = row(pairs, electra, first, fold)
        rows[name + "ngram"] = row(pairs, ngram, first, fold)
        mixed = [e + n for e, n in zip(electra, ngram, strict=True)]
        rows[name + "electra + ngram"] = row(pairs, mixed, first, fold)
        full = [e + b + 8 * t for e, b, t in zip(electra, both, table, strict=True)]
        rows[name + "electra + ngram + static + table"] = row(pairs, full, first, fold)
    return {"seed": seed, "pairs": len(pairs), "seconds": seconds, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--electra-folds", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    samples = list(folder_samples(given.code))
    blocks, context = real_blocks(samples), Context.of(samples)
    unique = list({block.key: block for block in blocks}.values())
    runs = []
    for seed in given.seeds:
        runs.append(one_seed(unique, context, seed, given.electra_folds if seed == given.seeds[0] else 0, given.epochs))
        for name, values in runs[-1]["rows"].items():  # type: ignore[attr-defined]
            print(f"seed {seed} {name:48} all {values['all']} {values['all_interval']}  semantic {values['semantic']}")
        write_json(given.output, {"blocks": len(unique), "files": len({b.file for b in unique}), "runs": runs})


if __name__ == "__main__":
    main()
