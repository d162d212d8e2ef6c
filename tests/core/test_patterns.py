"""No pattern of the package can take exponential time."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import afs_stages

REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from patterns_in(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from patterns_in(item)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for found in pkgutil.walk_packages(afs_stages.__path__, "afs_stages."):
        if ".stages." in found.name or ".commands" in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            for pattern in patterns_in(value):
                yield f"{found.name}.{name}", pattern


def divisible(tree: Any) -> Iterator[Any]:
    """Repeats of what is itself a repeat and nothing else that must stand.

    `(?:a{1,64}/?){1,20}` divides a run of `a` in every possible way before it fails; a
    part that must stand, or a possessive inner repeat, leaves one way.
    """
    for code, argument in tree:
        for part in parts_of(code, argument):
            yield from divisible(part)
        if code in REPEATS and argument[1] > 1:
            body = list(unwrapped(argument[2]))
            runs = [
                item
                for item in body
                if item[0] in REPEATS and item[1][1] > max(item[1][0], 1)
            ]
            for run in runs:
                others = [item for item in body if item is not run]
                if all(width_of(item) == 0 for item in others):
                    yield argument
                    break


def parts_of(code: Any, argument: Any) -> Iterator[Any]:
    if code in (*REPEATS, codes.POSSESSIVE_REPEAT):
        yield argument[2]
    elif code is codes.SUBPATTERN:
        yield argument[3]
    elif code is codes.BRANCH:
        yield from argument[1]
    elif code is codes.ATOMIC_GROUP:
        yield argument
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield argument[1]


def unwrapped(tree: Any) -> Iterator[Any]:
    """The items of a sequence, groups opened."""
    for item in tree:
        if item[0] is codes.SUBPATTERN:
            yield from unwrapped(item[1][3])
        else:
            yield item


def width_of(item: Any) -> int:
    """Characters that an item needs at least."""
    if item[0] is codes.GROUPREF:
        # What a group matched stands again: here no group of ours is empty.
        return 1
    sequence = parser.SubPattern(parser.State(), [item])
    least: int = sequence.getwidth()[0]
    return least


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"(?:\w{1,64}/?){1,20}\Z", 1),
        (r"(?:\w+)*x", 1),
        (r"((?:a*)b?)+x", 1),
        (r"(?:\w{1,64}+/?){1,20}\Z", 0),
        (r"(?:\w{1,64}/){1,20}\Z", 0),
        (r"(?: \d{1,3}){4}", 0),
        (r"(?:\s+\(?[A-Z]+\)?)*x", 0),
    ],
)
def test_a_run_that_divides_in_many_ways_is_seen(pattern: str, found: int) -> None:
    assert len(list(divisible(parser.parse(pattern)))) == found


def test_no_pattern_divides_a_run_in_many_ways() -> None:
    told = [
        f"{name}: {pattern.pattern!r}"
        for name, pattern in patterns()
        if isinstance(pattern.pattern, str)
        and list(divisible(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)))
    ]
    assert told == []


def test_patterns_are_found_at_all() -> None:
    assert sum(1 for _ in patterns()) > 200
