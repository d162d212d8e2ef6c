"""Gemini's `.jsonl` chats replayed: what the session holds at its end,
without holding it in memory.

A repeated id replaces the earlier message, `$set` updates the session (`$set.messages`
replaces the list), `$rewindTo` takes a message and all after it back; an unknown id
there clears everything. The first pass notes where the last version of each message
lies; the second reads those places only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afs_stages.core.jsonl import MAX_LINE_BYTES, BadRow, OnBad
from afs_stages.sources.files import record

LocatedMessage = tuple[int, dict[str, Any]]
"""line, message"""


@dataclass(frozen=True)
class MessageLocation:
    """Where a message lies: its line, the line's first byte, and its position in a
    `$set` list (else -1).
    """

    line: int
    offset: int
    item: int = -1


@dataclass
class _State:
    """What the lines so far have left standing."""

    session: str
    messages: dict[str, MessageLocation] = field(default_factory=dict)

    def take(self, number: int, offset: int, value: dict[str, Any]) -> None:
        changes = value.get("$set")
        if "$rewindTo" in value:
            self._rewind(value["$rewindTo"])
        elif isinstance(changes, dict):
            listed = changes.get("messages")
            if isinstance(listed, list):
                items = enumerate(listed)
                self.messages = {
                    str(m.get("id", i)): MessageLocation(number, offset, i)
                    for i, m in items
                    if isinstance(m, dict)
                }
        elif "type" in value:
            self.messages[str(value.get("id", number))] = MessageLocation(
                number, offset
            )
        elif "sessionId" in value:
            self.session = str(value["sessionId"])

    def _rewind(self, target: Any) -> None:
        ids = list(self.messages)
        for key in ids[ids.index(target) if target in ids else 0 :]:
            del self.messages[key]


def replay(
    name: str, path: Path, on_bad: OnBad
) -> tuple[str, Iterator[LocatedMessage]]:
    """(session id, the messages that stand at the end,
    in the order they first appeared).
    """
    state = _State(path.stem)
    for number, offset, line in _lines(name, path, on_bad):
        value = record(name, number, line)
        if isinstance(value, BadRow):
            on_bad(value)
        else:
            state.take(number, offset, value)
    return state.session, _read(name, path, state.messages.values(), on_bad)


def _lines(name: str, path: Path, on_bad: OnBad) -> Iterator[tuple[int, int, bytes]]:
    """(line number, offset, line); a line over 64 MiB is reported and passed over."""
    with path.open("rb") as file:
        number = offset = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number, start = number + 1, offset
            offset += len(line)
            if len(line) > MAX_LINE_BYTES:
                while not line.endswith(b"\n") and (line := file.readline(2**20)):
                    offset += len(line)
                on_bad(
                    BadRow(
                        name,
                        number,
                        "line_too_long",
                        f"{offset - start} bytes, at most {MAX_LINE_BYTES}",
                    )
                )
            elif not line.isspace():
                yield number, start, line.rstrip(b"\r\n")


def _read(
    name: str, path: Path, places: Any, on_bad: OnBad
) -> Iterator[LocatedMessage]:
    """The messages at their places; one that the tool has overwritten
    since is reported.
    """
    held: tuple[int, Any] = (-1, None)
    with path.open("rb") as file:
        for place in places:
            if held[0] != place.offset:
                file.seek(place.offset)
                held = (
                    place.offset,
                    record(
                        name, place.line, file.readline(MAX_LINE_BYTES).rstrip(b"\r\n")
                    ),
                )
            message = _at(held[1], place)
            if message is None:
                on_bad(
                    BadRow(
                        name,
                        place.line,
                        "changed_while_read",
                        "the line is no longer what it was",
                    )
                )
            else:
                yield place.line, message


def _at(value: Any, place: MessageLocation) -> dict[str, Any] | None:
    """The message in a line, which may hold a list of them."""
    if place.item >= 0 and isinstance(value, dict):
        changes = value.get("$set")
        listed = changes.get("messages") if isinstance(changes, dict) else None
        value = (
            listed[place.item]
            if isinstance(listed, list) and place.item < len(listed)
            else None
        )
    return value if isinstance(value, dict) else None
