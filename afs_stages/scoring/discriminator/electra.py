"""ELECTRA over units: vocabulary, windows,
pre-training and the judgement of snippets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

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
    if not other:
        return marks
    matcher = SequenceMatcher(None, real, other, autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        # what was taken out has no unit of its own: the next one is marked
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
        end = start + network.MAX_UNITS
        yield units[start:end], marks[start:end]


class _Window(NamedTuple):
    units: Sequence[str]
    marks: Sequence[int]
    real: bool


def _training_windows(
    pairs: Sequence[Pair], real: Mapping[str, list[str]]
) -> list[_Window]:
    """The windows to learn from; `real` is the code each pair comes from."""
    windows = []
    for pair in pairs:
        whole = tokenise(pair.code)
        edits = edited_units(real[pair.of], whole)
        for units, marks in _windows(whole, edits):
            if pair.real or any(marks):
                windows.append(_Window(units, marks, pair.real))
    return windows


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
        budget, rate = settings.batch_tokens, settings.learning_rate
        with network.repeatable(seed):
            real = {pair.of: tokenise(pair.code) for pair in pairs if pair.real}
            vocabulary = Vocabulary.of(real.values())
            windows = _training_windows(pairs, real)
            net = network.build(
                len(vocabulary.tokens),
                settings.hidden_size,
                settings.layers,
                settings.base,
            )
            rows = [[network.CLS, *vocabulary.encode(one.units)] for one in windows]
            labels = [one.real for one in windows]
            genuine = [row for row, label in zip(rows, labels, strict=True) if label]
            network.pretrain(net, genuine, settings.pretrain_epochs, budget, rate, seed)
            edits = [[0, *one.marks] for one in windows]
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
        judged = judge(self.net, rows, budget, dtype)
        for index, value in zip(owner, judged, strict=True):
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
