"""Facts in several wordings, from the rows of a codebase.

Rows that name their fact (`_metadata.fact`, `_metadata.wording`) are taken as they are.
Of other rows the look-ups are: each gives a name and an address, which are asked for in
both directions, in wordings of our own, of which the last is never trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from afs_stages.core import jsonl
from afs_stages.core.params.data import NearDuplicates
from afs_stages.core.sample import RECALL, TrainingSample
from afs_stages.dataset.answer_facts import wanted
from afs_stages.dataset.recall_set import made_from, question

WHERE = (
    "Where is `{name}`?",
    "What address stores `{name}`?",
    "Which address is `{name}`?",
    "At which place in memory do I find `{name}`?",
    "I need the address of `{name}`.",
    "Tell me in which byte `{name}` lives.",
)
WHAT = (
    "What is stored at {place}?",
    "Which variable is at {place}?",
    "I see {place} in a trace. What is it?",
    "What lives at the address {place}?",
    "Name what {place} holds.",
    "{place}: whose byte is that?",
)
"""Wordings of the two directions; the last of each is asked and never trained."""


@dataclass
class Fact:
    """What is learnt: its rows for training, and those that only ask for it."""

    name: str
    group: str
    """Facts of one group tell of one thing and go to one version: the meaning of a
    variable is told with its address.
    """
    trained: list[TrainingSample] = field(default_factory=list)
    asked: list[TrainingSample] = field(default_factory=list)


def read_facts(
    paths: Sequence[Path], wordings: int, shortest: bool = False
) -> list[Fact]:
    """The facts of files of samples by name, each in at most `wordings` wordings (of
    each direction, where they are made here): the first ones, or the shortest.
    """
    rows = [row for path in paths for row in jsonl.read_samples(path, jsonl.refuse)]
    named = _named(rows, wordings, _size if shortest else _wording)
    return named or _looked_up(paths, wordings)


def _named(
    rows: Sequence[TrainingSample],
    wordings: int,
    order: Callable[[TrainingSample], tuple[int, str]],
) -> list[Fact]:
    """Facts of rows that name them and have a wording to ask in."""
    found: dict[str, Fact] = {}
    for row in sorted(rows, key=order):
        if not row.metadata.get("fact") or not wanted(question(row), row.output):
            continue
        fact = found.setdefault(row.fact, Fact(row.fact, row.group))
        if row.metadata.get("wording") == RECALL:
            fact.asked.append(row)
        elif len(fact.trained) < wordings:
            fact.trained.append(row)
    usable = (fact for fact in found.values() if fact.trained and fact.asked)
    return sorted(usable, key=lambda fact: fact.name)


def _wording(row: TrainingSample) -> tuple[int, str]:
    text = str(row.metadata.get("wording", ""))
    return (int(text) if text.isdecimal() else 0, row.sample_id)


def _size(row: TrainingSample) -> tuple[int, str]:
    return len(row.instruction) + len(row.output), row.sample_id


def _looked_up(paths: Sequence[Path], wordings: int) -> list[Fact]:
    """Facts of look-ups: names with one address, in wordings of our own."""
    places: dict[str, set[str]] = {}
    for path in paths:
        for row in made_from(path, NearDuplicates()):
            fact = wanted(question(row), row.output)[0]
            subject = row.output.split("`")[1] if fact.startswith("$") else ""
            if row.instruction == f"Name the address of `{subject}`.":
                places.setdefault(subject, set()).add(fact)
    return [
        _worded(name, found.pop(), wordings)
        for name, found in sorted(places.items())
        if len(found) == 1
    ]


def _worded(name: str, place: str, wordings: int) -> Fact:
    """A name and its address, asked for in both directions."""
    fact = Fact(name, name)
    told = {"where": f"`{name}` is at {place}.", "what": f"{place} is `{name}`."}
    for kind, texts in (("where", WHERE), ("what", WHAT)):
        made = [
            TrainingSample(
                instruction=text.format(name=name, place=place),
                output=told[kind],
                domain="oracle_memory",
                source="oracle",
                metadata={"fact": name, "provenance": {"kind": kind}},
            )
            for text in texts
        ]
        fact.trained += made[:-1][:wordings]
        fact.asked.append(made[-1])
    return fact


def divided(
    facts: Sequence[Fact], versions: int, each: int, seed: int
) -> list[list[Fact]]:
    """Disjoint sets of at least `each` facts, one a version, drawn by seed in whole
    groups.

    Raises `SystemExit` where there are too few.
    """
    groups: dict[str, list[Fact]] = {}
    for fact in sorted(facts, key=lambda fact: fact.name):
        groups.setdefault(fact.group, []).append(fact)
    sets: list[list[Fact]] = [[]]
    for name in sorted(groups, key=lambda name: hashed(name, seed)):
        if len(sets[-1]) >= each:
            sets.append([])
        sets[-1] += groups[name]
    whole = [found for found in sets if len(found) >= each]
    if len(whole) < versions:
        raise SystemExit(
            f"{len(facts)} facts, and {versions} versions of {each} are asked for: "
            "give more rows, or lower --facts"
        )
    return whole[:versions]


def hashed(text: str, seed: int) -> str:
    """A key that puts texts into an order that only the seed decides."""
    return hashlib.blake2b(f"{seed}\x1f{text}".encode(), digest_size=8).hexdigest()
