"""Near-duplicates: MinHash LSH over word shingles, every candidate pair verified (Broder 1997).

Text is lower-cased; in code, comments are dropped and every name that is no three-letter mnemonic
becomes the same word, so that renamed labels do not hide a copy.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from typing import Any

import msgspec

from afs_stages.core.params.data import NearDuplicates
from afs_stages.dataset.keys import runs

_FENCE = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.S)
_COMMENT = re.compile(r";[^\n]*")
_CODE_WORD = re.compile(r"[.!@]?[A-Za-z_][\w.]*|\$[0-9A-Fa-f]+|%[01]+|\d+|[#(),\[\]]")
_WORD = re.compile(r"[\w$#']+")
SEED = 1
"""Seed of the hash functions; part of what "near" means, so no parameter."""
LARGE_BUCKET = 64
"""In a larger bucket signatures are compared before shingles are."""
MAX_SHINGLES = 20_000
"""Of a longer text only the first shingles count, which bounds time and memory per row."""


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
    found = words(text)
    if len(found) <= size:
        return [" ".join(found)]
    return [" ".join(found[i : i + size]) for i in range(min(len(found) - size + 1, MAX_SHINGLES))]


def pairs(texts: Iterable[str], params: NearDuplicates) -> Iterator[tuple[int, int]]:
    """Yield (i, j), i < j, for texts whose shingle sets have a Jaccard similarity of at least the threshold.

    Of texts with equal shingles each is near the first, and only that one is compared with others.
    Every pair of a bucket is looked at, as the leak gate does, in large ones by their signatures first: the
    work grows with the number of texts, and with the square of those that nearly all begin and end alike.
    """
    hashes, matrix = _signatures(texts, params)
    firsts: dict[bytes, int] = {}
    for i, row in enumerate(hashes):
        first = firsts.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), i)
        if first != i:
            yield first, i
    if len(firsts) < len(hashes):
        distinct = list(firsts.values())
        hashes, matrix = [hashes[i] for i in distinct], matrix[distinct]
        found = _verified(_candidates(matrix, params), hashes, params)
        yield from ((distinct[i], distinct[j]) for i, j in found)
    else:
        yield from _verified(_candidates(matrix, params), hashes, params)


def pairs_across(one: Iterable[str], two: Iterable[str], params: NearDuplicates) -> Iterator[tuple[int, int]]:
    """Yield (i, j) for near texts one[i] and two[j]; every pair of a bucket is looked at, however large it is."""
    hashes, matrix = _signatures(one, params)
    others, other_matrix = _signatures(two, params)
    candidates = _candidates_across(matrix, other_matrix, params)
    for i, j in _verified(((i, j + len(hashes)) for i, j in candidates), hashes + others, params):
        yield i, j - len(hashes)


def _signatures(texts: Iterable[str], params: NearDuplicates) -> tuple[list[Any], Any]:
    """The shingle hashes of each text (sorted, unique), and the MinHash matrix."""
    import numpy as np
    import rensa

    hashes: list[Any] = []
    digests: list[Any] = [np.zeros((0, params.permutations), dtype=np.uint32)]
    for batch in _batches(texts, 4096):
        sets = [shingles(text, params.shingle) for text in batch]
        hashed = rensa.RMinHash.hash_token_sets(sets)
        hashes += [np.unique(np.asarray(row, dtype=np.uint64)) for row in hashed]
        rows = rensa.RMinHash.digests_from_token_sets(sets, params.permutations, SEED)
        digests.append(np.asarray(rows, dtype=np.uint32))
    return hashes, np.concatenate(digests)


def _verified(
    candidates: Iterable[tuple[int, int]], hashes: list[Any], params: NearDuplicates
) -> Iterator[tuple[int, int]]:
    seen: set[tuple[int, int]] = set()
    for pair in candidates:
        if pair not in seen:
            seen.add(pair)
            if _jaccard(hashes[pair[0]], hashes[pair[1]]) >= params.threshold:
                yield pair


def similar(text: str, other: str, params: NearDuplicates) -> float:
    """Jaccard similarity of two texts' shingle sets, in [0, 1]."""
    one, two = set(shingles(text, params.shingle)), set(shingles(other, params.shingle))
    return len(one & two) / len(one | two)


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _candidates(matrix: Any, params: NearDuplicates) -> Iterator[tuple[int, int]]:
    bands, rows = banding(params.permutations, params.threshold)
    least = _least_agreement(params)
    for band in range(bands):
        buckets: dict[bytes, list[int]] = {}
        part = matrix[:, band * rows : (band + 1) * rows]
        for i in range(len(part)):
            buckets.setdefault(part[i].tobytes(), []).append(i)
        for members in buckets.values():
            if len(members) <= LARGE_BUCKET:
                yield from combinations(members, 2)
            else:
                yield from _agreeing(members, matrix[members], least)


