"""Gemini's `.jsonl` chats replayed: what was said in the session,
without holding it in memory.

A repeated id replaces the earlier message, `$set` updates the session, `$rewindTo`
takes a message and all after it back; an unknown id there clears everything.
`$set.messages` is what the model still sees after a compression: it adds what is new
and takes nothing back, since what was said before was said. The first pass notes where
the last version of each message lies; the second reads those places only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.jsonl import MAX_LINE_BYTES, BadRow, OnBad
from afs_stages.sources.files import record

LocatedMessage = tuple[int, dict[str, Any]]
"""line, message"""


@dataclass(frozen=True)
class MessageLocation:
    """Where a message lies: its line, the line's first byte, and its position in a
    list of messages (else -1).
    """

    line: int
    offset: int
    item: int = -1


@dataclass
class Chat:
    """What the lines so far have left standing."""

    session: str
    kind: str = ""
    messages: dict[str, MessageLocation] = field(default_factory=dict)
    contents: set[bytes] = field(default_factory=set)
    rewound: list[MessageLocation] = field(default_factory=list)
    """What was taken back; its prompts are counted."""

    def take(self, number: int, offset: int, value: dict[str, Any]) -> None:
        """Take a line."""
        if "$rewindTo" in value:
            # Without an id it says nothing.
            if isinstance(value["$rewindTo"], str):
                self._rewind(value["$rewindTo"])
            return
        for item, message in enumerate(_listed(value)):
            key = str(message.get("id", f"{number}.{item}"))
            # Under another id it is a message that the compression kept.
            if key not in self.messages and _digest(message) not in self.contents:
                self._put(key, message, MessageLocation(number, offset, item))
        if "sessionId" in value:
            self.session = str(value["sessionId"])
            self.kind = str(value.get("kind") or self.kind)
        elif "type" in value and "$set" not in value:
            key = str(value.get("id", number))
            self._put(key, value, MessageLocation(number, offset))

    def _put(self, key: str, message: dict[str, Any], place: MessageLocation) -> None:
        self.messages[key] = place
        self.contents.add(_digest(message))

    def _rewind(self, target: str) -> None:
        """Take back a message and all after it, from the last one down."""
        known = target in self.messages
        while self.messages:
            key, place = self.messages.popitem()
            self.rewound.append(place)
            if known and key == target:
                return


def _digest(message: dict[str, Any]) -> bytes:
    said = msgspec.json.encode([message.get("type"), message.get("content")])
    return hashlib.blake2b(said, digest_size=12).digest()


def _listed(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The list of messages in a line; an item that is no message keeps its place."""
    changes = value.get("$set")
    inner = changes if isinstance(changes, dict) else value
    listed = inner.get("messages")
    return [
        item if isinstance(item, dict) else {}
        for item in (listed if isinstance(listed, list) else [])
    ]


def replay(
    name: str, path: Path, on_bad: OnBad
) -> tuple[Chat, Iterator[LocatedMessage]]:
    """(the session, the messages that stand at the end, in the order they first
    appeared).
    """
    chat = Chat(path.stem)
    for number, offset, line in _lines(name, path, on_bad):
        value = record(name, number, line)
        if isinstance(value, BadRow):
            on_bad(value)
        else:
            chat.take(number, offset, value)
    return chat, _read(name, path, chat.messages.values(), on_bad)


def rewound(
    name: str, path: Path, chat: Chat, on_bad: OnBad
) -> Iterator[LocatedMessage]:
    """The messages that were taken back and not said again, in order."""
    stands = set(chat.messages.values())
    places = sorted(set(chat.rewound) - stands, key=lambda place: place.line)
    yield from _read(name, path, places, on_bad)


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
    if not isinstance(value, dict):
        return None
    if place.item < 0:
        return value
    listed = _listed(value)
    return listed[place.item] if place.item < len(listed) else None
