"""Hashed n-grams of units and a logistic regression: trained in seconds, scored without any framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from afs_stages.quality.discriminator.tokens import NEWLINE, tokenise, unit_class

BITS = 18
_ORDERS = (1, 2, 3, 4)


def features(code: str) -> dict[int, float]:
    """Hashed n-grams of a snippet with weights of Euclidean norm 1."""
    tokens = tokenise(code)
    general = [token if token.startswith("op:") or token == NEWLINE else unit_class(token) for token in tokens]
    heads = [token for token in tokens if token.startswith("op:")]
    returns = sorted({token for token in heads if token in ("op:rts", "op:rtl")})
    slots: dict[int, float] = {}
    for name, units, orders in (("t", tokens, _ORDERS), ("g", general, (3, 5, 7)), ("h", heads, (2, 3, 4))):
        padded = ["<s>", *units, "</s>"]
        for order in orders:
            for start in range(len(padded) - order + 1):
                _add(slots, name + "\x1f".join(padded[start : start + order]))
    # how a routine returns shows in everything else it does
    for head in set(heads) | {token for token in tokens if token.endswith(":")}:
        for end in returns:
            _add(slots, f"r{head}\x1f{end}")
    norm = sum(value * value for value in slots.values()) ** 0.5 or 1.0
    return {slot: value / norm for slot, value in slots.items()}


def _add(slots: dict[int, float], gram: str) -> None:
    slot = crc32(gram.encode("utf-8", "surrogatepass")) >> (32 - BITS)
    slots[slot] = 1.0


@dataclass
class NgramModel:
    """Weights over hashed n-grams; `score` is the log-odds that code is genuine."""

    weights: Any
    bias: float

    @classmethod
    def fit(cls, codes: Sequence[str], real: Sequence[bool], strength: float = 10.0) -> NgramModel:
        """Fit on texts and whether each is genuine; classes weigh the same."""
        import numpy as np
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression

        rows = [features(code) for code in codes]
        pointers = np.cumsum([0, *(len(row) for row in rows)])
        columns = np.fromiter((slot for row in rows for slot in row), dtype=np.int32)
        values = np.fromiter((value for row in rows for value in row.values()), dtype=np.float64)
        matrix = csr_matrix((values, columns, pointers), shape=(len(rows), 1 << BITS))
        model = LogisticRegression(
            C=strength, class_weight="balanced", solver="liblinear", random_state=0, max_iter=200
        )
        model.fit(matrix, np.asarray(real, dtype=np.int8))
        return cls(model.coef_[0].astype(np.float32), float(model.intercept_[0]))

    def score(self, codes: Sequence[str]) -> list[float]:
        """Log-odds of each text; independent of the others."""
        return [
            self.bias + sum(float(self.weights[slot]) * value for slot, value in features(code).items())
            for code in codes
        ]

    def save(self, folder: Path) -> None:
        """Write the non-zero weights as plain numpy arrays."""
        import numpy as np

        folder.mkdir(parents=True, exist_ok=True)
        used = np.flatnonzero(self.weights).astype(np.int32)
        np.save(folder / "slots.npy", used)
        np.save(folder / "weights.npy", self.weights[used])
        np.save(folder / "bias.npy", np.asarray([self.bias]))

    @classmethod
    def load(cls, folder: Path) -> NgramModel:
        """Read what `save` wrote."""
        import numpy as np

        weights = np.zeros(1 << BITS, dtype=np.float32)
        weights[np.load(folder / "slots.npy")] = np.load(folder / "weights.npy")
        return cls(weights, float(np.load(folder / "bias.npy")[0]))
