"""What is said of code holds for the code: indexes, expressions, paths."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from afs_stages.codebase import OracleTrainingGenerator

NAMES = """\
LampState = $7E002E ; State the lamp is in now
LampOil = $7E0D90 ; Oil left in each lamp
"""
CALLER = """\
Tower_Night:
{
  JSL Lamp_Light
  RTL
}
"""


def made(tmp_path: Path, code: str, **pages: str):
    """(samples, what was left out by reason) of one file of code and its pages."""
    (tmp_path / "lamp.asm").write_text(f"{NAMES}\n{code}\n{CALLER}")
    for name, text in pages.items():
        (tmp_path / f"{name}.md").write_text(text)
    generator = OracleTrainingGenerator(oracle_path=tmp_path)
    samples = list(generator.generate())
    return samples, Counter(generator.tally.dropped)


def routine(*body: str) -> str:
    lines = "\n".join(f"  {line}" for line in body)
    return f"; Lights every lamp of the tower at night\nLamp_Light:\n{{\n{lines}\n}}\n"


def explained(tmp_path: Path, *body: str) -> str:
    samples, _ = made(tmp_path, routine(*body))
    kinds = {s.provenance["kind"]: s for s in samples}
    return kinds["asm_explanation"].output


@pytest.mark.parametrize("number", ["$2E", "$002E"])
def test_an_indexed_number_is_not_told_as_the_variable_of_that_number(tmp_path, number):
    body = (f"LDA {number},X : STA.w LampOil,X", f"LDA #$05 : STA {number},X", "RTL")
    output = explained(tmp_path, *body)
    assert f"`{number},X`" in output
    assert "LampState" not in output


def test_a_number_without_index_is_the_variable(tmp_path):
    output = explained(tmp_path, "LDA.b #$05 : STA.b $2E", "LDX.b $2E : DEX", "RTL")
    assert "writes `LampState` ($7E002E): State the lamp is in now." in output


def test_a_write_of_unknown_width_is_not_told_as_one_of_the_low_byte(tmp_path):
    output = explained(tmp_path, "LDA.w LampOil : STA.w $4204", "LDX.b $2E", "RTL")
    assert "the dividend (the low byte; 16 bits reach $4205 too)" in output
    body = ("LDA.w LampOil : STA.w $4204", "LDA.w LampOil : STA.w $4205", "RTL")
    assert "($4204): low byte of the dividend" in explained(tmp_path, *body)


def test_a_moved_direct_page_hides_its_variables(tmp_path):
    body = ("PHD", "LDA.w #$0200 : TCD", "LDA.b #$05 : STA.b $2E", "PLD", "RTL")
    samples, _ = made(tmp_path, routine(*body))
    (told,) = (s for s in samples if s.provenance["kind"] == "asm_request")
    assert "LampState" not in told.instruction


def test_a_value_read_at_an_index_is_of_the_earlier_one_once_it_moves(tmp_path):
    body = ("LDA.w LampOil,X : INX : STA.w LampOil,X", "LDA.b #$05 : STA.b $2E", "RTL")
    output = explained(tmp_path, *body)
    assert "`LampOil,X` by the earlier X" in output


@pytest.mark.parametrize(
    "operand", ["$4300|$70,x", "$4300|!offset,x", "<offset,x", "!a!b", "(,x)", "$,y"]
)
def test_an_operand_nobody_can_read_stops_nothing(tmp_path, operand):
    patch = f"; The lamp burns longer than it did\norg $018000\n  STA.w {operand}\n"
    samples, _ = made(tmp_path, f"{routine(f'STA.w {operand}', 'RTL')}\n{patch}")
    assert any(s.provenance["kind"] == "memory_name" for s in samples)


def told(tmp_path: Path, code: str, word: str, **pages: str) -> list[str]:
    samples, _ = made(tmp_path, code, **pages)
    both = (f"{s.instruction}\n{s.output}" for s in samples)
    return [text for text in both if word in text]


def test_a_comment_that_goes_on_below_stays_with_its_own_symbol(tmp_path):
    code = """\
LampWick = $7E0DA0            ; How long the wick of the lamp is
                              ; before the keeper cuts it again
