"""The pipeline's rehearsal: from the train rows of strictly older releases to the buffer of this version."""

from __future__ import annotations

from pathlib import Path

from afs_stages.core import jsonl, layout
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.params.model import Model
from afs_stages.core.report import StageReport
from afs_stages.core.sample import content_id
from afs_stages.dataset.frozen import number, versions
from afs_stages.dataset.leakage import near_held_out
from afs_stages.dataset.rehearsal import RehearsalBuffer, RehearsalBufferConfig, rehearsal_count


def rehearse(model: str, block: Model, near: NearDuplicates, seed: int, strict: bool = False) -> StageReport:
    """Write data/rehearsal/<model>.jsonl: as many rows as the ratio asks for, chosen by the policy.

    No row of it is, or nearly is, a val or test row of any version or of this one.
    """
    report, params = StageReport("rehearse", model), block.rehearsal
    output = layout.rehearsal(model)
    config = RehearsalBufferConfig(
        **params.model_dump(exclude={"ratio"}), enable_diversity=True, seed=seed, compress=False
    )
    buffer = RehearsalBuffer(config)
    with jsonl.open_rejects(output, strict) as rejects:
        if params.ratio > 0:
            _load(buffer, model, block.version, rejects)
            near_ids = near_held_out(buffer.samples, _held_out_files(model), near, rejects)
            buffer.remove(near_ids, "near_held_out")
            _choose(buffer, model, block, report)
        report.rejected = rejects.counts
    buffer.save(output)
    report.rows_in, report.rows_out = sum(buffer.loaded.values()), len(buffer.samples)
    report.dropped = {reason: n for reason, n in buffer.dropped.items() if n}
    report.values = {**report.values, "ratio": params.ratio, "policy": params.policy, "buffer": buffer.stats()}
    return report


def _load(buffer: RehearsalBuffer, model: str, version: str, on_bad: jsonl.OnBad) -> None:
    """Older versions, earliest first; a row that several hold counts as the first one's."""
    for folder in versions(layout.RELEASES, model):
        if number(folder.name) >= number(version):
            continue
        known = {sample.sample_id for sample in buffer.samples}
        start = len(buffer.samples)
        buffer.load_from_jsonl(folder / "train.jsonl", folder.name, on_bad)
        again = [i for i in range(start, len(buffer.samples)) if buffer.samples[i].sample_id in known]
        buffer.dropped["in_earlier_version"] += len(again)
        for i in reversed(again):
            del buffer.samples[i]


def _held_out_files(model: str) -> list[Path]:
    """Val and test rows of this build and of every release of every model."""
    files = [layout.fitted(model, part) for part in ("val", "test")]
    files += [folder / f"{part}.jsonl" for folder in versions(layout.RELEASES) for part in ("val", "test")]
    return [path for path in files if path.is_file()]


def _choose(buffer: RehearsalBuffer, model: str, block: Model, report: StageReport) -> None:
    params, limit = block.rehearsal, block.rebalance.max_total
    new = _ids(layout.fitted(model, "train"))
    # Released rows may carry ids of another making (uuids of older tools); their content tells them.
    again = [sample.sample_id for sample in buffer.samples if {sample.sample_id, content_id(sample)} & new]
    buffer.remove(again, "in_new_data")
    allowed = round(params.top_ratio * sum(buffer.loaded.values()))
    wanted = rehearsal_count(len(new), params.ratio, 10**9) if params.ratio < 1 else allowed
    if limit is not None:
        wanted = min(wanted, round(params.ratio * limit))
    buffer.keep(min(wanted, allowed))
    # What the buffer lacks the mix may make up for by repeating its rows.
    reach = len(buffer.samples) * block.rebalance.oversample
    report.values = {"wanted": wanted, "short": max(wanted - reach, 0)}
    if reach < wanted:
        report.warn(
            f"{model}: the ratio {params.ratio} asks for {wanted} old rows for {len(new)} new ones, there are "
            f"{len(buffer.samples)} (rebalance.oversample: {block.rebalance.oversample}): "
            f"the share will be {reach / max(reach + len(new), 1):.3f}"
        )


def _ids(path: Path) -> set[str]:
    from afs_stages.dataset.index import index

    found = index([path], jsonl.refuse)
    return {row.sample_id for row in found.keys(found.canonical())}
