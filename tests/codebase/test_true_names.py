"""A name is told for the place it stands for, and for no other."""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator

CALLER = "Tower_Night:\n{\n  JSL Lamp_Light\n  RTL\n}\n"
HEADER = "; Lights every lamp of the tower at night\n"
BODY = "Lamp_Light:\n{\n  LDA.b #$05 : STA $0D72\n  LDA $4302 : STA $0D90\n  RTL\n}\n"


def told(folder: Path, code: str, **files: str) -> str:
    """All questions and answers of a codebase of one file and the files it includes."""
    (folder / "lamp.asm").write_text(code)
    for name, text in files.items():
        (folder / f"{name}.asm").write_text(text)
    made = OracleTrainingGenerator(oracle_path=folder).generate()
    return "\n".join(f"{s.instruction}\n{s.output}" for s in made)


STRUCT = """\
struct ARAM $0D70
{
  .Volume: skip $01 ; Volume of all channels of the sound
  .Fade: skip $01 ; How fast the sound gets silent again
  .Timer: skip $01 ; Frames until the next note is played
}
endstruct
"""


def test_a_struct_without_a_bank_that_no_code_names_is_no_name_of_memory(tmp_path):
    found = told(tmp_path, f"{STRUCT}\n{HEADER}{BODY}\n{CALLER}")
    assert "ets `$0D72` to $05" in found
    assert "ARAM.Timer" not in found.replace("`.Timer`", "")
    assert "overlays memory" not in found


def test_a_struct_that_code_names_is_one(tmp_path):
    use = "Lamp_Dark:\n{\n  STZ ARAM.Timer\n  STZ $0D90\n  STZ $0D91\n  RTL\n}\n"
    found = told(tmp_path, f"{STRUCT}\n{HEADER}{BODY}\n{CALLER}\n{use}")
    assert "`$0D72` (ARAM.Timer)" in found


def test_names_of_another_processor_name_no_memory_of_this_one(tmp_path):
    sound = "arch spc700\nTempo = $0D72 ; How fast the song of the tower goes\n"
    found = told(tmp_path, f"incsrc sound.asm\n{HEADER}{BODY}\n{CALLER}", sound=sound)
    assert "`$0D72` (Tempo)" not in found
    assert "Tempo" not in found


REGISTERS = """\
DMA0ADDR = $4302
DMA1ADDR = $4312
DMAXADDR = $4302
DMA0ADDRL = $4302
DMA1ADDRL = $4312
VMADDL = $2116
"""


def test_a_word_register_is_not_told_as_its_low_byte(tmp_path):
    found = told(tmp_path, REGISTERS)
    whole = "A-bus address of DMA channel 1, as a whole"
    assert f"`DMA1ADDR` (`lamp.asm`): {whole}" in found
    assert f"`DMA1ADDR` (`lamp.asm`): Low byte of the {whole[:32]}" not in found
    assert "Low byte of the VRAM word address." in found


def test_an_x_for_the_channel_is_told_as_any_channel(tmp_path):
    found = told(tmp_path, REGISTERS)
    line = next(r for r in found.splitlines() if "`DMAXADDR` (`lamp.asm`)" in r)
    assert "any DMA channel" in line
    assert "channel 0" not in line


def test_an_address_behind_included_code_is_not_told(tmp_path):
    code = f"org $0E8000\nincsrc other.asm\n{HEADER}{BODY}\n{CALLER}"
    assert "0E8000" not in told(tmp_path, code, other="Other:\n  NOP\n  RTL\n")


def test_an_address_behind_included_names_is_told(tmp_path):
    code = f"org $0E8000\nincsrc other.asm\n{HEADER}{BODY}\n{CALLER}"
    assert "$0E8000" in told(tmp_path, code, other="Other = $7E0D80\n")


def test_an_address_behind_data_of_one_condition_is_not_told(tmp_path):
    code = "org $0E8000\nif !Dark\n  db 1\nelse\n  db 2, 3\nendif\n"
    found = told(tmp_path, f"{code}{HEADER}{BODY}\n{CALLER}")
    assert "0E8001" not in found
    assert "0E8003" not in found


