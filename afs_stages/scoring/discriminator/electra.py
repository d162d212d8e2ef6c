"""ELECTRA over units: vocabulary, windows,
pre-training and the judgement of snippets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.params.data import Discriminator as Settings
from afs_stages.scoring.discriminator import network
from afs_stages.scoring.discriminator.inference import judge
from afs_stages.scoring.discriminator.pairs import Pair
from afs_stages.scoring.discriminator.tokens import Vocabulary, tokenise


def edited_units(real: list[str], other: list[str]) -> list[int]:
    """1 for each unit of `other` that is not in `real`,
    or stands where something was taken out.
    """
    marks = [0] * len(other)
    for tag, _, _, start, end in SequenceMatcher(
        None, real, other, autojunk=False
    ).get_opcodes():
        if tag != "equal" and other:
            for position in range(start, max(end, start + 1)):
                marks[min(position, len(other) - 1)] = 1
    return marks


def _windows(
    units: Sequence[str], marks: Sequence[int]
) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    """A snippet cut as it will be scored; a window without the edit is not one to
    learn the edit from.
    """
    for start in range(0, max(len(units), 1), network.MAX_UNITS):
        yield (
            units[start : start + network.MAX_UNITS],
            marks[start : start + network.MAX_UNITS],
        )


@dataclass
class ElectraModel:
    """A trained ELECTRA; `score` is the log-odds that code is genuine."""

    vocabulary: Vocabulary
    net: Any

    @classmethod
    def fit(cls, pairs: Sequence[Pair], settings: Settings, seed: int) -> ElectraModel:
        """Pre-train on the real code of `pairs`,
        then learn to tell it from the corruptions.
        """
        with network.repeatable(seed):
            tokens = [tokenise(pair.code) for pair in pairs]
            real = {
                pair.of: units
                for pair, units in zip(pairs, tokens, strict=True)
                if pair.real
            }
            vocabulary = Vocabulary.of(real.values())
            net = network.build(
                len(vocabulary.tokens),
                settings.hidden_size,
                settings.layers,
                settings.base,
            )
            windows = [
                (units, marks, pair.real)
                for pair, whole in zip(pairs, tokens, strict=True)
                for units, marks in _windows(whole, edited_units(real[pair.of], whole))
                if pair.real or any(marks)
            ]
            rows = [[network.CLS, *vocabulary.encode(units)] for units, _, _ in windows]
            labels = [genuine for _, _, genuine in windows]
            budget, rate = settings.batch_tokens, settings.learning_rate
            genuine = [row for row, label in zip(rows, labels, strict=True) if label]
            network.pretrain(net, genuine, settings.pretrain_epochs, budget, rate, seed)
            edits = [[0, *marks] for _, marks, _ in windows]
            network.finetune(
                net, rows, edits, labels, settings.epochs, budget, rate, seed
            )
        return cls(vocabulary, net)

    def score(
        self, codes: Sequence[str], budget: int = 1024, dtype: str = "fp32"
    ) -> list[float]:
        """Log-odds of each text; that of its worst window where it is
        longer than one.
        """
        rows: list[list[int]] = []
        owner: list[int] = []
        for index, code in enumerate(codes):
            ids = self.vocabulary.encode(tokenise(code)) or [0]
            for start in range(0, len(ids), network.MAX_UNITS):
                rows.append([network.CLS, *ids[start : start + network.MAX_UNITS]])
                owner.append(index)
        scores = [float("inf")] * len(codes)
        for index, value in zip(
            owner, judge(self.net, rows, budget, dtype), strict=True
        ):
            scores[index] = min(scores[index], value)
        return scores

    def save(self, folder: Path) -> None:
        """Write vocabulary, configuration and weights."""
        network.save(self.net, folder)
        write_json(folder / "vocabulary.json", list(self.vocabulary.tokens))

    @classmethod
    def load(cls, folder: Path) -> ElectraModel:
        """Read what `save` wrote."""
        return cls(
            Vocabulary(tuple(read_json(folder / "vocabulary.json"))),
            network.load(folder),
        )
