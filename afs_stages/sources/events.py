"""What happens in a session, in the order it was recorded, whichever tool recorded it.

A tool's reader tells these events and decides nothing: whether a prompt opens a turn,
what a turn's answer is and what is left out are rules of `conversation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Prompt(NamedTuple):
    """Text in the person's place: the person's, or the tool's own (`harness` tells).

    No parts at all is a prompt without text, such as an image alone.
    """

    parts: Sequence[str]
    line: int = 1
    key: str = ""
    """What names this prompt in every file that repeats it; empty where nothing does.
    """
    joins: bool = False
    """The record says that it was typed while the model worked."""
    from_tool: bool = False
    """The record's own fields say that no person wrote it."""
    sent: Sequence[str] = ()
    """What the model was given, where the record keeps it apart from what was typed."""
    only_context: bool = False
    """The turn was recorded, and taken, elsewhere."""


class Said(NamedTuple):
    """Text of the assistant."""

    text: str


class Thought(NamedTuple):
    """Reasoning of the assistant."""

    text: str


class Called(NamedTuple):
    """A tool call; `arguments` is the decoded value, or text where it was no JSON."""

    id: str
    name: str
    arguments: Any


class Returned(NamedTuple):
    """The result of a call."""

    id: str
    text: str


class Stopped(NamedTuple):
    """The model stopped, and not because it had answered.

    `aside` says that the text so far only announced; else it was cut off.
    """

    aside: bool = False


class Attached(NamedTuple):
    """A file's text that the prompt before it took along."""

    name: str
    text: str


class Instructed(NamedTuple):
    """The system text of the conversation."""

    text: str


class Began(NamedTuple):
    """The tool began a turn: until `Ended`, only the first prompt opens one."""


class Ended(NamedTuple):
    """The tool ended the turn."""


class Faulted(NamedTuple):
    """Why the open turn cannot be used (`interrupted`, `api_error`, …)."""

    fault: str


class Noticed(NamedTuple):
    """A line that the tool showed the person; `harness` tells what it means."""

    text: str


class Lost(NamedTuple):
    """A line that could not be read, perhaps a prompt: what the model says next does
    not go on from an answer that is complete.
    """


class RolledBack(NamedTuple):
    """The person took back so many turns."""

    turns: int


class LeftOut(NamedTuple):
    """A prompt that the record itself puts outside the conversation."""

    reason: str
    parts: Sequence[str]
    key: str = ""


Event = (
    Prompt
    | Said
    | Thought
    | Called
    | Returned
    | Stopped
    | Attached
    | Instructed
    | Began
    | Ended
    | Faulted
    | Noticed
    | Lost
    | RolledBack
    | LeftOut
)


@dataclass
class Session:
    """One conversation, read while it is taken."""

    id: str
    """What its samples are grouped by; of a fork, the session it came from."""
    file: str
    events: Iterable[Event]
    kind: str = "turn"
    forked: bool = False
    """It copies turns of another session, which count there."""
    subagent: bool = False
    retracted: set[int] = field(default_factory=set)
    """Lines of the prompts that were taken back later."""
    tools: list[dict[str, Any]] | None = None


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; whatever else stands there is none."""
    listed = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, dict)]


def texts_of(content: Any, kinds: tuple[str, ...] = ("text",)) -> list[str]:
    """The texts in a message's content, a string or a list; blank ones are none."""
    parts = (part for part in parts_of(content) if part.get("type") in kinds)
    return [part["text"] for part in parts if part.get("text", "").strip()]


def parts_of(content: Any) -> Iterator[dict[str, Any]]:
    """The parts of a message's content. A string is a part of the type `text`, and so
    is a part with a text and no type; a part of such a type always has a text.
    """
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield {"type": "text", "text": part}
        elif isinstance(part, dict) and isinstance(part.get("text", ""), str):
            yield {"type": "text", **part} if "text" in part else part
