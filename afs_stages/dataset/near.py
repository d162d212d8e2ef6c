"""Near-duplicates: MinHash LSH over word shingles,
every candidate pair verified (Broder 1997).

Text is lower-cased; in code, comments are dropped and every name that is no
three-letter mnemonic becomes the same word, so that renamed labels do not hide a copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, Protocol

from afs_stages.core.jsonl import batched
from afs_stages.core.params.data import NearDuplicates
from afs_stages.dataset.index import Index
from afs_stages.dataset.keys import Rows, keys_of, runs

_FENCE = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.S)
_COMMENT = re.compile(r";[^\n]*")
_CODE_WORD = re.compile(r"[.!@]?[A-Za-z_][\w.]*|\$[0-9A-Fa-f]+|%[01]+|\d+|[#(),\[\]]")
_WORD = re.compile(r"[\w$#']+")
SEED = 1
"""Seed of the hash functions; part of what "near" means, so no parameter."""
LARGE_BUCKET = 64
"""In a larger bucket signatures are compared before shingles are."""
REMEMBERED = 16_384
"""Texts whose shingles are kept while pairs are verified."""
MAX_SHINGLES = 20_000
"""Of a longer text only the first shingles count,
which bounds time and memory per row.
"""


def words(text: str) -> list[str]:
    """The words that similarity is measured on."""
    found: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        found += _WORD.findall(text[position : fence.start()].lower())
        found += _code_words(fence[1])
        position = fence.end()
    return found + _WORD.findall(text[position:].lower())


def _code_words(code: str) -> Iterator[str]:
    for word in _CODE_WORD.findall(_COMMENT.sub("", code)):
        named = word[0].isalpha() or word[0] in "._!@"
        yield "name" if named and len(word.split(".")[0]) != 3 else word.lower()


def shingles(text: str, size: int) -> list[str]:
    """Runs of `size` words; a shorter text is one shingle."""
    return _runs_of(words(text), size)


def _runs_of(found: list[str], size: int) -> list[str]:
    if len(found) <= size:
        return [" ".join(found)]
    return [
        " ".join(found[i : i + size])
        for i in range(min(len(found) - size + 1, MAX_SHINGLES))
    ]


class Texts(Protocol):
    """Texts that are gone through once, and of which a few are looked at again; a list,
    or rows on disk.
    """

    def __iter__(self) -> Iterator[str]: ...

    def __getitem__(self, place: int, /) -> str: ...


def pairs(texts: Texts, params: NearDuplicates) -> Iterator[tuple[int, int]]:
    """Yield (i, j), i < j, for texts whose shingle sets have a Jaccard similarity of at
    least the threshold.

    Of texts with equal words each is near the first, and only that one is compared with
    others. Every pair of a bucket is looked at, as the leak gate does, in large ones by
    their signatures first: the work grows with the number of texts, and with the square
    of those that nearly all begin and end alike. Memory: two bytes a permutation and
    text.
    """
    import numpy as np

    keys, matrix = _signatures(texts, params)
    distinct, firsts = np.unique(keys, return_index=True)
    first_of = firsts[np.searchsorted(distinct, keys)]
    for i in np.flatnonzero(first_of != np.arange(len(keys))).tolist():
        yield int(first_of[i]), i
    kept = np.sort(firsts)
    candidates = _candidates(matrix[kept] if len(kept) < len(keys) else matrix, params)
    yield from _verified(
        ((int(kept[i]), int(kept[j])) for i, j in candidates), texts, texts, params
    )


def pairs_across(
    one: Texts, two: Texts, params: NearDuplicates
) -> Iterator[tuple[int, int]]:
    """Yield (i, j) for near texts one[i] and two[j]; every pair of a bucket is looked
    at, however large it is.
    """
    _, matrix = _signatures(one, params)
    _, other_matrix = _signatures(two, params)
    yield from _verified(
        _candidates_across(matrix, other_matrix, params), one, two, params
    )


def _signatures(texts: Iterable[str], params: NearDuplicates) -> tuple[Any, Any]:
    """The key of each text's words, and the MinHash matrix.

    Of each hash 16 bits are kept: what agrees by chance in the others is only
    looked at once more.
    """
    import numpy as np
    import rensa

    keys: list[Any] = [np.zeros(0, dtype=np.uint64)]
    digests: list[Any] = [np.zeros((0, params.permutations), dtype=np.uint16)]
    for batch in batched(texts, 1024):
        found = [words(text) for text in batch]
        keys.append(keys_of(" ".join(one) for one in found))
        sets = [_runs_of(one, params.shingle) for one in found]
        rows = rensa.RMinHash.digests_from_token_sets(sets, params.permutations, SEED)
        digests.append(np.asarray(rows, dtype=np.uint32).astype(np.uint16))
    return np.concatenate(keys), np.concatenate(digests)


def _verified(
    candidates: Iterable[tuple[int, int]],
    one: Texts,
    two: Texts,
    params: NearDuplicates,
) -> Iterator[tuple[int, int]]:
    ones = lru_cache(REMEMBERED)(lambda i: _hashes(one[i], params))
    twos = (
        ones if two is one else lru_cache(REMEMBERED)(lambda i: _hashes(two[i], params))
    )
    seen: set[tuple[int, int]] = set()
    for i, j in candidates:
        if (i, j) not in seen:
            seen.add((i, j))
            if _jaccard(ones(i), twos(j)) >= params.threshold:
                yield i, j


def _hashes(text: str, params: NearDuplicates) -> Any:
    """The hashes of a text's shingles, sorted, each once."""
    import numpy as np
    import rensa

    return np.unique(
        np.asarray(
            rensa.RMinHash.hash_token_sets([shingles(text, params.shingle)])[0],
            dtype=np.uint64,
        )
    )


