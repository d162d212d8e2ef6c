"""ToolBench's files copied redacted, row by row: they are gigabytes,
and each row is a conversation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.atomic import atomic_file
from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.sources.files import named, record
from afs_stages.sources.redaction import Redactor
from afs_stages.sources.toolbench.json_array import elements
from afs_stages.sources.toolbench.row_files import is_answer, is_array
from afs_stages.sources.unexpected import guarded

_COLUMNS = ("id", "conversations")
"""What a sample needs of the parquet edition; other columns, and notes in the schema,
stay behind.
"""
Counts = dict[str, int]


def is_taken(path: PurePosixPath) -> bool:
    """Whether a file below a ToolBench folder is one that samples come from."""
    return path.suffix == ".parquet" or is_array(path) or is_answer(path)


def copy_array(name: str, path: Path, target: Path, on_bad: OnBad) -> Counts:
    """Copy a released file or query list; returns the redactions by kind.
    A broken row is left out.
    """
    counts: Counts = {}
    report = named(on_bad, name)
    with atomic_file(target) as file:
        separator = b"[\n"
        for number, _, raw in elements(path, report):
            value = record(name, number, raw)
            if isinstance(value, BadRow):
                report(value)
                continue
            with guarded(report, name, number):
                row = jsonl.encode(_redacted(value, counts))
                file.write(separator + row)
                separator = b",\n"
        file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
    return counts


def copy_parquet(name: str, path: Path, target: Path, on_bad: OnBad) -> Counts:
    """Copy a parquet file; one that cannot be read is reported and stays behind."""
    import pyarrow
    from pyarrow import parquet

    counts: Counts = {}
    try:
        source = parquet.ParquetFile(path)
        schema = pyarrow.schema(
            [field for field in source.schema_arrow if field.name in _COLUMNS]
        )
        with atomic_file(target) as file, parquet.ParquetWriter(file, schema) as writer:
            for rows in _batches(source, schema.names):
                cleaned = [_redacted(row, counts) for row in rows]
                writer.write_table(pyarrow.Table.from_pylist(cleaned, schema=schema))
    except (pyarrow.ArrowException, OSError) as error:
        on_bad(BadRow(name, 1, "unreadable", str(error).splitlines()[0]))
    return counts


def _batches(source: Any, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    for batch in source.iter_batches(batch_size=64, columns=columns):
        yield batch.to_pylist()


def _redacted(row: dict[str, Any], counts: Counts) -> Any:
    redact = Redactor()
    cleaned = redact.value(row)
    for kind, count in redact.counts.items():
        counts[kind] = counts.get(kind, 0) + count
    return cleaned
