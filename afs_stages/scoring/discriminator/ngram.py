"""Judges each statement by its clues, and a snippet by its least likely statements and
the static checker's findings.

Two logistic regressions. The first tells edited statements from real ones by hashed
clues (`clues.py`). The second weighs, for the whole snippet, how bad the worst
statements are against what the static checker found; it is fitted on files that the
first had not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from pathlib import Path
from typing import Any
from zlib import crc32

from afs_stages.asm.lexer import Statement, parse
from afs_stages.scoring.discriminator.context_features import context_features
from afs_stages.scoring.discriminator.pairs import AssemblyBlock, Pair, file_folds
from afs_stages.scoring.static import FINDINGS, findings, static_score

BITS = 18
INNER_FOLDS = 4
NO_STATEMENT = -9.0
"""Log-odds that a statement which is not there was edited."""
FEATURES = (
    "worst",
    "second",
    "worst_three",
    "mean",
    "soft_worst",
    "length",
    "static",
    *FINDINGS,
)
"""What the second regression sees of a snippet."""


def slots(code: str, calls: Mapping[str, str]) -> list[list[int]]:
    """The hashed clues of each statement."""
    return [_hashed(found) for found in context_features(code, calls)]


def _hashed(clues: Sequence[str]) -> list[int]:
    different = dict.fromkeys(clues)
    return [_slot(clue) for clue in different]


def _slot(clue: str) -> int:
    return crc32(clue.encode("utf-8", "surrogatepass")) >> (32 - BITS)


def edited_statements(real: Sequence[Statement], other: Sequence[Statement]) -> range:
    """Where `other` differs from `real`; the neighbours of the gap where
    something was taken out.
    """
    start = _alike(real, other)
    # what stands before the difference is not counted again from behind
    end = _alike(real[start:][::-1], other[start:][::-1])
    if start < len(other) - end:
        return range(start, len(other) - end)
    return range(max(0, start - 1), min(len(other), start + 1))


def _alike(real: Sequence[Statement], other: Sequence[Statement]) -> int:
    """How many statements both begin with."""
    count = 0
    for mine, its in zip(real, other, strict=False):
        if mine != its:
            break
        count += 1
    return count


@dataclass
class _Texts:
    """The clues of texts as one sparse matrix of statements; text i has rows
    `bounds[i]:bounds[i + 1]`.
    """

    rows: Any
    bounds: list[int]

    @classmethod
    def of(cls, codes: Sequence[str], calls: Mapping[str, str]) -> _Texts:
        import numpy as np
        from scipy.sparse import csr_matrix

        columns: list[int] = []
        pointers, bounds = [0], [0]
        for code in codes:
            for row in slots(code, calls):
                columns += row
                pointers.append(len(columns))
            bounds.append(len(pointers) - 1)
        data = (
            np.ones(len(columns), dtype=np.float32),
            np.asarray(columns, dtype=np.int32),
            np.asarray(pointers),
        )
        return cls(csr_matrix(data, shape=(len(pointers) - 1, 1 << BITS)), bounds)

    def rows_of(self, texts: Sequence[int]) -> list[int]:
        found: list[int] = []
        for i in texts:
            found += range(self.bounds[i], self.bounds[i + 1])
        return found


@dataclass
class NgramModel:
    """`weights` over clues, `mix` over `FEATURES`; `score` is the log-odds that a
    snippet is genuine.
    """

    weights: Any
    bias: float
    mix: Any = None
    mix_bias: float = 0.0
    calls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        pairs: Sequence[Pair],
        calls: Mapping[str, str],
        seed: int,
        strength: float = 1.0,
    ) -> NgramModel:
        """Fit both regressions on real code and its corruptions; `calls`: how the code
        base calls its routines.
        """
        texts = _Texts.of([pair.code for pair in pairs], calls)
        marks = _marks(pairs)
        everything = range(len(pairs))
        fold_of = _inner_folds(pairs, seed)
        features: list[list[float]] = [[]] * len(pairs)
        for fold in sorted(set(fold_of)):
            seen = [i for i in everything if fold_of[i] != fold]
            held_out = [i for i in everything if fold_of[i] == fold]
            # one block alone has nothing to hold out
            judge = cls._fit_statements(
                texts, marks, seen or everything, pairs, strength
            )
            for i in held_out:
                odds = judge._odds(texts.rows[texts.bounds[i] : texts.bounds[i + 1]])
                features[i] = _features(odds, pairs[i].code, calls)
        whole = cls._fit_statements(texts, marks, everything, pairs, strength)
        mix, mix_bias = _fit_mix(features, [pair.real for pair in pairs])
        return replace(whole, mix=mix, mix_bias=mix_bias, calls=calls)

    @classmethod
    def _fit_statements(
        cls,
        texts: _Texts,
        marks: Sequence[range],
        seen: Sequence[int],
        pairs: Sequence[Pair],
        strength: float,
    ) -> NgramModel:
        """Edited statements against all statements of real code."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        real = texts.rows_of([i for i in seen if pairs[i].real])
        edited = [texts.bounds[i] + at for i in seen for at in marks[i]]
        labels = np.asarray([0] * len(real) + [1] * len(edited), dtype=np.int8)
        model = LogisticRegression(
            C=strength, solver="liblinear", random_state=0, max_iter=100
        )
        model.fit(texts.rows[real + edited], labels)
        return cls(model.coef_[0].astype(np.float32), float(model.intercept_[0]))

    def _odds(self, rows: Any) -> list[float]:
        """Log-odds of each statement that it was edited."""
        return list((rows @ self.weights + self.bias).tolist())

    def score(self, codes: Sequence[str]) -> list[float]:
        """Log-odds of each text; independent of the others."""
        return [self._score(code) for code in codes]

    def _score(self, code: str) -> float:
        features = _features(self.suspects(code), code, self.calls)
        return self.mix_bias + float(self.mix @ features)

    def suspects(self, code: str) -> list[float]:
        """Log-odds of each statement of a snippet that it was edited."""
        return [
            self.bias + float(self.weights[row].sum(dtype="float64"))
            for row in slots(code, self.calls)
        ]

    def save(self, folder: Path) -> None:
        """Write the non-zero weights and the mix as plain numpy arrays;
        the calls are the bundle's.
        """
        import numpy as np

        folder.mkdir(parents=True, exist_ok=True)
        used = np.flatnonzero(self.weights).astype(np.int32)
        np.save(folder / "slots.npy", used)
        np.save(folder / "weights.npy", self.weights[used])
        np.save(folder / "mix.npy", np.asarray([self.bias, self.mix_bias, *self.mix]))

    @classmethod
    def load(cls, folder: Path, calls: Mapping[str, str]) -> NgramModel:
        """Read what `save` wrote; `ValueError` where it knows other features
        than this version.
        """
        import numpy as np

        mix = np.load(folder / "mix.npy")
        if len(mix) != len(FEATURES) + 2:
            raise ValueError(
                f"it weighs {len(mix) - 2} features, this version has {len(FEATURES)}"
            )
        weights = np.zeros(1 << BITS, dtype=np.float32)
        weights[np.load(folder / "slots.npy")] = np.load(folder / "weights.npy")
        return cls(weights, float(mix[0]), mix[2:], float(mix[1]), calls)


