"""A place in a text that holds a secret, and how places that overlap become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From where to where a secret stands, and of what kind it is."""

    start: int
    end: int
    kind: str


PERSONAL = frozenset({"email", "user", "name"})
"""Kinds that name a person: they give way to a secret that they overlap in part."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order of place, none overlapping another.

    The wider of two takes the narrower in. Two that overlap in part become one, but a
    personal kind gives way: in `a:p@ss@host.org` the login ends before `@host.org`,
    which is no address of a person.
    """
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= span.end:
            continue
        last = kept[-1] if kept else None
        if last is None or span.start >= last.end:
            kept.append(span)
        elif span.end > last.end and span.kind not in PERSONAL:
            kept[-1] = Span(last.start, span.end, _stronger(last.kind, span.kind))
    return kept


def _stronger(one: str, other: str) -> str:
    return other if one in PERSONAL else one