LampGlass = $7E0DB0
"""
    rows = told(tmp_path, code, "LampWick")
    assert all("cuts it again" in row for row in rows if "How long the wick" in row)
    assert any("How long the wick of the lamp is before" in row for row in rows)
    assert not told(tmp_path, code, "LampGlass")


def test_a_banner_is_no_meaning(tmp_path):
    code = """\
; ==========================================
; Every variable of the northern tower
; ==========================================
LampWick = $7E0DA0
LampGlass = $7E0DB0 ; How clean the glass of the lamp is

; end of the variables of the tower
LampHook = $7E0DC0
"""
    assert not told(tmp_path, code, "LampWick")
    assert not told(tmp_path, code, "LampHook")
    assert told(tmp_path, code, "How clean the glass")


def test_a_bracket_over_lines_is_the_meaning_of_none_of_them(tmp_path):
    code = """\
LampWick = $7E0DA0  ; \\ Length of the wick and of the glass
LampGlass = $7E0DB0 ; / are both counted in the same unit
"""
    assert not told(tmp_path, code, "LampWick")
    assert not told(tmp_path, code, "LampGlass")


def test_the_length_of_a_group_is_not_the_length_of_its_first(tmp_path):
    code = "; How bright each of the lamps burns\n; LENGTH: 0x0A\n"
    code += "".join(f"Lamp{n}Light = $7E0DA{n}\n" for n in range(8))
    assert told(tmp_path, code, "Lamp0Light")
    assert not told(tmp_path, code, "bytes long")


def test_a_row_that_gives_a_name_another_address_is_not_taught(tmp_path):
    page = """\
# The tower

## Variables of the lamp

| Address | Name | Meaning |
|---|---|---|
| `$0DA0,X` | LampOil | How much oil the keeper left in the lamp |
| `$0D90,X` | LampOil | How much oil is left in each lamp of the tower |
"""
    rows = told(tmp_path, "", "LampOil", tower=page)
    assert not [row for row in rows if "keeper left" in row]
    assert any("The sources disagree about `LampOil`" in row for row in rows)
    assert any("`LampOil` is at $7E0D90" in row for row in rows)


def test_names_are_not_compared_by_their_first_letters(tmp_path):
    code = "SprWick = $7E0DA0 ; Wick length\nSprGlass = $7E0DB0 ; Glass state\n"
    page = """\
# The tower

## Variables of the tower

