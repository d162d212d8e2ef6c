"""The rows in ToolBench's files, whichever of its editions: one JSON object per trajectory or query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.sources.files import named, read_document, record
from afs_stages.sources.json_array import elements

Row = dict[str, Any]


def rows(name: str, path: Path, on_bad: OnBad, wanted: set[int] | None = None) -> Iterator[tuple[int, Row]]:
    """Yield (number from 1, row) of a released file, an answer tree, a query list or a parquet file.

    With `wanted`, rows of other numbers may be passed over undecoded.
    """
    report = named(on_bad, name)
    if path.suffix == ".parquet":
        yield from _parquet(name, path, report)
    elif path.name.startswith("toolllama_") or path.name.endswith("_query.json"):
        for number, raw in elements(path, report):
            if wanted is not None and number not in wanted:
                continue
            value = record(name, number, raw)
            if isinstance(value, BadRow):
                report(value)
            else:
                yield number, value
    elif "answer" in Path(name).parts[:-1] or "_answer" in name:
        value = read_document(name, path, report)
        if isinstance(value, dict):
            yield 1, value


def _parquet(name: str, path: Path, report: OnBad) -> Iterator[tuple[int, Row]]:
    """Hugging Face's edition: `conversations` is a struct of two lists, `from` and `value`."""
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            for row in batch.to_pylist():
                number += 1
                yield number, {**row, "conversations": _zipped(row.get("conversations"))}
    except (pyarrow.ArrowException, OSError) as error:
        report(BadRow(name, number + 1, "unreadable", str(error).splitlines()[0]))


def _zipped(turns: Any) -> Any:
    if not isinstance(turns, dict):
        return turns
    pairs = zip(turns.get("from") or [], turns.get("value") or [], strict=False)
    return [{"from": sender, "value": value} for sender, value in pairs]
