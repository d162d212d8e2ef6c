"""The rival, which was the product's model once: hashed n-grams of a whole snippet and
a logistic regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from afs_stages.scoring.discriminator.tokens import NEWLINE, tokenise, unit_class

BITS = 18


def features(code: str) -> dict[int, float]:
    """Hashed n-grams of a snippet with weights of Euclidean norm 1."""
    tokens = tokenise(code)
    general = [
        token if token.startswith("op:") or token == NEWLINE else unit_class(token)
        for token in tokens
    ]
    heads = [token for token in tokens if token.startswith("op:")]
    returns = sorted({token for token in heads if token in ("op:rts", "op:rtl")})
    slots: dict[int, float] = {}
    for name, units, orders in (
        ("t", tokens, (1, 2, 3, 4)),
        ("g", general, (3, 5, 7)),
        ("h", heads, (2, 3, 4)),
    ):
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
    slots[crc32(gram.encode("utf-8", "surrogatepass")) >> (32 - BITS)] = 1.0


def held_out(
    codes: Sequence[str], real: Sequence[bool], fold: Sequence[int]
) -> list[float]:
    """Log-odds of each text by a model of the other folds."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    rows = [features(code) for code in codes]
    pointers = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((slot for row in rows for slot in row), dtype=np.int32)
    data = np.fromiter(
        (value for row in rows for value in row.values()), dtype=np.float64
    )
    matrix = csr_matrix((data, columns, pointers), shape=(len(rows), 1 << BITS))
    labels, folds = np.asarray(real, dtype=np.int8), np.asarray(fold)
    values: Any = np.zeros(len(rows))
    for number in sorted(set(fold)):
        model = LogisticRegression(
            C=10.0,
            class_weight="balanced",
            solver="liblinear",
            random_state=0,
            max_iter=200,
        )
        model.fit(matrix[folds != number], labels[folds != number])
        values[folds == number] = model.decision_function(matrix[folds == number])
    return [float(value) for value in values]
