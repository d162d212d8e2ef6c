"""Mixing a buffer into new rows on disk: decided on keys, rows copied as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from random import Random

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.report import StageReport
from afs_stages.dataset.index import Row, index
from afs_stages.dataset.rehearsal import rehearsal_count


def mix_files(
    buffer: Path, new: Sequence[Path], output: Path, ratio: float, shuffle: bool, seed: int, strict: bool = False
) -> StageReport:
    """Write new rows and the buffer's best so that the latter are `ratio` of the result.

    Rows that are in the new data already are not added again. A buffer too small is said and, with
    `strict`, refused.
    """
    report = StageReport("rehearsal-mix")
    with jsonl.open_rejects(output) as rejects:
        found = index([*new, buffer], rejects)
        fresh = [row for row in found.rows if row.file < len(new)]
        known = {row.sample_id for row in fresh}
        old = [row for row in found.rows if row.file == len(new)]
        free = [row for row in old if row.sample_id not in known]
        wanted = rehearsal_count(len(fresh), ratio, 10**12) if ratio < 1 else len(free)
        chosen = sorted(free, key=Row.rank)[:wanted]
        if len(chosen) < wanted:
            _say_short(report, wanted, len(chosen), strict)
        rows = [*(() if ratio >= 1 else fresh), *chosen]
        if shuffle:
            rows.sort(key=attrgetter("sample_id"))
            Random(seed).shuffle(rows)
        with jsonl.open_write(output) as writer:
            writer.write_lines(found.lines(rows))
    report.rows_in, report.rows_out = len(fresh) + len(old), writer.count
    report.rejected = rejects.counts
    _drops(report, len(old) - len(free), len(free) - len(chosen), len(fresh) if ratio >= 1 else 0)
    report.values = {"share": round(len(chosen) / writer.count, 4) if writer.count else 0.0, "rehearsed": len(chosen)}
    return report


def _drops(report: StageReport, repeated: int, unused: int, replaced: int) -> None:
    for reason, count in (("in_new_data", repeated), ("not_selected", unused), ("replaced", replaced)):
        if count:
            report.drop(reason, count)


def _say_short(report: StageReport, wanted: int, there: int, strict: bool) -> None:
    text = f"the ratio asks for {wanted} rehearsed rows, the buffer has {there}"
    if strict:
        raise UserError(text, where="--rehearsal-ratio", fix="lower the ratio or build a larger buffer")
    report.warn(text)
