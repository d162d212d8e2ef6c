"""No record ends an export: an error that nobody foresaw is counted, with its place.

The readers and the redactor are written to take anything. Where they do not, the record
becomes a bad row, named after the error and the line of code that raised it. The text
of the error is left out, for it may hold what the record held.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BadRow, OnBad
from afs_stages.sources.events import Event, Lost

REASON = "unexpected_error"


@contextmanager
def guarded(on_bad: OnBad, file: str, line: int) -> Iterator[None]:
    """Report an error inside the block as the bad row `line` of `file`.

    What is not the record's fault passes: `--strict`, a full disk, too little memory.
    """
    try:
        yield
    except (UserError, OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - this is the one place for it
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        detail = f"{type(error).__name__} in {place}: please report it"
        on_bad(BadRow(file, line, REASON, detail))


def guarded_events(
    told: Iterable[Event], on_bad: OnBad, file: str, line: int
) -> Iterator[Event]:
    """What a record tells; `Lost` where reading it fails."""
    with guarded(on_bad, file, line):
        yield from told
        return
    yield Lost()
