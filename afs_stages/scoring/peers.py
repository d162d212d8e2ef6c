"""The set a row stands in: which words are rare there, which stand together, and how
closely answers keep to their questions.

A bounded sample of the set's rows is kept, one for each question, drawn by hash; so
memory does not grow with the file, and neither order nor batches matter. Texts become
TF-IDF vectors over hashed terms (scikit-learn).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappush, heappushpop
from itertools import pairwise
from typing import Any

from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.dialogue import last_results
from afs_stages.scoring.entities import normalise

MOST_ROWS = 10_000
"""Rows of a set that are kept."""
FEWEST_ROWS = 50
"""A smaller set says nothing of what is usual."""
MOST_CHARS = 6_000
"""Of a question with its input, and of an answer, this much is read as terms."""
COLUMNS = 1 << 18
"""Hashed terms; a set of this size has about a tenth of them."""
COMMON = 0.1
"""A term in a larger share of the rows tells no question from another."""
MOST_RARE = 5.0
"""A rarer word than of one row in 150 is not told from a rarer one still."""
FEWEST_PAIRS = 4
"""A shorter answer has no pairs to speak of."""
MEASURED_ROWS = 1_000
"""Rows by which it is told what is usual in a set."""

_TERM = re.compile(r"\$[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{0,4}|[^\W\d_]\w*|\d+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
STEM = 6
"""Letters that stand for the forms of a word."""


def terms_of(text: str) -> list[str]:
    """Words by their stem, addresses in their one form, names whole and in parts."""
    found = []
    for term in _TERM.findall(text):
        if term[0] == "$":
            found.append("$" + (normalise(term[1:]) or term[1:].upper()))
        elif term.isalpha() and (term.islower() or term[1:].islower()):
            found.append(term.lower()[:STEM])
        else:
            found.append(term.lower())
            parts = _PART.findall(term)
            if len(parts) > 1:
                found += [part.lower()[:STEM] for part in parts if len(part) > 2]
    return found


def question_of(sample: TrainingSample) -> str:
    """What an answer stands on: the request, the text it is about, and the newest of
    the dialogue before it.
    """
    rows = (sample.messages or [])[:-1]
    before = "\n".join(text for row in rows if (text := row.get("content") or ""))
    asked = f"{sample.instruction}\n{sample.input}"[:MOST_CHARS]
    return f"{asked}\n{before[-MOST_CHARS:]}"


def _results_of(sample: TrainingSample) -> str:
    return "\n".join(last_results(sample.messages or []))[:MOST_CHARS]


def question_key(sample: TrainingSample) -> int:
    """Hash of a question; rows of one question are one to the set."""
    text = f"{sample.instruction}\0{sample.input}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


@cache
def _vectoriser() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=terms_of, n_features=COLUMNS, alternate_sign=False, norm=None
    )


def _pairs_of(text: str) -> list[str]:
    words = terms_of(text)
    return [f"{first} {second}" for first, second in pairwise(words)]


@cache
def _pair_vectoriser() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=_pairs_of,
        n_features=COLUMNS * 4,
        alternate_sign=False,
        norm=None,
        binary=True,
    )


class PeerSample:
    """Gathers the rows that stand for a set: those whose questions hash lowest."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, TrainingSample]] = []
        self._kept: set[int] = set()

    def add(self, sample: TrainingSample) -> None:
        """Look at a row of the set."""
        key = question_key(sample)
        if key in self._kept:
            return
        entry = (-key, sample)
        self._kept.add(key)
        if len(self._heap) < MOST_ROWS:
            heappush(self._heap, entry)
        else:
            gone = heappushpop(self._heap, entry)
            self._kept.discard(-gone[0])

    def peers(self) -> Peers | None:
        """The set as its sample shows it; None where there are too few rows."""
        if len(self._heap) < FEWEST_ROWS:
            return None
        return Peers.of([row for _, row in sorted(self._heap, reverse=True)])


