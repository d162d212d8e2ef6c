"""Clues and the model over them: what each clue sees, and that a planted edit is where
the model points.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.asm.effects import index_of, registers
from afs_stages.asm.lexer import parse
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.context_features import context_features
from afs_stages.scoring.discriminator.ngram import (
    FEATURES,
    NgramModel,
    edited_statements,
)
from afs_stages.scoring.discriminator.pairs import Pair, make_pairs, real_blocks
from afs_stages.scoring.discriminator.statement_forms import statement_form
from afs_stages.scoring.static import FINDINGS

SAMPLES = list(folder_samples(Path(__file__).parents[2] / "data/sample/hack"))
BLOCKS = real_blocks(SAMPLES)
CALLS = Context.of(SAMPLES).calls
REAL = (
    "Main:\n  LDX.b #$03\n  LDA.w $0DD0,X\n  CLC : ADC.b #$01\n  STA.w $0DD0,X\n"
    " BEQ .out\n PHX\n  PLX\n.out\n RTS"
)


def new_clues(old: str, new: str, calls: dict[str, str] | None = None) -> set[str]:
    """The clues that a change of `REAL` brings."""
    before, after = (
        context_features(REAL, calls or {}),
        context_features(REAL.replace(old, new), calls or {}),
    )
    return {clue for row in after for clue in row} - {
        clue for row in before for clue in row
    }


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return list(make_pairs(BLOCKS[:120], 3))


@pytest.fixture(scope="module")
def model(pairs: list[Pair]) -> NgramModel:
    return NgramModel.fit(pairs, CALLS, 3)


@pytest.mark.parametrize(
    ("code", "reads", "writes"),
    [
        ("LDA.w $0DD0,X", "X", "AN"),
        ("ADC ($10),Y", "ACY", "ACN"),
        ("INC", "A", "AN"),
        ("INC $10", "", "N"),
        ("ROL A", "AC", "ANC"),
        ("STZ.w $10,x", "X", ""),
        ("PLP", "", "NC"),
        ("JSL Draw", "", ""),
    ],
)
def test_registers_of_an_instruction(code: str, reads: str, writes: str) -> None:
    op = parse(f" {code}")[0]
    assert registers(op.name, op.operand) == (reads, writes)


def test_a_cell_keeps_the_form_and_drops_the_place() -> None:
    here, there = (
        statement_form(parse(f" LDA.w ${place},X")[0]) for place in ("0DD0", "0E40")
    )
    assert here.exact != there.exact
    assert here.general == there.general == "LDA.w <hex4> , x"
    assert (
        statement_form(parse("BEQ .out")[0]).exact
        == statement_form(parse("BEQ .in")[0]).exact
    )
    assert index_of("[$10],y") == "Y"


@pytest.mark.parametrize(
    ("old", "new", "clue"),
    [
        ("$0DD0,X\n  CLC", "$0DD0,Y\n  CLC", "hYLDA<start"),
        ("$0DD0,X\n  CLC", "$0DD0,Y\n  CLC", "mLDAXLDXFalse"),
        ("STA.w", "LDA.w", "nALDAoverADCTrue"),
        ("STA.w", "LDA.w", "pAADClost to LDA"),
        ("CLC", "SEC", "hCADC<SEC"),
        ("LDA.w $0DD0", "LDY.w $0DD0", "hAADC<start"),
        (" PHX\n", "", "xPLX|"),
        ("  PLX\n", "", "yRTS|None|"),
        ("CLC", "SEP #$20 : CLC", "uADC|8|8"),
        ("CLC", "REP #$20 : CLC", "uADC|16|8"),
    ],
)
def test_a_change_gives_the_clue_that_tells_it(old: str, new: str, clue: str) -> None:
    assert clue in new_clues(old, new)


def test_returns_are_seen_beside_the_calls() -> None:
    assert "ARTS|RTL" in {
        clue for row in context_features(REAL, {"Main": "RTL"}) for clue in row
    }


def test_the_edit_is_found() -> None:
    real = parse(REAL)
    assert list(edited_statements(real, parse(REAL.replace("STA", "LDA")))) == [5]
    gap = edited_statements(real, parse(REAL.replace("  PLX\n", "")))
    assert [parse(REAL.replace("  PLX\n", ""))[at].name for at in gap] == [
        "PHX",
        ".out",
    ]
    assert list(edited_statements(real, real)) == [len(real) - 1]


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="LDASTXY #$0123,()[].:;%!\n ", max_size=120))
def test_any_text_has_clues_for_each_statement(text: str) -> None:
    assert len(context_features(text, {})) == len(parse(text))


def test_real_code_outranks_its_corruptions(
    model: NgramModel, pairs: list[Pair]
) -> None:
    held = list(make_pairs(BLOCKS[120:], 3))
    real = {pair.of: model.score([pair.code])[0] for pair in held if pair.real}
    wrong = [pair for pair in held if not pair.real]
    below = sum(
        score < real[pair.of]
        for pair, score in zip(wrong, model.score([p.code for p in wrong]), strict=True)
    )
    assert below / len(wrong) > 0.7


def test_the_worst_statement_is_the_edit(model: NgramModel) -> None:
    code = BLOCKS[130].code
    spoilt = code.replace("RTS", "RTX").replace("RTL", "RTX")
    odds = model.suspects(spoilt)
    assert parse(spoilt)[odds.index(max(odds))].name == "RTX"


def test_saved_and_loaded_it_says_the_same(model: NgramModel, tmp_path: Path) -> None:
    codes = [block.code for block in BLOCKS[:5]] + ["", "NOP"]
    model.save(tmp_path / "model")
    assert NgramModel.load(tmp_path / "model", CALLS).score(codes) == pytest.approx(
        model.score(codes), abs=1e-9
    )
    assert set(FINDINGS) < set(FEATURES)


def test_one_block_is_enough_to_fit(pairs: list[Pair]) -> None:
    alone = [pair for pair in pairs if pair.of == pairs[0].of]
    assert len(NgramModel.fit(alone, {}, 1).score(["NOP", ""])) == 2
