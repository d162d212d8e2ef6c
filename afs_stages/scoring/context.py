"""What the code base says about itself: names and addresses it knows, and how its
routines are called.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import msgspec

from afs_stages.asm.effects import CALL_RETURNS
from afs_stages.asm.lexer import Statement, parse
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.blocks import sample_assembly, without_code
from afs_stages.scoring.entities import Known, in_code, in_prose, normalise, placed

_NUMBER = re.compile(r"\$([0-9A-Fa-f]{2,6})$")
_DEFINITION = re.compile(
    r"^\s*!?([A-Za-z_][\w.]*)\s*=\s*\$([0-9A-Fa-f]{2,6})\b", re.MULTILINE
)


class _Stored(msgspec.Struct):
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    places: dict[str, str] = {}
    calls: dict[str, Literal["RTS", "RTL"]] = {}


@dataclass(frozen=True)
class Context:
    """Known names and addresses, and routine -> "RTS" or "RTL" where
    all callers agree.
    """

    known: Known = field(default_factory=Known)
    calls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Iterable[TrainingSample]) -> Self:
        """The context of a code base's exported samples.

        A definition is known at once; an address or a name that is merely used is known
        when samples of at least two groups use it, so that one wrong sample cannot
        vouch for itself.
        """
        gathered = _Gathered()
        for sample in samples:
            gathered.add(sample)
        return cls(gathered.known(), gathered.calls())

    @classmethod
    def of_definitions(cls, text: str) -> Self:
        """The context of a symbol list or assembly file:
        `Name = $7E0012` lines and labels.
        """
        gathered = _Gathered()
        for name, digits in _DEFINITION.findall(text):
            gathered.define(name, digits)
        gathered.names |= {
            s.name for s in parse(text) if s.kind == "label" and s.name[0] not in ".+-?"
        }
        return cls(gathered.known())

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """The context a discriminator's manifest carries; empty where it has none.
        Raises `UserError` for nonsense.
        """
        try:
            stored = msgspec.convert(manifest.get("context") or {}, _Stored)
        except msgspec.ValidationError as error:
            raise UserError(
                f"the discriminator's names are damaged: {error}", fix="train it again"
            ) from None
        return cls(Known(stored.names, stored.addresses, stored.places), stored.calls)

    def merged(self, other: Context) -> Context:
        """Both together; calls on which they disagree are left out."""
        mine, its = self.known, other.known
        names = mine.names | its.names
        addresses = mine.addresses | its.addresses
        places = _agreed(mine.places, its.places)
        calls = _agreed(self.calls, other.calls)
        return Context(Known(names, addresses, places), calls)

    def to_dict(self) -> dict[str, Any]:
        """The context as it stands in a manifest."""
        places = dict(sorted(self.known.places.items()))
        calls = dict(sorted(self.calls.items()))
        return {
            "names": sorted(self.known.names),
            "addresses": sorted(self.known.addresses),
            "places": places,
            "calls": calls,
        }

    def key(self) -> str:
        """Hash of the context: part of what a score depends on."""
        return hashlib.blake2b(
            repr(self.to_dict()).encode(), digest_size=16
        ).hexdigest()


def _agreed(mine: Mapping[str, str], its: Mapping[str, str]) -> dict[str, str]:
    """Both together, without the names of which they say different things."""
    both = {**mine, **its}
    return {
        name: value
        for name, value in both.items()
        if mine.get(name, value) == its.get(name, value)
    }


@dataclass
class _Gathered:
    """Definitions at once, uses by group, calls by routine."""

    names: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    places: dict[str, set[str]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    ways: dict[str, set[str]] = field(default_factory=dict)

    def add(self, sample: TrainingSample) -> None:
        codes = sample_assembly(sample)
        for code in codes:
            for statement in parse(code):
                self._statement(statement)
        for name, digits in _DEFINITION.findall(sample.output):
            self.define(name, digits)
        texts = (sample.instruction, sample.input, sample.output)
        named = set().union(*(in_prose(without_code(text)) for text in texts))
        if str(sample.provenance.get("kind", "")).startswith("memory"):
            # an exported row about a variable is that variable's definition
            self.names |= {entity for entity in named if entity[0] != "$"}
            self.addresses |= {entity[1:] for entity in named if entity[0] == "$"}
            for name, place in placed(sample.output):
                self.places.setdefault(name, set()).add(place)
        for entity in in_code(codes) | named:
            self.users.setdefault(entity, set()).add(sample.group)

    def _statement(self, statement: Statement) -> None:
        name = statement.name.lstrip("!")
        if statement.kind == "label" and name[0] not in ".+-?":
            self.names.add(name)
        elif statement.kind == "directive" and name == "macro":
            self.names.add(statement.operand.partition("(")[0].strip())
        elif statement.kind == "assign":
            is_number = _NUMBER.match(statement.operand)
            self.define(name, statement.operand.lstrip("$") if is_number else "")
        elif statement.word in CALL_RETURNS:
            self._call(statement.operand, CALL_RETURNS[statement.word].upper())

    def _call(self, routine: str, way: str) -> None:
        if routine[:1].isalpha():
            self.ways.setdefault(routine, set()).add(way)

    def define(self, name: str, digits: str) -> None:
        """A name, and the address it is defined as where it is one."""
        self.names.add(name)
        if digits and (place := normalise(digits)):
            self.addresses.add(place)
            self.places.setdefault(name, set()).add(place)

    def known(self) -> Known:
        shared = {entity for entity, groups in self.users.items() if len(groups) > 1}
        names = self.names | {entity for entity in shared if entity[0] != "$"}
        addresses = self.addresses | {
            entity[1:] for entity in shared if entity[0] == "$"
        }
        places = {
            name: next(iter(found))
            for name, found in sorted(self.places.items())
            if len(found) == 1
        }
        return Known(frozenset(names), frozenset(addresses), places)

    def calls(self) -> dict[str, str]:
        return {
            name: next(iter(way))
            for name, way in sorted(self.ways.items())
            if len(way) == 1
        }
