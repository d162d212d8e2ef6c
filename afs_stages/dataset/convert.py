"""Whole files from samples to a training format,
and from a training format to samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import problem
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.formats import Format, Style


def convert_file(
    source: Path,
    output: Path,
    format: Format,
    style: Style,
    report: StageReport,
    strict: bool = False,
) -> set[str]:
    """Write the rows of a file of samples in a format; returns their columns."""
    columns: set[str] = set()
    with (
        jsonl.open_rejects(output, strict) as rejects,
        jsonl.open_write(output) as writer,
    ):
        for row in _rendered(source, format, style, rejects):
            columns |= row.keys()
            writer.write(row)
    _count(report, writer.count, rejects.counts)
    return columns


def _rendered(
    source: Path, format: Format, style: Style, on_bad: jsonl.OnBad
) -> Iterator[dict[str, Any]]:
    for number, sample in jsonl.read_numbered_samples(source, on_bad):
        try:
            yield format.render(sample, style)
        except (KeyError, TypeError, ValueError) as error:
            on_bad(BadRow(source.name, number, "not_in_this_format", str(error)))


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
    """Write the samples that a file in a format describes;
    rows of another shape are rejected.

    No format says what a row's source and domain are: `source_name` and `domain` do.
    """
    with (
        jsonl.open_rejects(output, strict) as rejects,
        jsonl.open_write(output) as writer,
    ):
        for number, row in jsonl.read_objects(source, rejects):
            try:
                sample = format.parse(row)
                sample.source, sample.domain = source_name, domain
                writer.write(sample.checked())
            except msgspec.ValidationError as error:
                rejects(BadRow(source.name, number, "schema", problem(error)))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                rejects(
                    BadRow(
                        source.name,
                        number,
                        "not_this_format",
                        f"{type(error).__name__}: {error}",
                    )
                )
    _count(report, writer.count, rejects.counts)


def _count(report: StageReport, written: int, rejected: dict[str, int]) -> None:
    report.rows_in += written + sum(rejected.values())
    report.rows_out += written
    for reason, count in rejected.items():
        report.rejected[reason] = report.rejected.get(reason, 0) + count
