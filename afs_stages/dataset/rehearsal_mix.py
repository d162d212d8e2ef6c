"""Mixing a buffer into new rows on disk: decided on keys, rows copied as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.report import StageReport
from afs_stages.dataset.index import index
from afs_stages.dataset.keys import Keys, shuffled
from afs_stages.dataset.policies import best_first
from afs_stages.dataset.rehearsal import rehearsal_count


def mix_files(
    buffer: Path, new: Sequence[Path], output: Path, ratio: float, shuffle: bool, seed: int, strict: bool = False
) -> StageReport:
    """Write new rows and the buffer's best so that the latter are `ratio` of the result.

    Rows that are in the new data already are not added again. A buffer too small is said and, with
    `strict`, refused. Shuffled, the result does not depend on the order of files and rows.
    """
    report = StageReport("rehearsal-mix")
    with jsonl.open_rejects(output) as rejects:
        found = index([*new, buffer], rejects)
        order = found.canonical()
        is_old = found.file_of(order) == len(new)
        fresh, old = order[~is_old], order[is_old]
        free = old[~_among(found.key[old], found.key[fresh])]
        wanted = rehearsal_count(len(fresh), ratio, 10**12) if ratio < 1 else len(free)
        chosen = best_first(found, free)[:wanted]
        if len(chosen) < wanted:
            _say_short(report, wanted, len(chosen), strict)
        rows = np.concatenate([fresh[:0] if ratio >= 1 else fresh if shuffle else np.sort(fresh), chosen])
        if shuffle:
            rows = rows[shuffled(len(rows), seed)]
        with jsonl.open_write(output) as writer:
            writer.write_batches(found.batches(rows))
    report.rows_in, report.rows_out = len(fresh) + len(old), writer.count
    report.rejected = rejects.counts
    _drops(report, len(old) - len(free), len(free) - len(chosen), len(fresh) if ratio >= 1 else 0)
    report.values = {"share": round(len(chosen) / writer.count, 4) if writer.count else 0.0, "rehearsed": len(chosen)}
    return report


def _among(keys: Keys, known: Keys) -> NDArray[np.bool_]:
    """Whether each key stands in the sorted `known`."""
    if not len(known):
        return np.zeros(len(keys), np.bool_)
    same: NDArray[np.bool_] = known[np.searchsorted(known[:-1], keys)] == keys
    return same


def _drops(report: StageReport, repeated: int, unused: int, replaced: int) -> None:
    for reason, count in (("in_new_data", repeated), ("not_selected", unused), ("replaced", replaced)):
        if count:
            report.drop(reason, count)


def _say_short(report: StageReport, wanted: int, there: int, strict: bool) -> None:
    text = f"the ratio asks for {wanted} rehearsed rows, the buffer has {there}"
    if strict:
        raise UserError(text, where="--rehearsal-ratio", fix="lower the ratio or build a larger buffer")
    report.warn(text)
