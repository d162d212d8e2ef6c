"""Several wordings of one fact, in both directions, and one that is never trained.

A fact is learnt by being told in varied words. Wordings are numbered in the order in
which a version takes them (`_metadata.wording`); the one called `recall` is kept aside,
so that what a model knows can be asked in words it has not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from afs_stages.core.sample import RECALL

FIRST_SHORT = {"address": 3, "meaning": 3, "value": 2}
"""The number of the first wording below; smaller ones are told at length elsewhere."""

_Pair = tuple[str, str]

_ADDRESS_OF: tuple[_Pair, ...] = (
    ("At which address is `{name}`?", "`{name}` is to be found at {place}."),
    (
        "I want to watch `{name}` in a debugger. Which address do I set?",
        "Set the watch on {place}: `{name}` is there, in {kind}.",
    ),
    (
        "Does `{name}` have a fixed place in memory?",
        "Yes: the source puts `{name}` at {place}.",
    ),
)
_NAME_AT: tuple[_Pair, ...] = (
    (
        "Which name does the source give to {place}?",
        "The source calls {place} `{name}`.",
    ),
    ("A dump shows a value at {place}. Whose is it?", "The value is that of `{name}`."),
)
_MEANING_OF: tuple[_Pair, ...] = (
    ("What does `{name}` hold?", "`{name}` ({place}): {said}"),
    ("Explain the variable `{name}` briefly.", "`{name}` in brief: {said}"),
    ("Why would code read or write `{name}`?", "Because of what it holds: {said}"),
)
_MEANT_BY: tuple[_Pair, ...] = (
    (
        "Which variable is described as “{said}”?",
        "That is `{name}`, at {place}.",
    ),
    (
        "I am looking for the variable of this description: “{said}”",
        "You are looking for `{name}`; it is at {place}.",
    ),
    (
        "What is the name to write in code for this: “{said}”?",
        "In code it is written as `{name}`.",
    ),
)
_VALUE_OF: tuple[_Pair, ...] = (
    ("What is the value of `{name}`?", "The value of `{name}` is {place}."),
    (
        "If I write {place} as a named constant here, which one fits “{said}”?",
        "The constant with that value and meaning is `{name}`.",
    ),
    (
        "What does the assembler put in where code says `{name}`?",
        "It puts in {place} for `{name}`.",
    ),
    ("What does the name `{name}` stand for?", "`{name}` ({place}) means this: {said}"),
    (
        "Which constant is described as “{said}”?",
        "That is `{name}`, whose value is {place}.",
    ),
)
_RECALL = {
    "address": (
        "Which address do I need for `{name}`?",
        "The address you need for `{name}` is {place}.",
    ),
    "meaning": (
        "Under which label do I find this in the source: “{said}”?",
        "You find it under the label `{name}`.",
    ),
    "value": (
        "Which number do I get for `{name}`?",
        "For `{name}` you get the number {place}.",
    ),
}


class Wording(NamedTuple):
    """One wording of a fact: `number` is its place among the wordings, or `RECALL`."""

    fact: str
    number: str
    question: str
    answer: str


def fact_id(kind: str, *parts: str) -> str:
    """A short id of a fact, by its content alone: the same on every machine."""
    content = "\x1f".join((kind, *parts))
    return hashlib.blake2b(
        content.encode("utf-8", "replace"), digest_size=8
    ).hexdigest()


def address_wordings(
    name: str, place: str, kind: str, alone: bool
) -> Iterator[Wording]:
    """Where a variable is; which variable is there, where it is the only one."""
    pairs = _alternating(_ADDRESS_OF, _NAME_AT if alone else ())
    parts = {"name": name, "place": place, "kind": kind}
    yield from _filled("address", fact_id("address", name, place), pairs, parts)


def meaning_wordings(
    name: str, place: str, said: str, alone: bool
) -> Iterator[Wording]:
    """What a variable holds; which variable holds it, where only one is described
    so.
    """
    pairs = _alternating(_MEANING_OF, _MEANT_BY if alone else ())
    parts = {"name": name, "place": place, "said": said}
    found = _filled("meaning", fact_id("meaning", name, said), pairs, parts)
    # asked by its description, a variable must be the only one described so
    yield from (item for item in found if alone or item.number != RECALL)


def value_wordings(name: str, value: str, said: str) -> Iterator[Wording]:
    """Which number a constant is, and what it stands for."""
    parts = {"name": name, "place": value, "said": said}
    yield from _filled("value", fact_id("value", name, value), _VALUE_OF, parts)


def _alternating(one: tuple[_Pair, ...], other: tuple[_Pair, ...]) -> tuple[_Pair, ...]:
    """The wordings of both directions in turn."""
    turns = max(len(one), len(other))
    return tuple(
        pair
        for at in range(turns)
        for direction in (one, other)
        for pair in direction[at : at + 1]
    )


def _filled(
    kind: str, fact: str, pairs: tuple[_Pair, ...], parts: dict[str, str]
) -> Iterator[Wording]:
    first = FIRST_SHORT[kind]
    for number, (question, answer) in enumerate(pairs, first):
        told = question.format(**parts), answer.format(**parts)
        yield Wording(fact, str(number), *told)
    question, answer = _RECALL[kind]
    yield Wording(fact, RECALL, question.format(**parts), answer.format(**parts))
