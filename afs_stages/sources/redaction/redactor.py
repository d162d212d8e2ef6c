"""Text without its secrets: finds them all, then puts a mark in the place of each."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from afs_stages.sources.redaction import (
    assignments,
    below,
    command_lines,
    encoded,
    logins,
    people,
    personal_labels,
    private_keys,
    random_values,
    sentences,
    tables,
    vendor_keys,
)
from afs_stages.sources.redaction.names import level
from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span, merged
from afs_stages.sources.redaction.values import is_secret

_FINDERS = (
    private_keys.find,
    vendor_keys.find,
    logins.find,
    assignments.find,
    people.find,
    personal_labels.find,
    below.find,
    command_lines.find,
    random_values.find,
    sentences.find,
    tables.find,
    encoded.long_base64,
)
_DEPTH = 3
"""Encodings within each other that are looked through."""
_LONGEST_NAMED = 4000
_BLANK = re.compile(r"\s")
_LONGEST_OPTION = 60
"""Characters of an option, a command or a name that are read with its value."""
_LONGEST_NUMBER = 256
"""Bits of a number that is read; a card's has 63."""
_DEEPEST = 64
"""Lists and objects within each other that are read; a log's have a dozen."""
_TOO_DEEP = f"[… nested more than {_DEEPEST} deep]"
_NAME_KEYS = (
    *("name", "key", "Name", "Key", "field", "variable", "id", "header"),
    *("element", "selector", "label"),
)
_VALUE_KEYS = ("value", "val", "Value", "default", "content", "secret", "text")
MARK = re.compile(r"<REDACTED:[a-z0-9-]{1,60}>|REDACTED-[a-z0-9-]{1,60}-\d{1,9}(?!\w)")
"""A mark in a text, and as `collect` writes it in the name of a file."""
_COVER = "x7Qk~9Wz4"


def spans(text: str) -> list[Span]:
    """Every secret in a text, in order of place.

    A mark from an earlier pass is opaque. To the finders it looks like any secret, so
    that it ends their search as the secret did; what they find there stays.
    """
    marks = [match.span() for match in MARK.finditer(text)] if _has_mark(text) else []
    if not marks:
        return merged(_found(text, _DEPTH))
    found = _found(MARK.sub(_cover, text), _DEPTH)
    return merged(span for span in found if not _touches(span, marks))


def _has_mark(text: str) -> bool:
    return "REDACTED" in text