| Address | Meaning |
|---|---|
| $0DA0 | Sprite height above the floor of the northern harbour |
"""
    assert not told(tmp_path, code, "northern harbour", tower=page)


def test_a_page_that_gives_a_constant_another_value_is_not_taught(tmp_path):
    code = "!LAMP_LIT = $01\n"
    text = "The keeper of the tower lights the lamp every night before the ships come"
    page = f"# Tower\n\n## The lamp\n\n{text}, with `!LAMP_LIT = $%s` as its state.\n"
    assert not told(tmp_path, code, "before the ships", tower=page % "02")
    (row,) = told(tmp_path, code, "before the ships", tower=page % "01")
    assert "`tower.md` says:" in row


def test_both_sides_of_a_condition_are_one_routine(tmp_path):
    body = ("LDA.w LampOil : BEQ .out", "LDA.b #$05 : STA.w LampState", ".out", "RTL")
    other = ("LDA.w LampOil : BNE .out", "LDA.b #$07 : STA.w LampState", ".out", "RTL")
    code = f"if !LIT == 1\n{routine(*body)}else\n{routine(*other)}endif\n"
    samples, dropped = made(tmp_path, code)
    kinds = [s.provenance["kind"] for s in samples]
    assert kinds.count("asm_explanation") <= 1
    assert dropped["routine_told_already"] == 1


def test_what_a_build_needs_is_no_quest_and_a_release_no_page(tmp_path):
    text = (
        "You need the assembler in your path and a clean copy of the game to build it"
    )
    page = f"# Lamps\n\n## Prerequisites\n\n{text}, nothing else.\n"
    page += f"\n## v1.2.0 (May)\n\n{text}, says the release of that month.\n"
    samples, _ = made(tmp_path, "", README=page)
    assert not [s for s in samples if s.domain.endswith("_quest")]
    assert not [s for s in samples if "of that month" in s.output]


def test_flags_after_a_store_tell_of_what_was_stored(tmp_path):
    body = ("LDA.w LampOil : INC A : STA.w LampOil : BPL .out", "STZ.b $2E", ".out")
    output = explained(tmp_path, *body, "RTL")
    assert "goes to `.out` if `LampOil` is not negative" in output


def test_every_explanation_of_indexed_code_names_the_index(tmp_path):
    body = ("%Unknown()", "LDX.b $2E", "LDA.w LampOil,X : STA.b $2E", "RTL")
    assert "`LampOil,X`" in explained(tmp_path, *body)


def test_a_listing_in_a_comment_is_no_explanation(tmp_path):
    code = routine("LDA.w LampOil : BEQ .out", "STZ.b $2E", ".out", "RTL")
    listed = "; $A7:D5A6 AD B6 05    LDA $05B6  [$7E:05B6]  ; Frame counter\n"
    rows = told(
        tmp_path, code.replace("Lamp_Light:", f"{listed}Lamp_Light:"), "every lamp"
    )
    assert rows
    assert not [row for row in rows if "AD B6 05" in row]


def test_both_sides_of_a_condition_are_not_told_as_one_after_the_other(tmp_path):
    body = ("LDA.w LampOil : BEQ .out", "STZ.b $2E", ".out", "if !LIT == 1")
    more = ("JMP Lamp_Bright", "else", "JMP Lamp_Dark", "endif")
    output = explained(tmp_path, *body, *more)
    bright, dark = output.index("`Lamp_Bright`"), output.index("`Lamp_Dark`")
    assert "ssembled only if `!LIT == 1`" in output[:bright]
    assert "ssembled only if not `!LIT == 1`" in output[bright:dark]


@pytest.mark.parametrize("behind", ["else\n  NOP #4\nendif", "\n  LDA.w $0D90"])
def test_a_patch_that_goes_on_is_not_told_by_its_beginning(tmp_path, behind):
    code = "if !LIT == 1\norg $018000 ; The lamp burns longer than it did\n"
    code += "  JSL Lamp_Light ; burns all night\n{}\n\n"
    body = routine("LDA.b #$05 : STA.w LampOil", "RTL")
    for rest, count in (("endif", 1), (behind, 0)):
        samples, _ = made(tmp_path, f"{code.format(rest)}{body}")
        hooks = [s for s in samples if s.provenance["kind"] == "asm_hook"]
        assert len(hooks) == count


def test_a_patch_is_told_with_the_condition_it_stands_under(tmp_path):
    code = "if !LIT == 1\n  NOP\nelseif !LIT == 2\n  NOP\nelse\n"
    code += "org $018000 ; The lamp burns longer than it did\n  JSL Lamp_Light\nendif\n"
    body = routine("LDA.b #$05 : STA.w LampOil", "RTL")
    samples, _ = made(tmp_path, f"{code}{body}")
    (hook,) = [s for s in samples if s.provenance["kind"] == "asm_hook"]
    assert "$018000 (only if not `!LIT == 1` and not `!LIT == 2`)." in hook.output


def test_a_list_of_patches_tells_their_conditions(tmp_path):
    code = "org $018000 ; The lamp burns longer than it did\n  JSL Lamp_Light\n"
    chosen = "if !LIT == 1\n{}else\norg $018200\n  db 1\nendif\norg $018300\n  db 1\n"
    body = routine("LDA.b #$05 : STA.w LampOil", "RTL")
    second = code.replace("$018000", "$018100")
    samples, _ = made(tmp_path, f"{code}{chosen.format(second)}{body}")
    (hooks,) = [s for s in samples if s.provenance["kind"] == "architecture_hooks"]
    assert "- $018100 → `Lamp_Light` (JSL) (only if `!LIT == 1`): " in hooks.output
    assert "data at $018300; $018200 (only if not `!LIT == 1`)." in hooks.output


def test_a_drawn_legend_is_no_meaning(tmp_path):
    code = "LampBits = $7E0DA0 ; shbo ||++++++ set if a lamp burns |+------ halved\n"
    assert not told(tmp_path, code, "LampBits")
