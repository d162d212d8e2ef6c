"""Phrasings of a question, one chosen by the content it asks for, so that the same
input asks the same way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

_MARKS = re.compile(r"[^\w$#.+\-%!@&/:]+")


def choose(phrasings: Sequence[str], key: str) -> str:
    """One of the phrasings, by a hash of `key`."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return phrasings[int.from_bytes(digest, "big") % len(phrasings)]


def normalised(question: str) -> str:
    """A question as comparison sees it: lower case,
    without quotes and sentence marks.
    """
    return " ".join(
        _MARKS.sub(" ", question.lower()).replace(". ", " ").rstrip(". ").split()
    )


def address(value: int, width: int = 0) -> str:
    """An address as people write it: `$7E0F04`, `$2100`, `$12`."""
    digits = width or (2 if value < 0x100 else 4 if value < 0x10000 else 6)
    return f"${value:0{digits}X}"


def listing(items: Sequence[str], limit: int = 8) -> str:
    """`a, b and c`; beyond the limit the number of the rest."""
    shown = list(items[:limit])
    if len(items) > limit:
        return f"{', '.join(shown)} and {len(items) - limit} more"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def only_if(condition: str) -> str:
    """The condition of the assembler behind what stands under it, "" for none."""
    return f" (only if {condition})" if condition else ""


def quoted(items: Iterable[str], limit: int = 8) -> str:
    """A listing of names of the code, each in the quotes of code."""
    return listing([f"`{name}`" for name in items], limit)
