"""Progress of long work: a bar on a terminal,
a quiet line every ten seconds in a pipe.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
QUIET_SECONDS = 10.0


def progress(
    items: Iterable[T], what: str, total: int | None = None, unit: str = "rows"
) -> Iterator[T]:
    """Yield the items, showing how many have gone by, the rate and, if `total` is
    known, the time left.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(
            items,
            desc=what,
            total=total,
            unit=f" {unit}",
            leave=False,
            dynamic_ncols=True,
        )
        return
    started = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= QUIET_SECONDS:
            last = now
            sys.stderr.write(_line(what, done, total, unit, now - started) + "\n")


def _line(what: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    rate = done / seconds
    if not total:
        return f"{what}: {done:,} {unit}, {rate:,.0f}/s"
    left = (total - done) / rate if rate else 0.0
    return f"{what}: {done:,} of {total:,} {unit}, {rate:,.0f}/s, {left:,.0f} s left"


def progress_bytes(
    blocks: Iterable[T], what: str, total: int, size: Callable[[Any], int] = len
) -> Iterator[T]:
    """Yield the blocks, showing megabytes gone by,
    the rate and the time left of `total` bytes.

    `size` tells a block's bytes, where the blocks are not bytes themselves.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(
            desc=what,
            total=total,
            unit="B",
            unit_scale=True,
            leave=False,
            dynamic_ncols=True,
        ) as bar:
            for block in blocks:
                yield block
                bar.update(size(block))
        return
    started = last = time.monotonic()
    done = 0
    for block in blocks:
        yield block
        done += size(block)
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            sys.stderr.write(
                _line(what, done // 10**6, total // 10**6, "MB", last - started) + "\n"
            )
