"""Who leads to a routine, how, and how it is left."""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator

LIGHT = """\
; {header}
Lamp_Light:
{{
  LDA.b #$05 : STA.w $0D90 ; the oil in the lamp
  LDA.b #$07 : STA.w $0D91 ; and the wick of the lamp
  STZ.w $0D92
  {end}
}}

"""
HEADER = "Lights every lamp of the tower at night"


def explained(folder: Path, code: str) -> str:
    (folder / "lamp.asm").write_text(code)
    made = OracleTrainingGenerator(oracle_path=folder).generate()
    return next(
        s.output
        for s in made
        if s.provenance["kind"] == "asm_explanation" and "`Lamp_Light`" in s.output[:14]
    )


def light(header: str = HEADER, end: str = "RTL") -> str:
    return LIGHT.format(header=header, end=end)


def test_a_caller_that_is_too_long_to_be_told_is_told_as_a_caller(tmp_path):
    long = "  NOP\n" * 200
    code = f"Tower_Night:\n{{\n{long}  JSL Lamp_Light\n  RTL\n}}\n"
    assert "`Tower_Night` calls it." in explained(tmp_path, light() + code)


def test_who_goes_to_a_routine_does_not_call_it(tmp_path):
    code = "Tower_Night:\n  NOP\n  JML Lamp_Light\n"
    told = explained(tmp_path, light() + code)
    assert "`Tower_Night` goes to it." in told
    assert "calls it." not in told


def test_a_routine_in_a_table_or_called_once_is_no_part_of_another(tmp_path):
    above = "; Looks after the tower while the keeper sleeps\n"
    table = f"{above}Tower_Night:\n  ASL : TAX\n  JMP (.all,X)\n.all\n  dw Lamp_Light\n"
    told = explained(tmp_path, light("") + table)
    assert "part of" not in told
    assert "of the jump table in `Tower_Night`" in told
    call = f"{above}Tower_Night:\n  NOP\n  JSL Lamp_Light\n  RTL\n"
    told = explained(tmp_path, light("") + call)
    assert "part of" not in told
    assert "is called by `Tower_Night` (Looks after the tower while the keeper" in told


def test_a_return_that_no_path_reaches_is_not_told(tmp_path):
    told = explained(tmp_path, light(end="JMP Lamp_Dark\n  RTL"))
    assert "returns with RTL" not in told
    assert "returns with RTL" in explained(tmp_path, light())


def test_a_caller_in_an_inner_block_is_called_by_its_own_name(tmp_path):
    inner = "  Tower_Stairs:\n  {\n    JSL Lamp_Light\n    RTL\n  }\n"
    code = f"Tower_Night:\n{{\n  NOP\n{inner}  NOP\n  RTL\n}}\n"
    assert "`Tower_Stairs` calls it." in explained(tmp_path, light() + code)
    code = code.replace("JSL Lamp_Light", "NOP").replace(
        "}\n  NOP", "}\n  JSL Lamp_Light"
    )
    assert "`Tower_Night` calls it." in explained(tmp_path, light() + code)


def test_a_patch_leads_to_a_routine_however_far_behind_its_org(tmp_path):
    far = "org $0084A0\n  LDA.b #$05\n  STA.w $0D90\n  RTS\n\n"
    far += "  ; entry for other patches\n  JML Lamp_Light\n\n"
    far += "Elsewhere:\n  RTL\n\n"
    code = far + LIGHT.format(header=HEADER, end="RTL")
    assert "The patch at $0084A0 (`lamp.asm`) leads to it." in explained(tmp_path, code)


def test_a_switch_of_widths_behind_another_and_a_push_is_not_the_first(tmp_path):
    start = "LDA.b #$05 : STA.w $0D90"
    for switch, first in (
        ("SEP #$30 : PHA", True),
        ("PHP : REP #$20 : PHA : SEP #$30", False),
    ):
        code = light().replace(start, f"{switch} : {start}")
        assert ("first switches" in explained(tmp_path, code)) == first


def test_the_address_in_front_of_a_header_is_no_part_of_what_it_says(tmp_path):
    header = "; $894D: Looks after the tower while the keeper sleeps\n"
    call = f"{header}Tower_Night:\n  NOP\n  JSL Lamp_Light\n  RTL\n"
    told = explained(tmp_path, light("") + call)
    assert "`Tower_Night` (Looks after the tower while the keeper sleeps)" in told
