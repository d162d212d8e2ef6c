"""What a tool writes in the person's place, known from a data file per tool.

An entry of `<tool>/harness.json` has a `tag` or a `pattern`, what it `means`, since
which version it is written (`since`) and where that is known from (`source`):

- `tag`: the text begins with this element, closed; all of it is the tool's. With
  `beside` the element alone is, and the person's words stand before or behind it.
  With `attach` what it holds is kept as an attached text.
- `pattern`: a regular expression for the whole text. A group named `request` holds the
  person's words, a group named `attached` a file's.

| means | what follows from it |
|---|---|
| `drop` | not the person's; closes the turn only if that has its answer |
| `close` | what the model says next answers this, never the prompt before |
| `unwrap` | the person's request stands inside |
| `interrupt` | the person stopped the turn |
| `resume` | the model is driven on; what it said before was no answer |

`speaker` is who seems to speak: the person, `model` or `notice`. Anchors are strict, so
that a person may ask what a tag means.
"""

from __future__ import annotations

import html
import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

MEANINGS = ("drop", "resume", "close", "interrupt", "unwrap")
"""From weak to strong: of two in one prompt, the later one counts."""
_ROUNDS = 8
"""Wrappers within wrappers; what is nested deeper is left as it is."""
_UNKNOWN = re.compile(
    r"<([A-Za-z][\w.:-]{0,60})(?:\s[^<>\n]*)?>"
    r"(?:[ \t]*(?:\n|\Z)|.*</\1>\Z)",
    re.S,
)
_LOOKS_MADE = re.compile(r"[\w.:]*[_-]")
"""Names of elements as tools make them up; a person writes about `<b>` in one line."""


class HarnessEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a data file."""

    means: str
    since: str
    source: str
    tag: str = ""
    pattern: str = ""
    speaker: str = "person"
    beside: bool = False
    attach: bool = False


class HarnessReading(NamedTuple):
    """What a prompt says: the person's request, and what the tool put around it."""

    request: str
    means: str = ""
    unknown: str = ""
    """The tag of text that seems to be a tool's and is in no data file."""
    attached: str = ""


class Harness:
    """The data file of one tool; without entries every text is the person's."""

    def __init__(self, entries: list[HarnessEntry]) -> None:
        self._rules = [
            (entry, _expression(entry), entry.tag.lower()) for entry in entries
        ]

    def read(self, parts: Any) -> HarnessReading:
        """What the parts of a prompt say, taken together."""
        requests: list[str] = []
        attached: list[str] = []
        means = ""
        for part in parts:
            request, meant = self._part(part.strip(), attached)
            means = max(means, meant, key=_strength)
            # A source without a data file has no tool that speaks for the person.
            unknown = unknown_tag(request) if self._rules else ""
            if unknown:
                return HarnessReading("", means, unknown)
            if request:
                requests.append(request)
        return HarnessReading("\n\n".join(requests), means, "", "\n\n".join(attached))

    def meaning(self, speaker: str, text: str) -> str:
        """What a text of the model, or a notice, means; empty for an ordinary one."""
        for entry, expression, _ in self._rules:
            if entry.speaker == speaker and expression.fullmatch(text.strip()):
                return entry.means
        return ""

    def _part(self, text: str, attached: list[str]) -> tuple[str, str]:
        """(the person's words, the strongest meaning) of one part."""
        means = ""
        for _ in range(_ROUNDS):
            before = text
            for entry, expression, tag in self._rules:
                if entry.speaker != "person" or not text:
                    continue
                if tag and "<" not in text:
                    continue
                taken = _take(entry, expression, text, attached)
                if taken is not None:
                    text = taken.strip()
                    means = max(means, entry.means, key=_strength)
            if text == before:
                break
        return text, means


def _take(
    entry: HarnessEntry,
    expression: re.Pattern[str],
    text: str,
    attached: list[str],
) -> str | None:
    """What an entry leaves of a text; None where the entry does not apply."""
    if entry.beside:
        left = _beside(entry, expression, text, attached)
        return left if left != text else None
    found = expression.match(text) if entry.tag else expression.fullmatch(text)
    if found is None:
        return None
    groups = found.groupdict()
    if groups.get("attached"):
        attached.append(groups["attached"].strip())
    request = groups.get("request") or ""
    # What stands inside an element is escaped as in XML.
    return html.unescape(request) if entry.pattern.startswith("<") else request


def _beside(
    entry: HarnessEntry,
    expression: re.Pattern[str],
    text: str,
    attached: list[str],
) -> str:
    """A text without the elements that a tool put beside the person's words.

    They begin or end a line; one in the middle of a sentence is the person's.
    """
    kept: list[str] = []
    end = 0
    for found in expression.finditer(text):
        begins = found.start() == 0 or text[found.start() - 1] == "\n"
        ends = found.end() == len(text) or text[found.end()] == "\n"
        if begins or ends:
            kept.append(text[end : found.start()])
            end = found.end()
            if entry.attach:
                attached.append(found["body"].strip())
    return "".join([*kept, text[end:]])


def unknown_tag(text: str) -> str:
    """The tag that a text begins with where it stands alone on its line, or encloses
    the text and has a name as tools make them up.
    """
    found = _UNKNOWN.match(text) if text.startswith("<") else None
    if found is None:
        return ""
    alone = found[0].endswith("\n") or "</" not in found[0]
    return found[1] if alone or _LOOKS_MADE.match(found[1]) else ""


def _expression(entry: HarnessEntry) -> re.Pattern[str]:
    if entry.pattern:
        return re.compile(entry.pattern, re.S)
    opening = rf"<(?P<tag>{entry.tag})(?:\s[^<>]*)?>"
    # Stopping at the next opening keeps unclosed ones from being read over and over.
    body = r"(?P<body>(?:(?!<(?P=tag)[\s>]).)*?)" if entry.beside else r".*"
    return re.compile(f"{opening}{body}</(?P=tag)>", re.S | re.I)


def _strength(means: str) -> int:
    return MEANINGS.index(means) if means else -1


@cache
def harness_of(file: str) -> Harness:
    """The harness text that a file below this room lists, by its path there; an empty
    path stands for none.
    """
    if not file:
        return Harness([])
    listed = resources.files("afs_stages.sources").joinpath(file)
    return Harness(msgspec.json.decode(listed.read_bytes(), type=list[HarnessEntry]))
