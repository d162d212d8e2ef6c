"""What a sample must be to be kept: an answer worth learning, one answer to a question,
no near copies.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from afs_stages.codebase.facts.questions import normalised
from afs_stages.codebase.read.markdown import balanced
from afs_stages.core.sample import TrainingSample, normalise
from afs_stages.sources.base import Tally

_WORD = re.compile(r"[A-Za-z]{2,}")
_TOKEN = re.compile(r"\w+")
SHINGLE, PERMUTATIONS, ROWS, NEAR = 4, 48, 3, 0.8
_PER_BUCKET = 8
OnDrop = Callable[[TrainingSample, str], None]
"""Told of each sample that is left out, with the reason."""


def keep(
    samples: Iterable[TrainingSample], tally: Tally, on_drop: OnDrop | None = None
) -> Iterator[TrainingSample]:
    """The samples that pass, in order; what is left out is counted by reason."""
    answers: dict[str, str] = {}
    written: set[str] = set()
    near = NearDuplicateFilter()
    for sample in samples:
        tally.seen += 1
        reason = fault(sample)
        key = normalised(sample.instruction) + "\x1f" + normalise(sample.input)
        body = normalise(sample.output)
        if not reason and key in answers:
            reason = "repeated_question" if answers[key] == body else "second_answer"
        if not reason and body in written:
            reason = "repeated_answer"
        # short wordings of a fact are alike by intention
        worded = str(sample.provenance.get("kind")).endswith("_fact")
        if not reason and not worded and near.seen(body):
            reason = "near_duplicate"
        if reason:
            tally.drop(reason)
            if on_drop is not None:
                on_drop(sample, reason)
            continue
        answers[key] = body
        written.add(body)
        yield sample


def fault(sample: TrainingSample) -> str:
    """Why an answer teaches nothing, or ""."""
    output = sample.output
    if len(_WORD.findall(output)) < 4:
        return "bare_answer"
    if not balanced(output) or not balanced(sample.input):
        return "open_fence"
    return "not_a_question" if len(_WORD.findall(sample.instruction)) < 3 else ""


class NearDuplicateFilter:
    """Remembers answers by MinHash; tells whether a new one is close to an earlier one
    (Jaccard, verified).
    """

    def __init__(self) -> None:
        import numpy

        random = numpy.random.default_rng(7)
        self._a = random.integers(
            1, 2**31 - 1, PERMUTATIONS, dtype=numpy.uint64
        ) | numpy.uint64(1)
        self._b = random.integers(0, 2**31 - 1, PERMUTATIONS, dtype=numpy.uint64)
        self._buckets: dict[tuple[int, bytes], list[Any]] = defaultdict(list)

    def seen(self, text: str) -> bool:
        """Whether an earlier text is near; a text that is not near is remembered."""
        shingles = _shingles(text)
        keys = self._keys(shingles)
        for key in keys:
            if any(
                _jaccard(shingles, other) >= NEAR
                for other in self._buckets.get(key, ())
            ):
                return True
        for key in keys:
            if len(self._buckets[key]) < _PER_BUCKET:
                self._buckets[key].append(shingles)
        return False

    def _keys(self, shingles: Any) -> list[tuple[int, bytes]]:
        import numpy

        values = shingles.astype(numpy.uint64)
        hashes = (values[:, None] * self._a + self._b) >> numpy.uint64(17)
        least = (hashes & numpy.uint64(0xFFFFFFFF)).min(axis=0)
        return [
            (at, least[at : at + ROWS].tobytes()) for at in range(0, PERMUTATIONS, ROWS)
        ]


def _shingles(text: str) -> Any:
    import zlib

    import numpy

    tokens = [
        zlib.crc32(token.encode()) for token in _TOKEN.findall(text.lower())[:2000]
    ] or [0]
    values = numpy.array(tokens, dtype=numpy.uint64)
    count = max(1, len(values) - SHINGLE + 1)
    mixed = numpy.zeros(count, dtype=numpy.uint64)
    for offset in range(min(SHINGLE, len(values))):
        mixed = mixed * numpy.uint64(1000003) + values[offset : offset + count]
    return numpy.unique(mixed & numpy.uint64(0xFFFFFFFF)).astype(numpy.uint32)


def _jaccard(left: Any, right: Any) -> float:
    import numpy

    shared = len(numpy.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)
