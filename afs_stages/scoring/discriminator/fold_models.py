"""The discriminator as a folder: one model per fold, who trained on what,
calibration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.calibration import Calibration
from afs_stages.scoring.discriminator.pairs import code_key

MANIFEST = "discriminator.json"
FORMAT = 4


class Judge(Protocol):
    """What scores code: log-odds, one per text."""

    def score(self, codes: Sequence[str]) -> list[float]:
        """Log-odds that each text is genuine."""


@dataclass
class FoldModels:
    """Cross-fitted models.
    `folds` says in which fold a file (or a block's key) was held out.

    Fold k's models trained on every file except those of fold k, so a block of such a
    file is judged by fold k's models, and a block nobody trained on by the mean of all.
    """

    kind: str
    models: list[dict[str, Judge]]
    calibrations: list[dict[str, Calibration]]
    files: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    source: str = ""
    fingerprint: str = ""

    def fold_of(self, code: str, file: str) -> int | None:
        """The fold that held this code out, or None where no model has seen it."""
        fold = self.keys.get(code_key(code))
        return self.files.get(file) if fold is None else fold

    def score(self, codes: Sequence[str], files: Sequence[str]) -> list[float]:
        """Calibrated probability that each block is genuine, by models that did not
        train on its file.
        """
        held_out = [
            self.fold_of(code, file) for code, file in zip(codes, files, strict=True)
        ]
        sums = [0.0] * len(codes)
        counts = [0] * len(codes)
        for number in range(len(self.models)):
            mine = [i for i, fold in enumerate(held_out) if fold in (None, number)]
            if not mine:
                continue
            for values in self._judge(number, [codes[i] for i in mine]):
                for i, value in zip(mine, values, strict=True):
                    sums[i] += value
                    counts[i] += 1
        return [total / count for total, count in zip(sums, counts, strict=True)]

    def _judge(self, fold: int, codes: list[str]) -> Iterator[list[float]]:
        """The probabilities that each model of a fold gives."""
        for name, model in self.models[fold].items():
            scale = self.calibrations[fold][name]
            yield [scale(odds) for odds in model.score(codes)]


def save(bundle: FoldModels, folder: Path) -> None:
    """Write the manifest last: a folder with one is complete."""
    for number, models in enumerate(bundle.models):
        for name, model in models.items():
            model.save(folder / f"fold{number}" / name)  # type: ignore[attr-defined]
    write_json(folder / MANIFEST, _manifest(bundle))


def _manifest(bundle: FoldModels) -> dict[str, Any]:
    calibrations = []
    for fold in bundle.calibrations:
        calibrations.append({name: asdict(scale) for name, scale in fold.items()})
    files = dict(sorted(bundle.files.items()))
    keys = dict(sorted(bundle.keys.items()))
    return {
        "format": FORMAT,
        "kind": bundle.kind,
        "source": bundle.source,
        "fingerprint": bundle.fingerprint,
        "calibrations": calibrations,
        "files": files,
        "keys": keys,
        "context": bundle.context.to_dict(),
    }


def load(folder: Path) -> FoldModels:
    """Read a folder that `afs discriminator train` or the stage wrote.

    Raises `UserError` where the folder is missing, of another format, or damaged.
    """
    manifest = read_manifest(folder)
    try:
        calibrations = [
            {name: Calibration(**values) for name, values in fold.items()}
            for fold in manifest["calibrations"]
        ]
        context = Context.from_manifest(manifest)
        models: list[dict[str, Judge]] = []
        for number, fold in enumerate(calibrations):
            own = folder / f"fold{number}"
            models.append(
                {name: _load_model(own / name, name, context) for name in fold}
            )
        return FoldModels(
            manifest["kind"], models, calibrations, manifest["files"], manifest["keys"],
            context, manifest["source"], manifest["fingerprint"],
        )  # fmt: skip
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        OSError,
        RuntimeError,
        AttributeError,
    ) as error:
        raise UserError(
            f"the discriminator is damaged: {error}", where=str(folder), fix=_FIX
        ) from None


_FIX = "train it again: `afs discriminator train`, or `dvc repro train-discriminator`"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a discriminator folder, without its models."""
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(
            "no discriminator here",
            where=str(folder),
            fix=f"{_FIX}; or score with --no-discriminator",
        )
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise UserError("not a discriminator's manifest", where=str(path), fix=_FIX)
    if manifest["format"] != FORMAT:
        said = (
            f"the discriminator has format {manifest['format']}, "
            f"this version reads {FORMAT}"
        )
        raise UserError(said, where=str(path), fix=_FIX)
    return manifest


def _load_model(folder: Path, name: str, context: Context) -> Judge:
    if name == "ngram":
        from afs_stages.scoring.discriminator.ngram import NgramModel

        return NgramModel.load(folder, context.calls)
    from afs_stages.scoring.discriminator.electra import ElectraModel

    return ElectraModel.load(folder)