def _cover(mark: re.Match[str]) -> str:
    """A made word in the place of a mark, as long as it: no name, no cell of a head."""
    size = len(mark[0])
    return (_COVER * (size // len(_COVER) + 1))[:size]


def _touches(span: Span, marks: list[tuple[int, int]]) -> bool:
    """Whether a span holds part of a mark; the marks are in order."""
    after = bisect_left(marks, (span.end, 0))
    return after > 0 and marks[after - 1][1] > span.start


def _found(text: str, depth: int) -> Iterator[Span]:
    reading = Reading(text)
    for find in _FINDERS:
        yield from find(reading)
    if not depth:
        return
    for view in (encoded.unveiled(reading), encoded.decoded(reading)):
        if view is not None:
            for span in _found(view.text, depth - 1):
                yield view.traced(span)


@dataclass
class Redactor:
    """Redacts the texts of one conversation; call it with each text in order.

    A mark is typed and numbered in order of first appearance,
    `<REDACTED:github-pat-1>`, so that the text stays coherent, the same secret keeps
    its mark, and the bytes are the same on every machine.
    """

    enabled: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    _marks: dict[str, dict[str, str]] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by its mark."""
        if not self.enabled or not text:
            return text
        return self._replaced(text, spans(text))

    def head(self, text: str, end: int) -> str:
        """The text to `end`, redacted as a part of the whole; a secret that stands
        across `end` is gone altogether.
        """
        if not self.enabled or not text:
            return text[:end]
        found = [span for span in spans(text) if span.start < end]
        last = max(end, found[-1].end) if found else end
        return self._replaced(text[:last], found)

    def value(self, value: Any) -> Any:
        """The same for every string, number and key inside a value.

        `{"password": …}` and `{"name": "PASSWORD", "value": …}` are assignments, and so
        are `["password", …]` and a list behind its name. What is no JSON becomes it: a
        tuple and a set a list, bytes a text.
        """
        return self._value("", value, _DEEPEST) if self.enabled else value

    def _value(self, name: str, value: Any, depth: int) -> Any:
        """A value, the name it stands behind, and how deep it may go on."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            return self._named(name, value) if name else self(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(name, value)
        if value is None or isinstance(value, (bool, float)):
            return value
        if not depth:
            return _TOO_DEEP
        if isinstance(value, dict):
            return self._mapping(name, value, depth - 1)
        if isinstance(value, (list, tuple)):
            return self._list(name, list(value), depth - 1)
        if isinstance(value, (set, frozenset)):
            return self._list(name, sorted(value, key=repr), depth - 1)
        return self(str(value))

    def _number(self, name: str, number: int) -> Any:
        """A number, or its mark where it is a card's, a PIN or a password."""
        if number.bit_length() > _LONGEST_NUMBER:
            return number
        text = str(number)
        cleaned = self._named(name, text)
        return number if cleaned == text else cleaned

    def _mapping(self, above: str, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        """An object: each item behind its key, behind what a name beside it says, or
        behind the name that the object itself stands behind.
        """
        named = next((value[key] for key in _NAME_KEYS if key in value), above)
        cleaned = {}
        for key, item in value.items():
            name = str(key)
            told = named if name in _VALUE_KEYS and isinstance(named, str) else ""
            cleaned[self(name)] = self._value(told or name, item, depth)
        return cleaned

    def _list(self, name: str, items: list[Any], depth: int) -> list[Any]:
        """A list; one of a command's words is read with the option before it.

        A key given line by line is read as one text; its mark then stands in the place
        of several items.
        """
        is_text = all(isinstance(item, str) for item in items)
        if is_text and private_keys.is_cut_in_list(items):
            return self("\n".join(items)).split("\n")
        if is_text and len(items) == 2 and level(items[0][-_LONGEST_OPTION:]):
            return [self(items[0]), self._named(items[0][-_LONGEST_OPTION:], items[1])]
        cleaned, option = [], ""
        for item in items:
            is_word = isinstance(item, str)
            told = is_word and bool(option)
            cleaned.append(
                self._behind(option, item) if told else self._value(name, item, depth)
            )
            is_option = is_word and item.startswith("-") and len(item) < _LONGEST_OPTION
            option = f"{str(items[0])[-_LONGEST_OPTION:]} {item} " if is_option else ""
        return cleaned

    def _named(self, name: str, item: str) -> str:
        """A text as it stands behind its name: some are secrets by the name alone."""
        head = item[:_LONGEST_NAMED]
        strength = level(name[-_LONGEST_OPTION:])
        # What goes on beyond the head is one only where it is one word.
        is_one = len(head) == len(item) or not _BLANK.search(item)
        is_plain = is_one and not MARK.search(item)
        if (
            strength
            and is_plain
            and is_secret(head, strength, quoted=True, data=name != "pass")
        ):
            whole = Span(0, len(item), assignments.KINDS[strength])
            return self._replaced(item, merged([whole, *spans(item)]))
        if not name or len(item) > _LONGEST_NAMED:
            return self(item)
        return self._behind(f"{name[-_LONGEST_OPTION:]}: ", item)

    def _behind(self, context: str, item: str) -> str:
        """A text read behind another, which may tell that it is a secret."""
        shift = len(context)
        found = [
            Span(max(0, span.start - shift), span.end - shift, span.kind)
            for span in spans(context + item)
            if span.end > shift
        ]
        return self._replaced(item, found)

    def _replaced(self, text: str, found: list[Span]) -> str:
        parts: list[str] = []
        end = 0
        for start, stop, kind in found:
            parts += [text[end:start], self._mark(kind, text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def _mark(self, kind: str, secret: str) -> str:
        """The mark of a secret: the same one each time it occurs."""
        marks = self._marks.setdefault(kind, {})
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return marks.setdefault(secret, f"<REDACTED:{kind}-{len(marks) + 1}>")
