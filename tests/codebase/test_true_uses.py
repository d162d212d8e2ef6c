"""Who uses a variable is told completely, and where a field lies exactly."""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase.facts.mentions import mentions, owners, shown
from afs_stages.codebase.facts.project import read_project
from tests.codebase.test_true_names import told

RAM = "Lamps = $7E0D72 ; How many lamps of the tower are lit\n"


def users(folder: Path, code: str) -> list[str]:
    """What is told to use `Lamps`, in code of one file."""
    (folder / "tower.asm").write_text(RAM + code)
    project = read_project(folder)
    uses = mentions(project).of(project.best_symbol["Lamps"])
    return [shown(owner) for owner in owners(uses)]


def test_every_spelling_of_an_address_is_a_use(tmp_path):
    code = """
ByName: INC Lamps : RTS
ByNumber: INC $0D72 : RTS
ByLongNumber: LDA.l $7E0D72 : RTS
ByMirror: LDA.l $800D72 : RTS
BySum: LDA Lamps+1-1 : RTS
WithIndex: STZ Lamps,X : RTS
Elsewhere: STZ $0D73 : BNE $72 : LDA #$0D72 : RTS
"""
    names = ["ByName", "ByNumber", "ByLongNumber", "ByMirror", "BySum", "WithIndex"]
    assert users(tmp_path, code) == [f"`{name}`" for name in names]


def test_an_index_on_a_number_of_the_direct_page_is_no_use(tmp_path):
    (tmp_path / "ram.asm").write_text("Wind = $7E002E ; How strong the wind blows\n")
    (tmp_path / "code.asm").write_text("Near: STZ $2E,X : RTS\nHere: STZ $2E : RTS\n")
    project = read_project(tmp_path)
    uses = mentions(project).of(project.best_symbol["Wind"])
    assert [use.owner.name for use in uses] == ["Here"]


def test_a_use_in_a_long_routine_a_table_a_macro_or_a_patch_is_one(tmp_path):
    code = (
        f"Long:\n{'  NOP' + chr(10)}" + "  NOP\n" * 200 + "  INC Lamps\n  RTS\n"
        "Pointers:\n  dw Lamps, $0000\n"
        "macro light()\n  INC Lamps\nendmacro\n"
        "org $04C000\n  STZ Lamps\n"
    )
    told = ["`Long`", "the table `Pointers`", "the macro `%light`"]
    assert users(tmp_path, code) == [*told, "the patch at `$04C000`"]


def test_a_routine_goes_on_behind_a_patch_between_its_lines(tmp_path):
    code = "Day:\n  NOP\n  pushpc\n  org $048000\n  NOP\n  pullpc\n  INC Lamps\n  RTS\n"
    assert users(tmp_path, code) == ["`Day`"]


def test_two_versions_of_a_routine_are_one_user(tmp_path):
    code = "if !A\nDay: INC Lamps : RTS\nelse\nDay: DEC Lamps : RTS\nendif\n"
    assert users(tmp_path, code) == ["`Day`"]


def test_what_only_checks_memory_is_no_user(tmp_path):
    checked = "org $7E1000\nBuffer: skip 4\n%assertRAM(Lamps, $7E0D72)\n"
    code = checked + "Day: INC Lamps : RTS\n"
    assert users(tmp_path, code) == ["`Day`"]


def test_fields_behind_a_bare_skip_lie_where_the_assembler_puts_them(tmp_path):
    code = """
struct Crab $7E0FA8
  .Timer: skip 2 ; Frames until it walks on
skip 4
  .Angle:
    skip $01 ; Where it walks to
  .Mood: skip 1 ; How angry it is
endstruct
"""
    found = told(tmp_path, code)
    assert "`.Timer` at +0" in found
    assert "`.Angle` at +6" in found
    assert "`.Mood` at +7" in found
    assert "`Crab.Mood` is at $7E0FAF" in found


def test_a_skip_into_another_bank_leads_to_no_offset_that_is_told(tmp_path):
    code = (
        "struct Crab $7E0FA8\n  .A: skip 2\n  .B: skip 2\n"
        "skip $12000\n  .C: skip 2\nendstruct\n"
    )
    found = told(tmp_path, code)
    assert "`.B` at +2\n- 1 more behind a gap not computed here." in found
    assert "`.C`" not in found


def test_a_struct_with_a_field_of_unknown_size_has_no_offsets(tmp_path):
    code = "struct Crab $7E0FA8\n  .A: skip !Size\n  .B: skip 1\nendstruct\n"
    assert "Crab" not in told(tmp_path, code)


def test_what_works_on_the_place_by_another_name_uses_it_and_a_constant_does_not(
    tmp_path,
):
    code = (
        "!lamps = $7E0D72\nWidth = $0D72\nTable:\n  dw !lamps, Width\n"
        "Day: STA !lamps : RTS\nNight: LDA.w #Width : CMP.w #!lamps : RTS\n"
    )
    assert users(tmp_path, code) == ["`Day`"]