def test_two_names_of_different_games_are_not_chosen_between(tmp_path):
    old = "OldFlag = $7E0D90 ; Screens that nobody ever reaches\n"
    new = "NewFlag = $7E0D90 ; The lamp of the tower was lit once\n"
    code = f"incsrc old.asm\nincsrc new.asm\n{HEADER}{BODY}\n{CALLER}"
    found = told(tmp_path, code, old=old, new=new)
    assert "`$0D90` (" not in found
    use = "Lamp_Dark:\n{\n  STZ NewFlag\n  STZ $0D92\n  STZ $0D91\n  RTL\n}\n"
    assert "`$0D90` (NewFlag)" in told(tmp_path, code + use, old=old, new=new)


def test_a_place_in_the_file_is_no_word_on_a_routine(tmp_path):
    code = HEADER + "; $012173-$012185 LOCAL JUMP LOCATION\n" + BODY + CALLER
    found = told(tmp_path, code)
    assert "at night" in found
    assert "$012173" not in found


def test_a_heading_above_a_blank_line_is_not_about_the_first_routine(tmp_path):
    heading = "; The code of the tower's cellar goes below\n\n"
    named = BODY.replace("Light:", "Light: ; Slow as before and lit at night", 1)
    assert "cellar" not in told(tmp_path, heading + named + CALLER)


def test_a_comment_above_two_names_is_not_asked_for_one_of_them(tmp_path):
    code = "; Speed of the wind on each axis\nWindY = $7E0D90\nWindX = $7E0D91\n"
    found = told(tmp_path, code)
    assert "Its comment also covers `WindX`." in found
    assert "“Speed of the wind on each axis.”" not in found


def test_a_direct_page_that_is_moved_for_good_has_no_names(tmp_path):
    names = "LampWind = $7E002E ; How hard the wind blows\n"
    lit = BODY.replace("STA $0D72", "STA.b $2E")
    start = "Tower_Start:\n{\n  LDA #$3000\n  TCD\n  JMP Tower_Night\n}\n"
    kept = told(tmp_path, f"{names}{HEADER}{lit}\n{CALLER}")
    assert "`$2E` (LampWind)" in kept
    moved = told(tmp_path, f"{names}{HEADER}{lit}\n{CALLER}\n{start}")
    assert "`$2E` to $05" in moved
    assert "`$2E` (LampWind)" not in moved


def test_a_reserved_size_is_told_as_the_source_writes_it(tmp_path):
    code = "org $7E0D90\nOil: skip $100 ; Oil that is left in each lamp\n"
    assert "$100 byte(s) reserved" in told(tmp_path, code)


def test_a_place_is_told_with_every_name_of_it(tmp_path):
    code = (
        "Oil = $7E0D90 ; Oil that is left in each lamp\n"
        "OilLow = $7E0D90\n!OilOfTowers = $7E0D90\n!MostLamps = $0D90\n"
    )
    found = told(tmp_path, code)
    assert "is `Oil` (`lamp.asm`)" not in found
    assert "- `Oil` (`lamp.asm`): Oil that is left in each lamp.\n" in found
    assert "- also `OilLow` and `!OilOfTowers`" in found


def test_what_is_known_of_a_register_is_no_comment_above_others(tmp_path):
    above = "; l - " + "low byte of the number that the tower divides\n; h - " * 22
    code = f"{above}high byte\nWRDIVL = $4204\nWRDIVH = $4205\n"
    found = told(tmp_path, code)
    assert "Low byte of the dividend." in found
    assert "Its comment also covers" not in found


def test_a_comment_covers_all_silent_names_below_it(tmp_path):
    names = "".join(f"Picture{n} = $7E9{n:02X}0\n" for n in range(60))
    code = f"; ===== Pictures =====\n\n; Buffers of the pictures on the wall\n{names}"
    assert "`Picture8` and 51 more" in told(tmp_path, code)


def test_the_factor_of_one_byte_is_not_told_as_written_twice(tmp_path):
    found = told(tmp_path, "PPUMULT8 = $211C\n")
    assert "matrix B (written twice), and the 8-bit factor" in found