@dataclass
class Peers:
    """A set's sample: `keys` of its questions, `rarity` of terms, `pairs` of words by
    the number of answers that hold them, and what is `usual` for each measure.
    """

    keys: frozenset[int]
    rarity: Any
    pairs: Any
    usual: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, rows: Sequence[TrainingSample]) -> Peers:
        """From rows with different questions."""
        import numpy as np

        keys = [question_key(row) for row in rows]
        asked = _vectoriser().transform(map(question_of, rows))
        answers = [row.output[:MOST_CHARS] for row in rows]
        told = _vectoriser().transform(answers)
        both = asked + told
        counts = np.bincount(both.indices, minlength=COLUMNS)
        rarity = np.log((len(keys) + 1) / (counts + 1)).astype(np.float32)
        rarity[counts > COMMON * len(keys)] = 0.0
        pairs = _pair_vectoriser().transform(answers)
        met = np.bincount(pairs.indices, minlength=4 * COLUMNS).astype(np.int32)
        made = cls(frozenset(keys), rarity, met, {})
        measured = made._measure(rows[:MEASURED_ROWS])
        made.usual = {name: _usual([m[name] for m in measured]) for name in measured[0]}
        return made

    def look(self, samples: Sequence[TrainingSample]) -> list[dict[str, float | None]]:
        """What the set says of rows: `MEASURES`, each by how many of the set's own
        spreads it lies from the set's median.
        """
        return [self._scaled(raw) for raw in self._measure(samples)]

    def _scaled(self, raw: dict[str, float | None]) -> dict[str, float | None]:
        made: dict[str, float | None] = {}
        for name, value in raw.items():
            middle, spread = self.usual[name]
            made[name] = None if value is None else (value - middle) / spread
        # words too rare and words too common both show an answer from elsewhere
        rarity = made["usual_rarity"]
        made["usual_rarity"] = None if rarity is None else -abs(rarity)
        return made

    def _measure(
        self, samples: Sequence[TrainingSample]
    ) -> list[dict[str, float | None]]:

        answers = [sample.output[:MOST_CHARS] for sample in samples]
        results = [_results_of(sample) for sample in samples]
        vectors = _vectoriser().transform
        said = vectors(answers)
        told = _unit(_weighed(said, self.rarity))
        asked = _unit(_weighed(vectors(map(question_of, samples)), self.rarity))
        given = _unit(_weighed(vectors(results), self.rarity))
        own = _rowwise(asked, told)
        used = _rowwise(given, told)
        request = vectors([sample.instruction for sample in samples])
        pairs = _pair_vectoriser().transform(answers)
        found: list[dict[str, float | None]] = []
        for i, sample in enumerate(samples):
            in_sample = question_key(sample) in self.keys
            row = self._words(_columns(said, i), _columns(request, i))
            row["own"] = float(own[i])
            row["used"] = float(used[i]) if results[i] else None
            row["pairs"] = self._known_pairs(_columns(pairs, i), in_sample)
            found.append(row)
        return found

    def _words(self, terms: Any, asked: Any) -> dict[str, float | None]:
        """What an answer's terms are beside those of its request: how much of the
        rarity asked for it takes up, how much it adds, how rare its words are.
        """
        import numpy as np

        rare = self.rarity[terms]
        wanted = self.rarity[asked]
        taken = wanted[np.isin(asked, terms)].sum()
        added = rare[~np.isin(terms, asked)].sum()
        bounded = np.minimum(rare, MOST_RARE)
        return {
            "taken": _ratio(taken, wanted.sum()),
            "new": float(np.log1p(added)),
            "usual_rarity": float(bounded.mean()) if len(terms) else None,
        }

    def _known_pairs(self, pairs: Any, in_sample: bool) -> float | None:
        """Share of an answer's pairs of words that other answers hold, too."""
        if len(pairs) < FEWEST_PAIRS:
            return None
        return float((self.pairs[pairs] > in_sample).mean())


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def _columns(rows: Any, i: int) -> Any:
    return rows.indices[rows.indptr[i] : rows.indptr[i + 1]]


def _rowwise(a: Any, b: Any) -> Any:
    import numpy as np

    return np.asarray(a.multiply(b).sum(axis=1)).ravel()


def _usual(values: Sequence[float | None]) -> tuple[float, float]:
    """(median, distance from it to the lowest tenth)."""
    import numpy as np

    told = [value for value in values if value is not None]
    if not told:
        return 0.0, 1.0
    low, middle = np.quantile(told, (0.1, 0.5))
    return float(middle), max(float(middle - low), 0.05)


def _weighed(counts: Any, rarity: Any) -> Any:
    """Counts as 1 + log, times rarity."""
    import numpy as np

    made = counts.copy()
    made.data = (1 + np.log(made.data)) * rarity[made.indices]
    made.eliminate_zeros()
    return made


def _unit(rows: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(rows, copy=False)