def similar(text: str, other: str, params: NearDuplicates) -> float:
    """Jaccard similarity of two texts' shingle sets, in [0, 1]."""
    one, two = set(shingles(text, params.shingle)), set(shingles(other, params.shingle))
    return len(one & two) / len(one | two)


def _candidates(matrix: Any, params: NearDuplicates) -> Iterator[tuple[int, int]]:
    least = _least_agreement(params)
    for band in _bands(params):
        keys = _band_keys(matrix, band)
        for members in _buckets(keys):
            if len(members) <= LARGE_BUCKET:
                yield from combinations(members, 2)
            else:
                yield from _agreeing(members, matrix[members], least)


def _bands(params: NearDuplicates) -> Iterator[slice]:
    bands, rows = banding(params.permutations, params.threshold)
    return (slice(band * rows, (band + 1) * rows) for band in range(bands))


def _band_keys(matrix: Any, band: slice) -> Any:
    """One number for the columns of a band; equal ones by chance do no harm, since
    every pair is verified.
    """
    import numpy as np

    keys = np.zeros(len(matrix), dtype=np.uint64)
    for column in range(band.start, band.stop):
        keys = (keys ^ matrix[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def _buckets(keys: Any) -> list[list[int]]:
    """Places of equal keys, where there are several,
    in the order of their first ones.
    """
    import numpy as np

    order = np.argsort(keys, kind="stable")
    begins = runs(keys[order])
    several = np.flatnonzero(np.diff(begins) > 1)
    return sorted(order[begins[i] : begins[i + 1]].tolist() for i in several.tolist())


def _agreeing(
    members: list[int], signatures: Any, least: float
) -> Iterator[tuple[int, int]]:
    for k in range(1, len(members)):
        agree = (signatures[:k] == signatures[k]).sum(axis=1)
        yield from (
            (members[other], members[k])
            for other in (agree >= least).nonzero()[0].tolist()
        )


def _least_agreement(params: NearDuplicates) -> float:
    """Four standard errors below the threshold:
    a pair at it is lost with a chance of 3 in 100,000.
    """
    spread = (params.threshold * (1 - params.threshold) / params.permutations) ** 0.5
    return float((params.threshold - 4 * spread) * params.permutations)


def _candidates_across(
    one: Any, two: Any, params: NearDuplicates
) -> Iterator[tuple[int, int]]:
    """Pairs that share a band and whose signatures agree nearly as much as
    the threshold asks.
    """
    import numpy as np

    least = _least_agreement(params)
    for band in _bands(params):
        keys = _band_keys(one, band)
        order = np.argsort(keys, kind="stable")
        ordered, others = keys[order], _band_keys(two, band)
        begins, ends = (
            np.searchsorted(ordered, others, side=side) for side in ("left", "right")
        )
        for j in np.flatnonzero(ends > begins).tolist():
            members = order[begins[j] : ends[j]]
            agree = (one[members] == two[j]).sum(axis=1)
            yield from ((i, j) for i in members[agree >= least].tolist())


def banding(permutations: int, threshold: float) -> tuple[int, int]:
    """(bands, rows) that find a pair at the threshold with at least 99% probability,
    with the most rows.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= 0.99:
            return bands, rows
    return permutations, 1


def _jaccard(one: Any, two: Any) -> float:
    import numpy as np

    common = len(np.intersect1d(one, two, assume_unique=True))
    return common / (len(one) + len(two) - common)


@dataclass(frozen=True)
class RowTexts:
    """The texts of rows of several indexes, one after the other,
    read from disk as they are asked for.
    """

    parts: list[tuple[Index, Rows]]

    def __iter__(self) -> Iterator[str]:
        return (text for found, rows in self.parts for text in found.texts(rows))

    def __getitem__(self, place: int) -> str:
        for found, rows in self.parts:
            if place < len(rows):
                return next(found.texts(rows[place : place + 1]))
            place -= len(rows)
        raise IndexError(place)
