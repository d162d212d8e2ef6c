"""The rows in ToolBench's files, whichever of its editions: one JSON object per
trajectory or query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.sources.events import dicts
from afs_stages.sources.files import named, read_document, record
from afs_stages.sources.toolbench.json_array import elements

Row = dict[str, Any]


_HEAD = 65_536
_KEYS_OF_ANSWERS = (b'"answer_generation"', b'"final_answer"', b'"answer_details"')


class RowLocation(NamedTuple):
    """Where a row stands: its number from 1 and, in a released file,
    its first byte and its length.
    """

    number: int
    offset: int = 0
    size: int = 0


def rows(name: str, path: Path, on_bad: OnBad) -> Iterator[tuple[RowLocation, Row]]:
    """Yield (place, row) of a released file, an answer tree,
    a query list or a parquet file.
    """
    report = named(on_bad, name)
    if path.suffix == ".parquet":
        yield from _parquet(name, path, report)
    elif is_array(path):
        for number, offset, raw in elements(path, report):
            value = record(name, number, raw)
            if isinstance(value, BadRow):
                report(value)
            else:
                yield RowLocation(number, offset, len(raw)), value
    elif is_answer(path) or holds_answers(path):
        document = read_document(name, path, report)
        for number, row in enumerate(_answers(document), 1):
            yield RowLocation(number), row


def chosen_rows(
    name: str, path: Path, places: list[RowLocation], on_bad: OnBad
) -> Iterator[tuple[int, Row]]:
    """Yield (number, row) at places that `rows` gave;
    of a released file only these bytes are read.
    """
    if not places:
        return
    if not is_array(path):
        wanted = {place.number for place in places}
        yield from (
            (at.number, row)
            for at, row in rows(name, path, lambda bad: None)
            if at.number in wanted
        )
        return
    with path.open("rb") as file:
        for place in sorted(places):
            file.seek(place.offset)
            value = record(name, place.number, file.read(place.size))
            if isinstance(value, BadRow):
                on_bad(value)
            else:
                yield place.number, value


def is_array(path: PurePath) -> bool:
    """Whether a file is one large array, which is read row by row."""
    return path.name.startswith("toolllama_") or path.name.endswith("_query.json")


def _answers(document: Any) -> list[Row]:
    """The rows of a file of answers: one answer, a list, or answers by query."""
    if isinstance(document, dict) and "answer_generation" not in document:
        return dicts(list(document.values()))
    return dicts(document if isinstance(document, list) else [document])


def is_answer(path: PurePath) -> bool:
    """Whether the name of a file says that it holds answers: `<query>_<method>.json`
    or, of predictions for the evaluator, `<test set>_converted.json`; or that of a
    folder it stands in.
    """
    in_answers = any("answer" in part for part in path.parts[:-1])
    named = re.match(r"\d+_|.*_converted\.json$", path.name) is not None
    return path.suffix == ".json" and (in_answers or named)


def holds_answers(path: Path) -> bool:
    """Whether the keys say so that a file of any other name begins with."""
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return any(key in head for key in _KEYS_OF_ANSWERS)


def _parquet(name: str, path: Path, report: OnBad) -> Iterator[tuple[RowLocation, Row]]:
    """Hugging Face's edition: `conversations` is a struct of two lists,
    `from` and `value`.
    """
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            for row in batch.to_pylist():
                number += 1
                yield (
                    RowLocation(number),
                    {**row, "conversations": _zipped(row.get("conversations"))},
                )
    except (pyarrow.ArrowException, OSError) as error:
        report(BadRow(name, number + 1, "unreadable", str(error).splitlines()[0]))


def _zipped(turns: Any) -> Any:
    if not isinstance(turns, dict):
        return turns
    pairs = zip(turns.get("from") or [], turns.get("value") or [], strict=False)
    return [{"from": sender, "value": value} for sender, value in pairs]
