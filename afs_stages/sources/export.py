"""Running a generator: samples to a file, everything else to the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.core.params import Params
from afs_stages.core.progress import progress
from afs_stages.core.sample import TrainingSample, content_id, problem
from afs_stages.core.stage_report import StageReport
from afs_stages.sources.base import BaseGenerator, Keep
from afs_stages.sources.plugins import parse_options, source_class
from afs_stages.sources.redaction import Redactor
from afs_stages.sources.unexpected import guarded


def from_params(name: str, params: Params) -> BaseGenerator:
    """The generator of a source block; `export`'s keys are the defaults of options
    of the same name.
    """
    block = params.sources[name]
    cls = source_class(block.type or name, f"params.yaml: sources.{name}.type")
    shared = {
        key: value
        for key, value in params.export.model_dump().items()
        if key in cls.Options.model_fields
    }
    options = parse_options(cls, {**shared, **block.options}, f"sources.{name}")
    return cls(name, block.domain, [Path(block.root)], options)


def run(
    generator: BaseGenerator,
    output: Path,
    *,
    limit: int | None = None,
    strict: bool = False,
    keep: Keep | None = None,
) -> StageReport:
    """Write the generator's samples to `output`;
    an exact repetition of a sample is written once.

    `keep` may name a reason to leave a sample out (a quality gate);
    `limit` counts the samples kept.
    """
    report = StageReport("export", generator.name)
    seen: set[str] = set()
    with (
        jsonl.open_rejects(output, strict) as rejects,
        jsonl.open_write(output) as writer,
    ):
        generator.on_bad = _redacted(rejects)
        samples = generator.generate() if limit != 0 else ()
        for sample in progress(samples, f"export {generator.name}", unit="samples"):
            with guarded(generator.on_bad, generator.name, 0):
                reason = _repeated(sample, seen) or (keep(sample) if keep else "")
                if reason:
                    generator.tally.drop(reason)
                    continue
                try:
                    writer.write(sample.checked())
                except msgspec.ValidationError as error:
                    bad = BadRow(generator.name, 0, "schema", problem(error))
                    generator.on_bad(bad)
            if limit is not None and writer.count >= limit:
                break
    tally = generator.tally
    report.rows_in, report.rows_out = tally.seen, writer.count
    report.dropped, report.rejected = tally.dropped, rejects.counts
    report.values = {"redactions": dict(sorted(tally.redactions.items()))}
    report.values |= tally.measures
    if tally.unknown_tags:
        tags = dict(sorted(tally.unknown_tags.items()))
        report.values["unknown_harness"] = tags
        named = ", ".join(f"<{tag}> {count}" for tag, count in tags.items())
        report.warn(f"texts with a tag that no data file knows were kept out: {named}")
    for note in tally.notes:
        report.warn(note)
    if not writer.count:
        report.warn(
            "no samples found under "
            f"{', '.join(Redactor()(str(root)) for root in generator.roots)}"
        )
    return report


def _repeated(sample: TrainingSample, seen: set[str]) -> str:
    """Whether the content was written before, with thinking or without."""
    id = sample.sample_id
    if sample.thinking:
        id = content_id(msgspec.structs.replace(sample, thinking=None))
    known = id in seen
    seen.add(id)
    return "exact_duplicate" if known else ""


def _redacted(on_bad: OnBad) -> OnBad:
    """`on_bad` with names and texts of bad rows redacted:
    they go to a file and to error messages.
    """

    def report(bad: BadRow) -> None:
        redact = Redactor()
        text = None if bad.text is None else redact(bad.text)
        on_bad(
            replace(bad, file=redact(bad.file), detail=redact(bad.detail), text=text)
        )

    return report
