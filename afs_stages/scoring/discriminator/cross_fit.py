"""Cross-fitted training: neither fold k's models nor their calibration see
a file of fold k.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from afs_stages.core.params.data import Discriminator as Settings
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.calibration import (
    Calibration,
    auc,
    expected_calibration_error,
)
from afs_stages.scoring.discriminator.fold_models import FoldModels, Judge
from afs_stages.scoring.discriminator.pairs import (
    AssemblyBlock,
    Pair,
    file_folds,
    make_pairs,
)

KINDS_OF = {"electra": ("electra",), "ngram": ("ngram",), "both": ("electra", "ngram")}
MIN_FILES = 2


def train_bundle(
    blocks: Sequence[AssemblyBlock], context: Context, settings: Settings, seed: int
) -> tuple[FoldModels, dict[str, Any]]:
    """(discriminator, measures on held-out files) from real blocks.

    Fewer than two files with code give a discriminator without models; whatever scores
    with it says that no model was trained.
    """
    files = sorted({block.file for block in blocks})
    if len(files) < MIN_FILES:
        return FoldModels(
            settings.kind, [], [], context=context, source=settings.source
        ), {
            "blocks": len(blocks),
            "files": len(files),
        }
    return train_pairs(list(make_pairs(blocks, seed)), context, settings, seed)


def train_pairs(
    pairs: Sequence[Pair], context: Context, settings: Settings, seed: int
) -> tuple[FoldModels, dict[str, Any]]:
    """The same from ready pairs; `context` is kept with the models for the scorer."""
    real = [AssemblyBlock(pair.code, pair.file) for pair in pairs if pair.real]
    folds = file_folds(
        real, min(settings.folds, len({block.file for block in real})), seed
    )
    names = KINDS_OF[settings.kind]
    fold_of = [folds[pair.file] for pair in pairs]
    models: list[dict[str, Judge]] = []
    odds: dict[str, list[float]] = {name: [0.0] * len(pairs) for name in names}
    for fold in range(max(folds.values()) + 1):
        mine = [i for i, own in enumerate(fold_of) if own == fold]
        others = [pair for pair, own in zip(pairs, fold_of, strict=True) if own != fold]
        models.append(
            {
                name: fit_model(name, others, context, settings, seed + fold)
                for name in names
            }
        )
        for name in names:
            for i, value in zip(
                mine,
                models[fold][name].score([pairs[i].code for i in mine]),
                strict=True,
            ):
                odds[name][i] = value
    scales = [
        {name: _calibrated(odds[name], pairs, fold_of, fold) for name in names}
        for fold in range(len(models))
    ]
    held_out = {
        name: [
            scales[fold][name](value)
            for value, fold in zip(odds[name], fold_of, strict=True)
        ]
        for name in names
    }
    bundle = FoldModels(
        settings.kind,
        models,
        scales,
        folds,
        {block.key: folds[block.file] for block in real},
        context,
        settings.source,
        _fingerprint(pairs, settings, seed),
    )
    return bundle, {
        "blocks": len(real),
        "files": len(folds),
        "pairs": len(pairs),
        **_measures(pairs, held_out),
    }


def _calibrated(
    odds: Sequence[float], pairs: Sequence[Pair], fold_of: Sequence[int], fold: int
) -> Calibration:
    """What the other folds' models said of files they had not seen
    calibrates this fold's.
    """
    other = [i for i, own in enumerate(fold_of) if own != fold]
    return Calibration.fit([odds[i] for i in other], [pairs[i].real for i in other])


def fit_model(
    name: str, pairs: Sequence[Pair], context: Context, settings: Settings, seed: int
) -> Any:
    """One model of a kind, `ngram` or `electra`, trained on pairs."""
    if name == "ngram":
        from afs_stages.scoring.discriminator.ngram import NgramModel

        return NgramModel.fit(pairs, context.calls, seed)
    from afs_stages.scoring.discriminator.electra import ElectraModel

    return ElectraModel.fit(pairs, settings, seed)


def _measures(
    pairs: Sequence[Pair], held_out: dict[str, list[float]]
) -> dict[str, Any]:
    """AUC over all corruptions and by kind, and calibration error,
    of scores on held-out files.
    """
    chances = [
        sum(values) / len(values) for values in zip(*held_out.values(), strict=True)
    ]
    real = [pair.real for pair in pairs]
    by_kind = {}
    for kind in sorted({pair.kind for pair in pairs if pair.kind}):
        chosen = [i for i, pair in enumerate(pairs) if pair.kind in ("", kind)]
        by_kind[kind] = auc([chances[i] for i in chosen], [real[i] for i in chosen])
    return {
        "auc": _rounded(auc(chances, real)),
        "auc_by_kind": {kind: _rounded(value) for kind, value in by_kind.items()},
        "ece": round(expected_calibration_error(chances, real), 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _fingerprint(pairs: Sequence[Pair], settings: Settings, seed: int) -> str:
    digest = hashlib.blake2b(
        f"{seed}:{settings.model_dump_json()}".encode(), digest_size=16
    )
    for pair in pairs:
        digest.update(
            f"{pair.kind}\0{pair.file}\0{pair.code}\0".encode("utf-8", "surrogatepass")
        )
    return digest.hexdigest()
