"""How much of a kind may be of one form: rows of tables among what is told of pages and
variables; mistakes to find, callers to name and code to complete among what is told of
code; lists of names among what is told of files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afs_stages.core.sample import TrainingSample


@dataclass(frozen=True)
class Cap:
    """Of a form there may be one sample to `share` - 1 of no capped form; `reason` says
    why the others were left out.
    """

    is_of_it: Callable[[TrainingSample], bool]
    share: int
    reason: str
    always: int = 50
    """So many are no excess, also where a codebase gives nothing else."""


def is_row(sample: TrainingSample) -> bool:
    """Whether a sample looks up one row of a table of the docs."""
    return str(sample.provenance.get("kind")).endswith("_row")


def is_bug(sample: TrainingSample) -> bool:
    """Whether a sample asks for the mistake in a routine."""
    return sample.provenance.get("kind") == "asm_bug"


def is_which(sample: TrainingSample) -> bool:
    """Whether a sample asks for a routine that calls two others."""
    return sample.provenance.get("kind") == "asm_which"


def is_completion(sample: TrainingSample) -> bool:
    """Whether a sample asks for the rest of a routine."""
    return sample.provenance.get("kind") == "asm_complete"


def is_namespace(sample: TrainingSample) -> bool:
    """Whether a sample lists the labels of a namespace."""
    return sample.provenance.get("kind") == "architecture_namespace"


ROWS = Cap(is_row, 5, "too_many_table_rows", always=10)
BUGS = Cap(is_bug, 4, "too_many_bugs")
WHICH = Cap(is_which, 6, "too_many_callers_of_two")
COMPLETIONS = Cap(is_completion, 8, "too_many_completions")
NAMESPACES = Cap(is_namespace, 4, "too_many_namespaces", always=10)
CAPS = {
    "architecture": (NAMESPACES,),
    "documentation": (ROWS,),
    "memory": (ROWS,),
    "assembly": (WHICH, COMPLETIONS, BUGS),
}
"""The caps of each kind that has some."""


def left_out(
    samples: list[TrainingSample], caps: tuple[Cap, ...]
) -> dict[str, set[str]]:
    """Reason -> the ids of those beyond a cap's share, and beyond what it always
    allows: those that tell least. A share is counted from the samples of no form.
    """
    free = sum(not any(cap.is_of_it(sample) for cap in caps) for sample in samples)
    found: dict[str, set[str]] = {}
    for cap in caps:
        of_it = [sample for sample in samples if cap.is_of_it(sample)]
        of_it.sort(key=_told, reverse=True)
        allowed = max(free // (cap.share - 1), cap.always)
        found[cap.reason] = {sample.sample_id for sample in of_it[allowed:]}
    return found


def _told(sample: TrainingSample) -> tuple[int, str]:
    """How much an answer tells; of two alike the id decides."""
    return len(sample.output.split()), sample.sample_id
