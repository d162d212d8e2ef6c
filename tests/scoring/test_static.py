"""The static checker: each finding on code that shows it,
silence on code that does not.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afs_stages.asm.lexer import parse
from afs_stages.scoring.static import FINDINGS, findings, static_score

CLEAN = """
Keeper_Main:
  PHX
  REP #$20
  LDA.w #$1234 : CLC : ADC.w #$0010
  STA.w $0DD0,X
  SEP #$20
  LDA.b #$12 : CMP.b #$10 : BCC .low
  INC.w $0E80,X
.low
  PLX
  RTS
"""


def test_clean_code_has_no_findings() -> None:
    assert not findings(CLEAN)
    assert static_score(findings(CLEAN), 12) == 1.0


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("LDA.b #$12", "LDA.w #$0012", "imm_width"),
        ("  SEP #$20\n", "", "imm_width"),
        ("SEP #$20", "REP #$20", "imm_width"),
        ("  PLX\n", "", "left_on_stack"),
        ("  PHX\n", "", "pull_from_empty"),
        ("BCC .low", "BCC .lower", "undefined_local"),
        ("CLC : ADC", "SEC : ADC", "carry"),
        ("  SEP #$20\n", "  REP #$20\n  SEP #$20\n", "repeated_width"),
        ("BCC .low", "STA.w $10 : LDA.b #$10 : LDA.b #$11", "lost_value"),
        ("BCC .low", "LDA.b $10 : STZ.b $11 : LDA.b $12", "lost_value"),
        ("LDA.w #$1234 : CLC", "LDA.w #$1234 : CLC : TXA", "lost_value"),
        ("BCC .low", "LDA.b #$10 : BNE .low", "constant_branch"),
        ("CLC : ADC", "CLC : SEC : ADC", "undone"),
        ("  PLX\n", "  BRA .low\n  PLX\n", "unreachable"),
    ],
)
def test_each_finding(old: str, new: str, finding: str) -> None:
    found = findings(CLEAN.replace(old, new))
    assert found[finding], found
    assert static_score(found, 12) < 1


@pytest.mark.parametrize(
    "code",
    [
        "LDA.b $10 : XBA : LDA.b $11",
        "LDA.b $10 : BEQ .low : LDA.b $11",
        "LDA.b $10\n.low\n LDA.b $11",
        "LDA.b $10 : JSL Draw : LDA.b $11",
        "LDA.b $10 : PHA : LDA.b $11",
        "PLA : LDA.b $11",
        "LDA.b $10 : %Do() : LDA $11",
        "LDX.b $10 : LDY.b $11 : LDA.w $0E00,X",
        "LDY.b $11 : STA.w $0E00,Y : LDA.w $0E00,X",
        "LDX.b $10 : STA.w $10,X : LDX $11",
    ],
)
def test_a_value_that_may_be_used_is_not_lost(code: str) -> None:
    found = findings(f"Start:\n {code}\n BEQ .low\n.low\n RTS")
    assert not {"lost_value", "other_index", "constant_branch"} & set(found), found


def test_an_index_that_was_set_beside_the_one_that_is_used() -> None:
    code = "Start:\n LDY.b $10\n LDA.w $0E00,Y\n RTS"
    assert not findings(code)
    assert findings(code.replace(",Y", ",X"))["other_index"] == 1


def test_returns_must_match_calls() -> None:
    code = "Keeper_Draw:\n  LDA.b $12\n  RTS\n"
    assert not findings(code, {"Keeper_Draw": "RTS"})
    assert findings(code, {"Keeper_Draw": "RTL"})["return_unlike_calls"] == 1
    assert findings("A_B:\n NOP\n BEQ .x\n RTS\n.x\n RTL")["mixed_returns"] == 1


def test_php_plp_forgets_widths() -> None:
    assert not findings("Start:\n PHP\n REP #$30\n LDA.w #$0001\n STA $10\n PLP\n RTL")


def test_more_findings_never_raise_the_score() -> None:
    scores = [
        static_score(dict.fromkeys(FINDINGS[:count], 1), 20)
        for count in range(len(FINDINGS))
    ]
    assert scores == sorted(scores, reverse=True)


@given(st.text(alphabet="@#.+-:{}!%?= \n\t;,$A1abLDArts", max_size=60))
def test_no_text_is_a_label_without_a_name_or_ends_the_check(text: str) -> None:
    assert all(s.name for s in parse(text) if s.kind == "label")
    findings(text)
    findings(f"@@ -1,2 +1,2 @@\n{text}")
