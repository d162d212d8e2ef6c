"""Whole files from samples to a training format, and from a training format to samples."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow
from afs_stages.core.report import StageReport
from afs_stages.dataset.formats import Format, Style


def convert_file(
    source: Path, output: Path, format: Format, style: Style, report: StageReport, strict: bool = False
) -> None:
    """Write the rows of a file of samples in a format."""
    with jsonl.open_rejects(output, strict) as rejects, jsonl.open_write(output) as writer:
        for sample in jsonl.read_samples(source, rejects):
            try:
                writer.write(format.render(sample, style))
            except (KeyError, TypeError, ValueError) as error:
                rejects(BadRow(source.name, 0, "not_in_this_format", f"{sample.sample_id}: {error}"))
    _count(report, writer.count, rejects.counts)


def import_file(
    source: Path,
    output: Path,
    format: Format,
    report: StageReport,
    strict: bool = False,
    *,
    source_name: str = "",
    domain: str = "",
) -> None:
    """Write the samples that a file in a format describes; rows of another shape are rejected.

    No format says what a row's source and domain are: `source_name` and `domain` do.
    """
    with jsonl.open_rejects(output, strict) as rejects, jsonl.open_write(output) as writer:
        for number, row in jsonl.read_objects(source, rejects):
            try:
                sample = format.parse(row)
                writer.write(sample.model_copy(update={"source": source_name, "domain": domain}))
            except ValidationError as error:
                rejects(BadRow(source.name, number, "schema", jsonl.describe(error)))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                rejects(BadRow(source.name, number, "not_this_format", f"{type(error).__name__}: {error}"))
    _count(report, writer.count, rejects.counts)


def _count(report: StageReport, written: int, rejected: dict[str, int]) -> None:
    report.rows_in += written + sum(rejected.values())
    report.rows_out += written
    for reason, count in rejected.items():
        report.rejected[reason] = report.rejected.get(reason, 0) + count
