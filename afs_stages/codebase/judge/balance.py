"""How much of a kind may be of one form: rows of tables among what is told of pages and
variables; mistakes to find, callers to name and code to complete among what is told of
code; lists of names among what is told of files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afs_stages.core.sample import TrainingSample

ALWAYS = 10
"""So many are no excess, also where the docs of a codebase are one table."""


@dataclass(frozen=True)
class Cap:
    """One sample of a kind in `share` may be of a form; `reason` says why the others
    were left out.
    """

    is_of_it: Callable[[TrainingSample], bool]
    share: int
    reason: str


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


ROWS = Cap(is_row, 5, "too_many_table_rows")
BUGS = Cap(is_bug, 4, "too_many_bugs")
WHICH = Cap(is_which, 6, "too_many_callers_of_two")
COMPLETIONS = Cap(is_completion, 8, "too_many_completions")
NAMESPACES = Cap(is_namespace, 4, "too_many_namespaces")
CAPS = (
    ("architecture", NAMESPACES),
    ("documentation", ROWS),
    ("memory", ROWS),
    ("assembly", WHICH),
    ("assembly", COMPLETIONS),
    ("assembly", BUGS),
)
"""Kind and cap, in the order in which they are put on."""


def left_out(samples: list[TrainingSample], cap: Cap) -> set[str]:
    """The ids of those beyond a cap's share, and beyond ten: those that tell least."""
    of_it = [sample for sample in samples if cap.is_of_it(sample)]
    others = len(samples) - len(of_it)
    allowed = max(others // (cap.share - 1), ALWAYS)
    of_it.sort(key=_told, reverse=True)
    return {sample.sample_id for sample in of_it[allowed:]}


def _told(sample: TrainingSample) -> tuple[int, str]:
    """How much an answer tells; of two alike the id decides."""
    return len(sample.output.split()), sample.sample_id
