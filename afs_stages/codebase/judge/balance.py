"""How much of a kind may look up the rows of tables."""

from __future__ import annotations

from afs_stages.core.sample import TrainingSample

ROW_SHARE = 5
"""One sample in so many may look up a row of a table."""

ALWAYS = 10
"""So many rows are no excess, also where the docs of a codebase are one table."""

TOO_MANY_ROWS = "too_many_table_rows"


def is_row(sample: TrainingSample) -> bool:
    """Whether a sample looks up one row of a table of the docs."""
    return str(sample.provenance.get("kind")).endswith("_row")


def rows_left_out(samples: list[TrainingSample]) -> set[str]:
    """The ids of the rows beyond a fifth of the samples, and beyond ten: those that
    tell least.
    """
    rows = [sample for sample in samples if is_row(sample)]
    others = len(samples) - len(rows)
    allowed = max(others // (ROW_SHARE - 1), ALWAYS)
    rows.sort(key=_told, reverse=True)
    return {sample.sample_id for sample in rows[allowed:]}


def _told(sample: TrainingSample) -> tuple[int, str]:
    """How much an answer tells; of two alike the id decides."""
    return len(sample.output.split()), sample.sample_id
