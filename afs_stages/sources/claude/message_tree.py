"""Which lines of a Claude Code session are the conversation:
the path to the last leaf of its tree.

Only heads of records are decoded and a line costs some 200 bytes, so that a session of
a gigabyte can be told apart in little memory.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import NamedTuple

import msgspec

from afs_stages.core import jsonl


class Head(msgspec.Struct):
    """The part of a record that the tree needs;
    everything else is skipped undecoded.
    """

    type: str | None = None
    uuid: str | None = None
    parent: str | None = msgspec.field(default=None, name="parentUuid")
    logical: str | None = msgspec.field(default=None, name="logicalParentUuid")
    sidechain: bool | None = msgspec.field(default=None, name="isSidechain")
    summary: bool | None = msgspec.field(default=None, name="isCompactSummary")
    subtype: str | None = None


_decode = msgspec.json.Decoder(Head).decode
_WITH_PARENT = (b'"tool_result"', b'"tool_use"', b'"queued_command"')
"""Marks of records that are no branch of their own beside the path."""


class MessageTree(NamedTuple):
    """Which lines of a file are the conversation."""

    kept: bytearray
    """One flag per line number."""
    subagent: bool
    """Every message in the file is a subagent's."""
    orphans: frozenset[int]
    """Lines that answer a line which is lost."""

    def holds(self, number: int) -> bool:
        """Whether a line is on the conversation's path."""
        return number < len(self.kept) and bool(self.kept[number])


def message_tree(path: Path) -> MessageTree:
    """The tree of a session. A subagent's file has sidechain messages alone; in a
    session they are another conversation's.
    """
    kept, others, orphans = _kept_lines(path, subagent=False)
    is_subagent = others and not any(kept)
    if is_subagent:
        kept, _, orphans = _kept_lines(path, subagent=True)
    return MessageTree(kept, is_subagent, orphans)


def _kept_lines(path: Path, subagent: bool) -> tuple[bytearray, bool, frozenset[int]]:
    """(one flag per line number, whether there are sidechain messages, the lines whose
    parent is missing).

    A record whose parent is missing (its line was broken), or that continues a
    compacted conversation without naming its parent, as older versions do, hangs on the
    record before it; so does a queued prompt, which has no place in the tree. A tool
    call, a result or a queued prompt beside the path is kept with its parent.
    """
    lines: dict[str, int] = {}
    parents, tools, side = array("q", [0]), bytearray(1), bytearray(1)
    last = previous = 0
    orphans: set[int] = set()
    for number, line in jsonl.read_lines(path, _pass_over):
        _pad(number, parents, tools, side)
        head = _head(line)
        if head is None or head.uuid in lines:
            continue
        if head.uuid is None:
            parents[number] = previous
            tools[number] = head.type == "attachment" and _WITH_PARENT[-1] in line
            continue
        lines[head.uuid] = number
        foreign = bool(head.sidechain) and not subagent
        side[number] = foreign
        above = head.parent or head.logical
        if above and above not in lines:
            orphans.add(number)
        continued = head.summary or head.subtype == "compact_boundary"
        parents[number] = (
            lines.get(above, previous) if above else previous if continued else 0
        )
        if foreign:
            continue
        previous = number
        if head.type in ("user", "assistant"):
            last = number
        tools[number] = any(mark in line for mark in _WITH_PARENT)
    return _kept(parents, tools, side, last), any(side), frozenset(orphans)


def _head(line: bytes) -> Head | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _slow_head(line)


def _slow_head(line: bytes) -> Head | None:
    """The head of a line that only the forgiving reader understands (a
    lone surrogate).
    """
    from afs_stages.sources.files import record

    value = record("", 0, line)
    try:
        return msgspec.convert(value, Head) if isinstance(value, dict) else None
    except msgspec.ValidationError:
        return None


def _pad(number: int, parents: array[int], *flags: bytearray) -> None:
    """Room for line `number`; blank and bad lines before it stay 0."""
    missing = number + 1 - len(parents)
    parents.extend([0] * missing)
    for flag in flags:
        flag.extend(bytes(missing))


def _kept(
    parents: array[int], tools: bytearray, side: bytearray, last: int
) -> bytearray:
    kept = bytearray(len(parents))
    while last and not kept[last]:
        kept[last] = 1
        last = parents[last]
    for number in range(1, len(parents)):
        if (
            tools[number]
            and not side[number]
            and kept[parents[number]]
            and parents[number] < number
        ):
            kept[number] = 1
    return kept


def _pass_over(bad: jsonl.BadRow) -> None:
    """Bad lines are reported when the conversation itself is read."""