def test_a_macro_uses_what_it_is_given_as_its_lines_do(tmp_path):
    code = (
        "macro light(what)\n  LDA #$01\n  STA <what>\nendmacro\n"
        "Set: %light(Lamps) : RTS\n"
        "Ask: LDA Lamps : AND #$01 : BEQ Set : RTS\n"
        "Mask: LDA Lamps : AND #$01 : STA $10 : RTS\n"
    )
    (tmp_path / "tower.asm").write_text(RAM + code)
    uses = mentions(read_project(tmp_path)).names["Lamps"]
    assert [use.how for use in uses] == ["written", "tested", "read"]


def test_a_number_beside_a_name_and_data_and_digits_are_no_use(tmp_path):
    code = (
        "Offset: LDA.w frame+$0D72,X : STZ $0D72 : RTS\n"
        "Frame: LDA.w frame+$7E0D72 : LDA.w .table+$0D72 : RTS\n"
        "Chests:\n  dl $7E0D72, $000D72\n"
    )
    assert users(tmp_path, code) == ["`Offset`"]


def test_a_constant_of_the_same_value_is_no_other_name_of_the_place(tmp_path):
    (tmp_path / "ram.asm").write_text("Wind = $7E00A9 ; How strong the wind blows\n")
    (tmp_path / "music.asm").write_text(
        "F4 = $A9\nSong:\n  db F4, $A9\nPlay: STA.b $F4 : STZ.b $A9 : RTS\n"
    )
    project = read_project(tmp_path)
    uses = mentions(project).of(project.best_symbol["Wind"])
    assert [use.code for use in uses] == ["STZ.b $A9"]


def test_a_check_below_a_label_without_code_is_no_use(tmp_path):
    code = (
        "macro same(a, b)\n  assert <a> = <b>\nendmacro\n"
        "Control:\n  %same(Lamps, $7E0D72)\n  %unknown(Lamps)\n"
        "Day: %unknown(Lamps) : RTS\n"
    )
    assert users(tmp_path, code) == ["`Day`"]


def test_what_runs_with_the_direct_page_moved_uses_none_of_its_variables(tmp_path):
    (tmp_path / "ram.asm").write_text("Wind = $7E00A9 ; How strong the wind blows\n")
    (tmp_path / "code.asm").write_text(
        "Start: PHD : LDA #$1F00 : TCD : JSR Draw : PLD : RTS\n"
        "Draw: STZ $A9 : BRA Line\nLine: INC $A9 : RTS\n"
        "Reset: LDA.w #$0000 : TCD : JSR Main : RTS\nMain: DEC $A9 : RTS\n"
    )
    project = read_project(tmp_path)
    uses = mentions(project).of(project.best_symbol["Wind"])
    assert [use.owner.name for use in uses] == ["Main"]


def test_code_that_nothing_leads_to_may_be_another_thread_s(tmp_path):
    (tmp_path / "ram.asm").write_text("Wind = $7E00A9 ; How strong the wind blows\n")
    code = (
        "Frame: LDA.w $1F0A : {} : PLD : RTI\n"
        "Start: LDA.w #$0000 : TCD : JSR Main : RTS\nMain: DEC $A9 : RTS\n"
        "Thread: STZ $A9 : JSR Draw : RTS\nDraw: INC $A9 : RTS\n"
    )
    for swap, used in (("TCS", ["Main"]), ("TAX", ["Main", "Thread", "Draw"])):
        (tmp_path / "code.asm").write_text(code.format(swap))
        project = read_project(tmp_path)
        uses = mentions(project).of(project.best_symbol["Wind"])
        assert [use.owner.name for use in uses] == used


def test_a_group_with_a_define_of_a_place_is_none_of_constants(tmp_path):
    title = "; =====\n; What the lamps of the tower do\n; =====\n"
    rows = "!lamp_low = $01 ; The lamp burns low\n!lamp_out = $02 ; The lamp is out\n"
    place = "!lamp_place = $70202E ; Where the lamp is kept\n"
    assert "`!lamp_out` = $02" in told(tmp_path, title + rows)
    assert "constants for" not in told(tmp_path, title + rows + place)


def test_a_mask_whose_result_goes_on_is_no_test(tmp_path):
    code = "Asks: AND Lamps : BEQ + : RTS\n+ : RTS\nMasks: AND Lamps : ORA $0E : RTS\n"
    (tmp_path / "tower.asm").write_text(RAM + code)
    project = read_project(tmp_path)
    uses = mentions(project).of(project.best_symbol["Lamps"])
    assert [use.how for use in uses] == ["tested", "read"]
