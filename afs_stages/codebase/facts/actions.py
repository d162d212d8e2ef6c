"""What a line of code is said to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One thing done: verb, what it is done to, and the rest of the sentence."""

    verb: str
    what: str
    tail: str = ""
    place: str = ""
    """The name or address it is done to, without index, where there is one."""
    value: str = ""
    """The constant a place is set to, or what chooses an entry of a table."""
    vague: bool = False
    """Whether it tells where a result goes, or that something is asked, and not what
    it is.
    """
    nowhere: bool = False
    """Whether it asks what A is, and nothing tells where A came from."""


@dataclass(frozen=True)
class LineActions:
    """The acts of one line; `label` where the line is the first under a label."""

    line: int
    label: str
    acts: tuple[Action, ...]
    version: str = ""
    """The condition of the assembler under which the line is there."""
