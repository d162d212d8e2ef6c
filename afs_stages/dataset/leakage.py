"""Held-out rows, and near copies of them, where they must not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.sample import TrainingSample, comparable_text
from afs_stages.dataset import near


class Leak(NamedTuple):
    """A trained row that is (`exact`) or nearly is (`near`) a held-out one; `file` holds the latter."""

    kind: str
    trained: str
    held_out: str
    file: str


def find_leaks(
    trained: Sequence[TrainingSample], held_out: Iterable[Path], params: NearDuplicates, on_bad: jsonl.OnBad
) -> Iterator[Leak]:
    """Yield every leak between trained rows and the rows of held-out files. Memory: all rows' texts."""
    held: list[tuple[TrainingSample, str]] = []
    seen: set[str] = set()
    for path in held_out:
        for sample in jsonl.read_samples(path, on_bad):
            if sample.sample_id not in seen:
                seen.add(sample.sample_id)
                held.append((sample, path.as_posix()))
    exact = {sample.sample_id: file for sample, file in held}
    for sample in trained:
        if sample.sample_id in exact:
            yield Leak("exact", sample.sample_id, sample.sample_id, exact[sample.sample_id])
    if not trained or not held:
        return
    ours, theirs = [comparable_text(sample) for sample in trained], [comparable_text(sample) for sample, _ in held]
    for one, two in near.pairs_across(ours, theirs, params):
        sample, file = held[two]
        if trained[one].sample_id != sample.sample_id:
            yield Leak("near", trained[one].sample_id, sample.sample_id, file)


def near_held_out(
    trained: Sequence[TrainingSample], held_out: Iterable[Path], params: NearDuplicates, on_bad: jsonl.OnBad
) -> set[str]:
    """The ids of trained rows that leak."""
    return {leak.trained for leak in find_leaks(trained, held_out, params, on_bad)}
