"""Text without its secrets: finds them all, then puts a mark in the place of each."""

from __future__ import annotations

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
_NAME_KEYS = ("name", "key", "Name", "Key", "field", "variable", "id", "header")
_VALUE_KEYS = ("value", "val", "Value", "default", "content", "secret")


def spans(text: str) -> list[Span]:
    """Every secret in a text, in order of place."""
    return merged(_found(text, _DEPTH))


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

    def value(self, value: Any) -> Any:
        """The same for every string (and key) inside a JSON value.

        `{"password": …}` and `{"name": "PASSWORD", "value": …}` are assignments.
        """
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return self._list(value)
        if isinstance(value, dict):
            return self._mapping(value)
        return value

    def _mapping(self, value: dict[Any, Any]) -> dict[str, Any]:
        named = next((value[key] for key in _NAME_KEYS if key in value), "")
        cleaned = {}
        for key, item in value.items():
            name = str(key)
            told = named if name in _VALUE_KEYS and isinstance(named, str) else name
            cleaned[self(name)] = self._named(told, item)
        return cleaned

    def _list(self, items: list[Any]) -> list[Any]:
        """A list; one of a command's words is read with the option before it.

        A key given line by line is read as one text; its mark then stands in the place
        of several items.
        """
        is_text = all(isinstance(item, str) for item in items)
        if self.enabled and is_text and private_keys.is_cut_in_list(items):
            return self("\n".join(items)).split("\n")
        cleaned, option = [], ""
        for item in items:
            cleaned.append(self._behind(option, item) if option else self.value(item))
            word = isinstance(item, str) and item.startswith("-") and len(item) < 40
            option = f"{items[0]} {item} " if word else ""
        return cleaned

    def _named(self, name: str, item: Any) -> Any:
        """A value as it stands behind its name: some are secrets by the name alone."""
        if not (name and self.enabled and isinstance(item, str) and item):
            return self.value(item)
        if len(item) > _LONGEST_NAMED:
            return self(item)
        strength = level(name)
        if strength and is_secret(item, strength, quoted=True):
            whole = Span(0, len(item), assignments.KINDS[strength])
            return self._replaced(item, merged([whole, *spans(item)]))
        return self._behind(f"{name}: ", item)

    def _behind(self, context: str, item: Any) -> Any:
        """A text read behind another, which may tell that it is a secret."""
        if not (self.enabled and isinstance(item, str)):
            return self.value(item)
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
