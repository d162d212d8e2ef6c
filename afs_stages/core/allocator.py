"""The process's memory allocator, where one setting makes a large difference."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Of glibc's `mallopt`."""
MAPPED = 32 << 20
"""The largest threshold glibc takes."""


def keep_freed(size: int) -> None:
    """Let glibc keep up to `size` freed bytes: large arrays made anew in each step are
    else faulted in each time.

    For the whole process, and for good; elsewhere than on glibc nothing happens.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(MMAP_THRESHOLD, MAPPED)
        tune(TOP_PAD, MAPPED)
        tune(TRIM_THRESHOLD, size)