def _agreeing(members: list[int], signatures: Any, least: float) -> Iterator[tuple[int, int]]:
    for k in range(1, len(members)):
        agree = (signatures[:k] == signatures[k]).sum(axis=1)
        yield from ((members[other], members[k]) for other in (agree >= least).nonzero()[0].tolist())


def _least_agreement(params: NearDuplicates) -> float:
    """Four standard errors below the threshold: a pair at it is lost with a chance of 3 in 100,000."""
    spread = (params.threshold * (1 - params.threshold) / params.permutations) ** 0.5
    return float((params.threshold - 4 * spread) * params.permutations)


def _candidates_across(one: Any, two: Any, params: NearDuplicates) -> Iterator[tuple[int, int]]:
    """Pairs that share a band and whose signatures agree nearly as much as the threshold asks."""
    bands, rows = banding(params.permutations, params.threshold)
    least = _least_agreement(params)
    for band in range(bands):
        columns = slice(band * rows, (band + 1) * rows)
        buckets: dict[bytes, list[int]] = {}
        for i in range(len(one)):
            buckets.setdefault(one[i, columns].tobytes(), []).append(i)
        for j in range(len(two)):
            members = buckets.get(two[j, columns].tobytes())
            if members:
                agree = (one[members] == two[j]).sum(axis=1)
                yield from ((members[k], j) for k in (agree >= least).nonzero()[0].tolist())


def banding(permutations: int, threshold: float) -> tuple[int, int]:
    """(bands, rows) that find a pair at the threshold with at least 99% probability, with the most rows."""
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= 0.99:
            return bands, rows
    return permutations, 1


def _jaccard(one: Any, two: Any) -> float:
    import numpy as np

    common = len(np.intersect1d(one, two, assume_unique=True))
    return common / (len(one) + len(two) - common)


def text_of(row: dict[str, Any]) -> str:
    """What of a row is compared: the request and the answer."""
    return f"{row.get('instruction', '')}\n{row.get('input') or ''}\n{row.get('output', '')}"


class _Text(msgspec.Struct, gc=False):
    instruction: str = ""
    input: str | None = ""
    output: str = ""


_text = msgspec.json.Decoder(_Text).decode


def text_of_line(line: bytes) -> str:
    """The same, of a row's bytes."""
    row = _text(line)
    return f"{row.instruction}\n{row.input or ''}\n{row.output}"


class Clusters:
    """Union-find whose sets stay below a size; the links must come in a stable order. Nine bytes an item."""

    def __init__(self, count: int, limit: int) -> None:
        self._parent = array("i", range(count))
        self._size = array("i", [1]) * count
        self._limit = limit
        self._joined = bytearray(count)

    def __len__(self) -> int:
        return len(self._parent)

    def find(self, item: int) -> int:
        """The set's representative."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, one: int, two: int, *, always: bool = False) -> bool:
        """Unite two sets unless that makes one too large; whether they are one now."""
        a, b = self.find(one), self.find(two)
        if a == b:
            return True
        if not always and self._size[a] + self._size[b] > self._limit:
            return False
        if (self._size[a], -a) < (self._size[b], -b):
            a, b = b, a
        self._joined[a] = self._joined[b] = 1
        self._parent[b] = a
        self._size[a] += self._size[b]
        return True

    def size(self, item: int) -> int:
        """How many items its set has."""
        return self._size[self.find(item)]

    def sets(self) -> Iterator[list[int]]:
        """The sets of several items, each in ascending order."""
        import numpy as np

        items = np.flatnonzero(np.frombuffer(self._joined, np.uint8))
        roots = np.fromiter(map(self.find, items.tolist()), np.int32, len(items))
        order = np.argsort(roots, kind="stable")
        begins = runs(roots[order]).tolist()
        for begin, end in pairwise(begins):
            yield items[order[begin:end]].tolist()