def _features(
    odds: Sequence[float], code: str, calls: Mapping[str, str]
) -> list[float]:
    """The values of `FEATURES`."""
    import numpy as np

    worst = sorted(odds, reverse=True)
    worst += [NO_STATEMENT] * (3 - len(worst))
    worst_three = sum(worst[:3]) / 3
    mean = sum(worst) / len(worst)
    # the worst, in a mean that the others move too
    soft_worst = float(np.logaddexp.reduce(worst)) - log(len(worst))
    lines = code.count("\n") + 1
    length = log(lines + 1)
    found = findings(code, calls)
    static = log(static_score(found, lines))
    counts = [float(min(found[kind], 2)) for kind in FINDINGS]
    return [
        worst[0],
        worst[1],
        worst_three,
        mean,
        soft_worst,
        length,
        static,
        *counts,
    ]


def _fit_mix(
    features: Sequence[Sequence[float]], real: Sequence[bool]
) -> tuple[Any, float]:
    """(weights, bias) over features as they are; fitted on standardised ones, classes
    weighing the same.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    values = np.asarray(features)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread == 0] = 1.0
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500)
    model.fit((values - mean) / spread, np.asarray(real, dtype=np.int8))
    mix = model.coef_[0] / spread
    return mix, float(model.intercept_[0] - mix @ mean)


def _marks(pairs: Sequence[Pair]) -> list[range]:
    """Which statements of each pair's text were edited."""
    real = {pair.of: parse(pair.code) for pair in pairs if pair.real}
    return [
        range(0) if pair.real else edited_statements(real[pair.of], parse(pair.code))
        for pair in pairs
    ]


def _inner_folds(pairs: Sequence[Pair], seed: int) -> list[int]:
    """A fold for each pair: by file, or by block where all are of one file."""
    several_files = len({pair.file for pair in pairs}) > 1
    sources = [pair.file if several_files else pair.of for pair in pairs]
    apart = []
    for pair, source in zip(pairs, sources, strict=True):
        if pair.real:
            apart.append(AssemblyBlock(pair.code, source))
    folds = file_folds(apart, INNER_FOLDS, seed)
    return [folds[source] for source in sources]
