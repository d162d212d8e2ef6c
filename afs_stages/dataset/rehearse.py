"""Rehearsal: rows of older versions that a new version is trained on again.

`rehearse_model` is the pipeline's stage, `rehearse_files` the command by hand. Rows are
decided on by their columns and copied as they stand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afs_stages.core import jsonl, layout
from afs_stages.core.params.data import NearDuplicates, Selection
from afs_stages.core.params.model import Model
from afs_stages.core.sample import TrainingSample, content_id
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.frozen import number, versions
from afs_stages.dataset.index import Index, index, with_metadata
from afs_stages.dataset.keys import Rows
from afs_stages.dataset.leakage import held_out_files, is_leaking
from afs_stages.dataset.rehearsal_pool import (
    RehearsalPool,
    buffer_facts,
    counts,
    refuse_unscored,
)

ROUNDING = 1e-6
"""Rows that are no row: what the arithmetic of floats adds."""


def rehearse_model(
    model: str, block: Model, near: NearDuplicates, seed: int, strict: bool = False
) -> StageReport:
    """Write data/rehearsal/<model>.jsonl: as many rows as the ratio asks for,
    chosen by the policy.

    No row of it is, or nearly is, a val or test row of any version or of this one.
    """
    report, rehearsal = StageReport("rehearse", model), block.rehearsal
    output = layout.rehearsal(model)
    older = _older_versions(model, block.version) if rehearsal.ratio > 0 else []
    names = [folder.name for folder in older]
    with jsonl.open_rejects(output, strict) as rejects:
        found = index([folder / "train.jsonl" for folder in older], rejects)
        _refuse_unscored_files(found, rehearsal.quality_threshold)
        pool = RehearsalPool(found, np.arange(len(found), dtype=np.int32))
        pool.keep_good(rehearsal.quality_threshold)
        _keep_earliest(pool)
        if rehearsal.ratio > 0:
            held_out = [layout.fitted(model, part) for part in ("val", "test")]
            held_out += held_out_files(layout.RELEASES)
            pool.remove(
                is_leaking(found, pool.rows, held_out, near, rejects), "near_held_out"
            )
            _choose_for_model(pool, model, block, seed, report)
        _write(found, pool.rows, names, output)
        report.rejected = rejects.counts
    report.rows_in, report.rows_out = len(found), len(pool.rows)
    report.dropped = dict(pool.dropped)
    report.values["ratio"] = rehearsal.ratio
    report.values["policy"] = rehearsal.policy
    report.values["buffer"] = _facts(found, pool.rows, names)
    return report


def rehearse_files(
    inputs: Sequence[Path],
    version: str,
    output: Path,
    selection: Selection,
    near: NearDuplicates,
    seed: int,
    *,
    spread: bool = True,
    held_out: Sequence[Path] = (),
    strict: bool = False,
) -> StageReport:
    """Write the best rows of a version's files, at most `top_ratio` of them all,
    marked with `version`.

    With `spread` every domain keeps its share; without, the best of all domains
    together are chosen.

    No row that is, or nearly is, in a held-out file enters.
    Raises `UserError` where no row is scored.
    """
    report = StageReport("rehearsal-build", version)
    with jsonl.open_rejects(output, strict) as rejects:
        found = index(inputs, rejects)
        _refuse_unscored_files(found, selection.quality_threshold)
        pool = RehearsalPool(found, found.canonical())
        pool.keep_good(selection.quality_threshold)
        if held_out:
            pool.remove(
                is_leaking(found, pool.rows, held_out, near, rejects), "near_held_out"
            )
        pool.limit(selection.max_per_domain)
        pool.choose(round(selection.top_ratio * len(found)), selection, seed, spread)
        _write(found, pool.rows, [version] * len(inputs), output)
        report.rejected = rejects.counts
    report.rows_in, report.rows_out = len(found), len(pool.rows)
    report.dropped = dict(pool.dropped)
    report.values = {"domains": counts(_domains_of(found, pool.rows))}
    return report


def _older_versions(model: str, version: str) -> list[Path]:
    """The releases before `version`, the earliest first."""
    return [
        folder
        for folder in versions(layout.RELEASES, model)
        if number(folder.name) < number(version)
    ]


def _refuse_unscored_files(found: Index, threshold: float) -> None:
    for place, path in enumerate(found.files):
        refuse_unscored(found.score[found.rows_of(place)], threshold, path)


def _keep_earliest(pool: RehearsalPool) -> None:
    """Keep every row once: one that several versions hold counts as the first one's."""
    pool.rows = pool.rows[np.argsort(pool.found.key[pool.rows], kind="stable")]
    keys = pool.found.key[pool.rows]
    is_again = np.zeros(len(keys), np.bool_)
    is_again[1:] = keys[1:] == keys[:-1]
    pool.remove(is_again, "in_earlier_version")


