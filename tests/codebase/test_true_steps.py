"""Each step of a routine holds where it stands."""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator

NAMES = """\
LampOil = $7E0D90 ; Oil left in each lamp
LampTimer = $7E0D91 ; Frames until the lamp burns down
"""
CALLER = "Tower_Night:\n{\n  JSL Lamp_Light\n  RTL\n}\n"


def explained(folder: Path, *body: str) -> str:
    lines = "\n".join(f"  {line}" for line in body)
    header = "; Lights every lamp of the tower at night\n"
    code = f"{NAMES}\n{header}Lamp_Light:\n{{\n{lines}\n}}\n\n{CALLER}"
    (folder / "lamp.asm").write_text(code)
    made = OracleTrainingGenerator(oracle_path=folder).generate()
    kinds = {s.provenance["kind"]: s.output for s in made}
    return kinds.get("asm_explanation", "")


def test_a_branch_behind_a_count_asks_for_the_new_value(tmp_path):
    body = ("LDA.b #$05 : STA LampOil", "DEC LampTimer : BPL .on", "STZ LampOil")
    told = explained(tmp_path, *body, ".on", "RTL")
    assert "goes to `.on` if `LampTimer` is not negative" in told
    assert "earlier" not in told


def test_how_often_each_is_counted_is_told_of_each(tmp_path):
    body = ("LDX.b #$05", ".loop", "LDA.b #$07 : STA LampOil,X")
    told = explained(tmp_path, *body, "INC LampTimer : INX : INX", "BRA .loop")
    assert "counts up `LampTimer`, counts up X twice" in told


def test_an_index_taken_from_what_it_chose_is_told(tmp_path):
    body = (
        "LDA LampOil : ASL : TAX",
        "LDA.l Lamp_DirectionsOfLight,X : STA LampTimer : TAX",
        "LDA.l Lamp_OffsetsOfTheLight,X : STA LampOil",
    )
    told = explained(tmp_path, *body, "RTL")
    by = "(with X = `LampOil` times 2)"
    assert f"sets X to `Lamp_DirectionsOfLight,X` {by}" in told


def test_an_index_that_a_narrow_width_cuts_is_not_told_any_more(tmp_path):
    body = ("REP #$10", "LDX.w #$0212", "STA.l $7EF000,X", "SEP #$30")
    told = explained(tmp_path, *body, "JSL Lamp_Burn", "STZ LampOil", "RTL")
    assert "calls `Lamp_Burn`" in told
    assert "`Lamp_Burn` with X" not in told


def test_a_number_loaded_narrow_is_not_the_wide_word_that_is_stored(tmp_path):
    body = ("LDA.b #$12", "REP #$20", "STA LampOil", "SEP #$20", "STZ LampTimer")
    assert "`LampOil` to $12" not in explained(tmp_path, *body, "RTL")


def test_rep_with_the_carry_clears_it(tmp_path):
    body = ("REP #$21", "LDA LampTimer : ADC LampOil : STA LampTimer", "SEP #$20")
    told = explained(tmp_path, *body, "RTL")
    assert "`LampTimer` plus `LampOil`" in told
    assert "plus the carry" not in told


def test_an_instruction_in_the_place_of_an_operand_is_no_variable(tmp_path):
    body = ("LDA.b #$05 : STA LampOil", "DEC STA.l $7EF343", "STZ LampTimer", "RTL")
    assert "`STA.l" not in explained(tmp_path, *body)


def test_what_a_pointer_led_to_is_told_as_what_it_was_once_the_pointer_moves(tmp_path):
    answer = explained(tmp_path, "LDA.b [$10] : INC.b $10 : STA.w $0D90", "JMP ($0380)")
    assert "sets `$0D90` (LampOil) to what `[$10]` pointed to before" in answer
    assert "jumps to where `$0380` points" in answer
