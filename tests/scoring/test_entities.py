"""Entities: one form for an address, immediates left out,
null where nothing is named.
"""

from __future__ import annotations

import pytest

from afs_stages.scoring.context import Context
from afs_stages.scoring.entities import (
    Known,
    coverage,
    in_code,
    in_prose,
    normalise,
    registers,
)

KNOWN = Known(frozenset({"SprTimer", "Keeper_Draw"}), frozenset({"7E0022", "7EF340"}))


@pytest.mark.parametrize(
    "digits", ["22", "0022", "7E0022", "000022", "00:0022", "800022"]
)
def test_one_form_for_an_address(digits: str) -> None:
    assert normalise(digits) == "7E0022"


@pytest.mark.parametrize(
    ("digits", "form"),
    [("2100", "002100"), ("8000", None), ("008000", "008000"), ("7F1234", "7F1234")],
)
def test_registers_rom_and_upper_ram(digits: str, form: str | None) -> None:
    assert normalise(digits) == form


def test_immediates_are_values() -> None:
    assert in_code(["LDA.b #$22\nLDA #SprTimer\nRTS"]) == set()
    assert in_code(["LDA.b $22\nSTA.w SprTimer,X"]) == {"$7E0022", "SprTimer"}
    assert in_prose("costs $50 and #$1234") == set()


def test_coverage() -> None:
    assert coverage("Nothing is named here.", [], KNOWN) == (None, 0, 0)
    assert coverage("It reads $7EF340 and `SprTimer`.", [], KNOWN) == (1.0, 2, 2)
    assert coverage("It reads $7EF341.", [], KNOWN) == (0.0, 1, 0)
    assert coverage("", ["JSL Keeper_Draw\nLDA.w Nobody_Knows"], KNOWN) == (0.5, 2, 1)
    assert coverage("Write $2100, also called `INIDISP`.", [], KNOWN)[0] == 1.0


def test_own_labels_are_not_outside() -> None:
    assert in_code(["Loop_Start:\n DEX\n BNE Loop_Start"]) == set()


def test_registers_are_whole() -> None:
    names = registers()
    assert (names["INIDISP"], names["HVBJOY"], names["DMAP7"]) == (
        "$2100",
        "$4212",
        "$4370",
    )
    assert len(names) > 180


def test_an_address_that_is_not_the_names_own_counts_against_the_answer() -> None:
    known = Known(
        frozenset({"SprTimer", "Tide"}),
        frozenset({"7E0022", "7EF340"}),
        {"SprTimer": "7E0022"},
    )
    assert coverage("`SprTimer` ($7E0022) counts down.", [], known)[0] == 1.0
    assert (
        coverage("`SprTimer` is at $22, `Tide` ($7EF340) elsewhere.", [], known)[0]
        == 1.0
    )
    assert coverage("`SprTimer` ($7EF340) counts down.", [], known) == (0.0, 2, 2), (
        "both known, not together"
    )
    assert coverage("`INIDISP` ($2101) and `SprTimer` ($0022).", [], known)[0] == 0.5
    assert coverage("`SprTimer` with $7EF340.", [], known)[0] == 1.0, (
        "beside it, but not as its address"
    )


def test_addresses_of_names_come_from_definitions_that_agree() -> None:
    first = Context.of_definitions(
        "SprTimer = $7E0022\nTide = $7EF340\nTide = $7EF341\nMain:"
    )
    assert first.known.places == {"SprTimer": "7E0022"}
    assert Context.from_manifest({"context": first.to_dict()}) == first
    assert first.merged(
        Context.of_definitions("SprTimer = $24\nMoon = $26")
    ).known.places == {"Moon": "7E0026"}
    assert first.key() != Context(Known(first.known.names, first.known.addresses)).key()