def _choose_for_model(
    pool: RehearsalPool, model: str, block: Model, seed: int, report: StageReport
) -> None:
    """Choose what the ratio asks for; what the buffer lacks for it the mix may make up
    for by repeating rows.
    """
    rehearsal, oversample = block.rehearsal, block.rebalance.oversample
    new = _ids(layout.fitted(model, "train"))
    pool.remove(_is_known(pool, new), "in_new_data")
    allowed = round(rehearsal.top_ratio * len(pool.found.key))
    wanted = allowed
    if rehearsal.ratio < 1:
        wanted = _at_least(len(new) * rehearsal.ratio / (1 - rehearsal.ratio))
    if block.rebalance.max_total is not None:
        wanted = min(wanted, _at_least(rehearsal.ratio * block.rebalance.max_total))
    pool.limit(rehearsal.max_per_domain)
    pool.choose(min(wanted, allowed), rehearsal, seed)
    reach = len(pool.rows) * oversample
    report.values = {"wanted": wanted, "short": max(wanted - reach, 0)}
    if reach < wanted:
        asked = (
            f"models.{model}.rehearsal.ratio: {rehearsal.ratio} asks for {wanted} old "
            f"rows for {len(new)} new ones"
        )
        there = f"there are {len(pool.rows)} in releases before {block.version}"
        report.warn(
            f"{asked}, {there} (rebalance.oversample: {oversample}): their share will "
            "be smaller"
        )


def _at_least(rows: float) -> int:
    """The whole number of rows that is not too few; 10.000000001 is 10."""
    return math.ceil(rows - ROUNDING)


def _is_known(pool: RehearsalPool, ids: set[str]) -> NDArray[np.bool_]:
    """Whether each row is in the new data.

    Released rows may carry ids of another making (uuids of older tools);
    their content tells them.
    """
    assert isinstance(pool.found, Index)
    known = []
    for line in pool.found.lines(pool.rows):
        sample = TrainingSample.from_dict(jsonl.decode(line))
        known.append(sample.sample_id in ids or content_id(sample) in ids)
    return np.array(known, dtype=np.bool_)


def _ids(path: Path) -> set[str]:
    found = index([path], jsonl.refuse)
    return {row.sample_id for row in found.keys(found.canonical())}


def _write(found: Index, rows: Rows, names: Sequence[str], output: Path) -> None:
    """Write the rows, each with the version of its file unless it
    carries an earlier one.
    """
    with jsonl.open_write(output) as writer:
        writer.write_lines(_marked(found, rows, names))


def _marked(found: Index, rows: Rows, names: Sequence[str]) -> Iterator[bytes]:
    files = found.file_of(rows).tolist()
    for row, file, line in zip(rows.tolist(), files, found.lines(rows), strict=True):
        is_marked = bool(found.versions[found.version[row]])
        yield (
            line
            if is_marked or not names[file]
            else with_metadata("origin_version", names[file])(line)
        )


def _facts(found: Index, rows: Rows, names: Sequence[str]) -> dict[str, Any]:
    """Rows loaded and kept, by version and domain, and the range of scores."""
    loaded = {
        name: len(found.key[found.rows_of(place)]) for place, name in enumerate(names)
    }
    origins = [found.versions[code] for code in found.version[rows].tolist()]
    files = found.file_of(rows).tolist()
    versions = [
        origin or names[file] for origin, file in zip(origins, files, strict=True)
    ]
    return buffer_facts(loaded, versions, _domains_of(found, rows), found.score[rows])


def _domains_of(found: Index, rows: Rows) -> list[str]:
    return [found.domains[code] for code in found.domain[rows].tolist()]
