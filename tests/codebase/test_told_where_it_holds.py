"""What is told of a routine is told of its own code, on the paths and in the versions
in which it holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.judge.balance import BUGS, NAMESPACES, WHICH, left_out
from afs_stages.codebase.read.comments import is_code
from afs_stages.core.sample import TrainingSample

HEADER = "; Lights every lamp of the tower at night\n"
RAM = "Oil = $7E0D90\nGlow = $7E0D91\nKey = $0BE0\n"
WICK = "; Turns the wick of a lamp up a little\nWick:\n  INC.w $0D92\n  RTS\n"


def made(folder: Path, **files: str) -> list[TrainingSample]:
    """Every sample of a codebase of these files."""
    for name, text in files.items():
        (folder / f"{name}.asm").write_text(text)
    return list(OracleTrainingGenerator(oracle_path=folder).generate())


def of(samples: list[TrainingSample], kind: str) -> list[TrainingSample]:
    """Those of one kind."""
    return [sample for sample in samples if sample.provenance["kind"] == kind]


def explained(folder: Path, code: str, name: str = "Lamp", **files: str) -> str:
    """The one explanation of a routine, with its question."""
    found = of(made(folder, lamp=code, ram=RAM, **files), "asm_explanation")
    (sample,) = [row for row in found if f"`{name}` (" in row.output.split("\n")[0]]
    return f"{sample.instruction}\n{sample.output}"


def lamp(*code: str, header: str = HEADER) -> str:
    """A routine of these lines."""
    return f"{header}Lamp:\n" + "".join(f"  {line}\n" for line in code)


STATES = lamp("LDA.b #$05", "STA.w Oil", "STZ.w Glow", "RTS")
NAMELESS = "  JSR Wick\n  INC.w Glow\n  RTS\n"


def test_code_behind_a_return_without_a_label_is_of_no_routine(tmp_path):
    told = explained(tmp_path, f"{STATES}\n{NAMELESS}\n{WICK}")
    assert "Wick" not in told
    samples = made(tmp_path)
    assert not [row for row in samples if "INC.w Glow" in row.input + row.output]


def test_nobody_calls_from_code_without_a_name(tmp_path):
    wick = WICK.replace("  RTS", "  STZ.w Oil\n  STZ.w Glow\n  RTS")
    told = explained(tmp_path, f"{STATES}\n{NAMELESS}\n{wick}", name="Wick")
    assert "Lamp" not in told
    named = STATES.replace("  RTS", "  BEQ .out\n  RTS\n.out")
    again = explained(tmp_path, f"{named}\n{NAMELESS}\n{wick}", name="Wick")
    assert "`Lamp` calls it" in again


@pytest.mark.parametrize("skip", ["BEQ $01", "BEQ + : RTS : JMP Wick\n+"])
def test_code_that_a_branch_comes_to_stays_with_its_routine(tmp_path, skip):
    code = lamp("LDA.w Oil", skip, "RTS", "STZ.w Glow", "RTS")
    if skip.endswith("+"):
        code = lamp("LDA.w Oil", "BEQ +", "RTS", "+ STZ.w Glow", "RTS")
    (bug, *_) = [row for row in made(tmp_path, lamp=code, ram=RAM) if row.input]
    assert "STZ.w Glow" in bug.input


def test_data_behind_a_return_is_of_no_routine(tmp_path):
    code = f"{STATES}\n  dw $1234, $5678\n"
    (shown, *_) = of(made(tmp_path, lamp=code, ram=RAM), "asm_request")
    assert "$1234" not in shown.output


def test_a_label_at_a_return_is_no_table(tmp_path):
    rows = "Lamp_None:\n  RTL\n  dw $1234, $5678, $9ABC, $DEF0\n\n"
    heights = "Lamp_Heights:\n  dw $1234, $5678\n\n"
    title = "; The lamps of the tower, who lights them and when they go out\n"
    title = f"; {'=' * 40}\n{title}; {'=' * 40}\n\n"
    samples = made(tmp_path, lamp=f"{title}{STATES}\n{heights}{rows}{WICK}")
    (file,) = of(samples, "architecture_file")
    assert "Data tables: `Lamp_Heights`." in file.output


def test_an_operand_cut_to_one_byte_is_not_the_place_it_names(tmp_path):
    right = lamp("LDA.b #$20", "STA.w Key,X", "STZ.w Glow", "RTS")
    assert "sets `Key,X` to $20" in explained(tmp_path, right).replace("Sets", "sets")
    cut = right.replace("STA.w Key", "STA.b Key")
    samples = made(tmp_path, lamp=cut, ram=RAM)
    assert not [row for row in samples if "Key,X" in row.output]
    low = cut.replace("Key,X", "Low,X")
    ram = f"{RAM}Low = $7E00E0\n"
    samples = made(tmp_path, lamp=low, ram=ram)
    assert [row for row in samples if "Low,X" in row.output]


def test_a_macro_of_data_is_no_step(tmp_path):
    macro = "macro row(n)\n  dw <n>, $1234\nendmacro\n\n"
    code = lamp("%row($10)", "LDA.b #$05", "STA.w Oil", "STZ.w Glow", "RTS")
    samples = made(tmp_path, lamp=macro + code, ram=RAM)
    assert not [row for row in samples if "uns `%row" in row.output]
    runs = macro.replace("dw <n>, $1234", "LDA.b <n>")
    assert "Runs `%row($10)`" in explained(tmp_path, runs + code)


def test_the_condition_a_routine_stands_under_is_told(tmp_path):
    code = f"!PAL = 1\nif !PAL\n{STATES}endif\n"
    assert "line 4) (only if `!PAL`)" in explained(tmp_path, code)
    (request, *_) = of(made(tmp_path), "asm_request")
    assert "(only if `!PAL`)" in request.instruction


@pytest.mark.parametrize("said", ["If the oil is low", "that the lamp is out..."])
def test_half_of_a_remark_heads_no_step(tmp_path, said):
    code = lamp("LDA.w Oil", f"BEQ .out ; {said}", "STZ.w Glow", ".out", "RTS")
    told = explained(tmp_path, code)
    assert said.strip(".").lower() not in told.lower()
    whole = lamp("LDA.w Oil", "BEQ .out", f"STZ.w Glow ; {said}", ".out", "RTS")
    told = explained(tmp_path, whole.replace(said, "Then it goes out in the wind"))
    assert "Then it goes out in the wind: clears `Glow`" in told


def test_beside_the_codes_own_condition_no_other_is_told(tmp_path):
    code = lamp("LDA.w Oil ; Wait, if it is not lit", "BEQ .out", "STZ.w Glow", ".out")
    told = explained(tmp_path, code + "  RTS\n")
    assert "goes to `.out` if `Oil` is zero" in told.replace("Goes", "goes")
    assert "not lit" not in told


def test_an_index_that_is_loaded_before_a_branch_is_told_with_it(tmp_path):
    code = lamp(
        "LDY.w $0DE0,X",
        "LDA.w Oil",
        "BEQ .slow",
        "LDA.w .fast,Y",
        "STA.w Glow",
        "RTS",
        ".slow",
        "LDA.w .fast+4,Y",
        "STA.w Glow",
        "RTS",
        ".fast",
        "db $01, $02",
    )
    told = explained(tmp_path, code)
    assert "Sets Y to `$0DE0,X`, goes to `.slow` if `Oil` is zero" in told


def test_a_remark_at_the_first_push_is_about_the_whole_routine(tmp_path):
    code = lamp("PHB ; Used by the keeper and by the ghost", "STZ.w Glow", "PLB", "RTS")
    told = explained(tmp_path, code)
    lead = "of the tower at night. Used by the keeper and by the ghost."
    assert lead in told
    assert "ghost: " not in told


def test_a_patch_says_what_the_routine_does_that_it_leads_to(tmp_path):
    hook = "; The lamps of the first floor\norg $008000\n  JSL Lamp_Low\n\n"
    code = "Lamp_Low:\n  LDA.b #$05\n  STA.w Oil\n  STZ.w Glow\n  RTL\n"
    (sample,) = of(made(tmp_path, lamp=hook + code, ram=RAM), "asm_hook")
    assert (
        "hands over to `Lamp_Low` (`lamp.asm`):\n- Sets `Oil` to $05" in sample.output
    )


def test_a_line_of_a_disassemblers_listing_is_code():
    assert is_code("LampDraw:   B5 9E        LDA Oil,X      ; If the lamp is lit")
    assert not is_code("LampDraw: the lamp")


def test_two_files_that_each_write_what_they_read_are_no_trail(tmp_path):
    one = "Lamp:\n  LDA.w Oil\n  INC A\n  STA.w Oil\n  RTL\n"
    two = one.replace("Lamp", "Lantern")
    assert of(made(tmp_path, one=one, two=two, ram=RAM), "memory_trace") == []
    reads = "Lantern:\n  LDA.w Oil\n  STA.b $10\n  NOP\n  RTL\n"
    assert of(made(tmp_path, one=one, two=reads), "memory_trace")


def test_a_changed_line_loses_the_remark_on_what_it_was(tmp_path):
    code = lamp("LDA.b #$05 ; five", "STA.w Oil", "LDA.b #$07", "STA.w Glow", "RTS")
    (sample,) = of(made(tmp_path, lamp=code, ram=RAM), "asm_change")
    assert "five" in sample.input
    assert "LDA.b #$06\n" in sample.output
    assert "five" not in sample.output


def test_the_opening_of_a_file_and_the_end_of_a_region_are_no_meaning(tmp_path):
    opening = "; Each name is of two bytes unless it says\n; that it is of one byte\n"
    ram = (
        f"{opening}Oil = $7E0D90\n\n;;;\n;;; End of the low region of the lamps\n;;;\n"
    )
    samples = made(tmp_path, ram=f"{ram}Glow = $7E0D91\nWick = $7E0D92\n")
    assert not [row for row in samples if "unless" in row.output]
    assert not [row for row in samples if "low region" in row.output]


def test_a_header_about_flags_or_work_is_no_purpose_of_a_caller(tmp_path):
    fill = "Fill:\n  JSR Lamp_Low\n  STZ.w $0D94\n  NOP\n  RTS\n"
    low = "Lamp_Low:\n  LDA.b #$05\n  STA.w Oil ; oil for a night\n"
    low += "  STZ.w Glow ; no light yet\n  STZ.w $0D95 ; no moth comes\n  RTS\n"
    said = explained(tmp_path, f"; Fills the lamp with oil\n{fill}\n{low}", "Lamp_Low")
    assert "(Fills the lamp with oil)" in said
    for header in ("carry clear if it is lit, carry set if not", "TODO: Find its name"):
        samples = made(tmp_path, lamp=f"; {header}\n{fill}\n{low}", ram=RAM)
        rows = [row.output for row in of(samples, "asm_explanation")]
        assert not [row for row in rows if f"({header[:10]}" in row]


@pytest.mark.parametrize(
    ("cap", "kind", "share"),
    [(WHICH, "asm_which", 6), (NAMESPACES, "architecture_namespace", 4)],
)
def test_of_some_forms_no_more_than_a_share_is_kept(cap, kind, share):
    def sample(number: int, kind: str) -> TrainingSample:
        return TrainingSample(
            sample_id=f"{number}",
            instruction=f"Question {number}?",
            output=f"Answer {number}.",
            domain="asm",
            source="oracle",
            metadata={"provenance": {"kind": kind}},
        )

    others = [sample(n, "other") for n in range(600)]
    of_it = [sample(n, kind) for n in range(1000, 1300)]
    bugs = [sample(n, "asm_bug") for n in range(2000, 2300)]
    over = left_out(others + of_it + bugs, (cap, BUGS))
    assert len(over[cap.reason]) == 300 - 600 // (share - 1)
    assert len(over[BUGS.reason]) == 300 - 600 // 3
    alone = left_out(of_it, (cap, BUGS))
    assert len(alone[cap.reason]) == 300 - cap.always


LONG = lamp(
    "LDA.w Oil",
    "BEQ .out",
    "DEC.w Oil",
    "LDA.b #$05",
    "STA.w Glow",
    "JSR Wick",
    "STZ.w $0D95",
    ".out",
    "LDA.b #$07",
    "STA.w $0D94",
    "RTS",
)


def completed(folder: Path, code: str) -> list[TrainingSample]:
    """The questions for the rest of a routine, of routines with several names."""
    names = [f"Lamp_{letter}" for letter in "abcdefghi"]
    files = {name: code.replace("Lamp:", f"{name}:") for name in names}
    return of(made(folder, ram=RAM, **files), "asm_complete")


def test_the_rest_of_a_routine_is_asked_for_with_all_that_it_does(tmp_path):
    samples = completed(tmp_path, LONG)
    assert 1 <= len(samples) < 9
    for sample in samples:
        shown, rest = sample.input[7:-4], sample.output[7:-4]
        file = (tmp_path / sample.provenance["file"]).read_text()
        assert "".join(f"{shown}\n{rest}".split()) in "".join(file.split())
        assert "at `.out`: sets `$0D94` to $07" in sample.instruction
        assert sample.instruction.endswith("returns (RTS)")


@pytest.mark.parametrize("line", ["SEP #$20", "PLA", "TCD", "BRK #$00"])
def test_what_no_step_tells_forbids_to_ask_for_the_rest(tmp_path, line):
    assert completed(tmp_path, LONG.replace("  RTS", f"  {line}\n  RTS")) == []


def test_steps_that_leave_out_what_stops_the_code_are_not_told(tmp_path):
    waits = STATES.replace("  RTS", "  BRK #$00\n  RTS")
    assert "Steps:" in explained(tmp_path, STATES)
    samples = made(tmp_path, lamp=waits, ram=RAM)
    assert not [row for row in samples if "Steps:" in row.output]


def test_a_mistake_is_not_asked_for_where_its_line_stands_twice(tmp_path):
    code = lamp("LDA.w Oil", "BEQ .out", "LDA.w Glow", "BNE .out", "STZ.w Glow")
    code += ".out\n  STZ.w Oil\n  RTS\n"
    for bug in of(made(tmp_path, lamp=code, ram=RAM), "asm_bug"):
        wrong = bug.output.split("`")[1]
        assert bug.input.count(wrong) == 1


def test_a_block_that_is_closed_names_nothing_behind_it(tmp_path):
    low = "Lamp_Low:\n  LDA.b #$05\n  STA.w Oil ; oil for a night\n"
    low += "  STZ.w Glow ; no light yet\n  STZ.w $0D95 ; no moth comes\n  RTS\n"
    closed = "{ ;BA44\nHeights: db 1, 2\n}\n\n{\n  db 3\n  dw Lamp_Low, Lamp_Low\n}\n"
    told = explained(tmp_path, f"{closed}\n; Lights the lowest lamp\n{low}", "Lamp_Low")
    assert "Heights" not in told
    inside = closed.replace("}\n\n{\n", "")
    again = explained(
        tmp_path, f"{inside}\n; Lights the lowest lamp\n{low}", "Lamp_Low"
    )
    assert "Heights" in again


def test_fields_counted_from_nothing_are_no_addresses(tmp_path):
    struct = "struct Task {base}\n.timer: skip 1 ; frames until it wakes\n"
    struct += ".owner: skip 2 ; the routine that made it\nendstruct\n"
    code = lamp("LDA.w Task.timer,Y", "STA.w Oil", "STZ.w Glow", "RTS")
    for base, known in (("0", False), ("$7E0F00", True)):
        ram = RAM + struct.format(base=base)
        rows = of(made(tmp_path, lamp=code, ram=ram), "memory_name")
        assert any("Task.timer" in row.output for row in rows) is known


def test_the_end_of_a_range_is_no_meaning(tmp_path):
    ram = "Oil = $7E0D90;0D9F ;drops of oil, one byte a lamp\n"
    ram += "; = $0DA2 how often the moth came back\nGlow = $7E0DA4\nWick = $7E0DA5\n"
    samples = made(tmp_path, ram=ram)
    assert [row for row in samples if "rops of oil, one byte a lamp" in row.output]
    assert not [row for row in samples if "0D9F" in row.output + row.instruction]
    assert not [row for row in samples if "moth" in row.output]


def test_a_namespace_does_not_own_the_labels_of_a_longer_one(tmp_path):
    one = "namespace lamp\ncreate:\n  RTS\ndestroy:\n  RTS\nnamespace off\n"
    two = one.replace("lamp", "lamp_keeper")
    samples = of(made(tmp_path, one=f"{one}\n{two}"), "architecture_namespace")
    (sample,) = [row for row in samples if "`lamp`" in row.instruction]
    assert "`lamp_create`" in sample.output
    assert "lamp_keeper_create" not in sample.output


def test_a_define_with_its_mark_and_without_is_one_name(tmp_path):
    defines = "!Oil = $7E0D90 ; how many drops of oil are in the lamp\n"
    symbols = "Oil = !Oil ; how many drops of oil are in it\n"
    code = "incsrc defines.asm\nincsrc symbols.asm\n" + lamp("STZ.w !Oil", "RTS")
    samples = made(tmp_path, defines=defines, symbols=symbols, main=code)
    (sample,) = of(samples, "memory_address")
    assert "drops of oil" in sample.output
    assert "several names" not in sample.output


def test_what_is_said_of_a_routine_that_was_taken_out_is_not_of_the_next(tmp_path):
    old = "; Included in the cure of the blue lamp\n;LAMP_OLD:\n;  LDX $75\n;  RTL\n\n"
    lines = ["LDA.b #$05 ; oil for a night", "STA.w Oil", "STZ.w Glow ; no light yet"]
    code = lamp(*lines, "STZ.w $0D95 ; no moth comes", "RTS", header="")
    wick = WICK.replace("  RTS", "  JSR Lamp\n  RTS")
    assert "blue lamp" not in explained(tmp_path, f"{old}{code}{wick}")


def test_a_heading_above_an_empty_line_is_not_of_the_line_below(tmp_path):
    table = "; What the lamps of the tower look like, by their height\nLooks:\n"
    table += "  ; DE = mint\n\n  ; air, slope\n  dw $0000, $00DE ; the low ones\n"
    table += "  dw $0001, $00DF ; the high ones\n"
    samples = made(tmp_path, lamp=f"{STATES}\n{table}")
    assert not [row for row in samples if "mint, air" in row.output]
    assert not [row for row in samples if "mint air" in row.output]


def test_a_label_at_the_end_of_a_line_heads_what_stands_below(tmp_path):
    code = lamp("LDA.w Oil : BEQ +", "STZ.w Glow : +", "STZ.w $0D95", "RTS")
    told = explained(tmp_path, code)
    assert "clears `Glow`.\n- At `+`: clears `$0D95`" in told.replace(
        "Clears", "clears"
    )


def test_a_register_that_is_copied_for_a_call_is_told(tmp_path):
    code = lamp("LDY.b #$15", "LDA.w Oil", "BEQ +", "INY", "+ TYA", "LDY.b #$01")
    told = explained(tmp_path, code + "  JSR Wick\n  STZ.w Glow\n  RTS\n")
    assert "calls `Wick` with A = the earlier Y and Y = $01" in told


def test_a_condition_that_cannot_be_said_leaves_the_steps_out(tmp_path):
    code = lamp("LDA.w Oil", "ASL A", "BVC .out", "STA.w Glow", ".out", "RTS")
    samples = made(tmp_path, lamp=code, ram=RAM)
    assert not [row for row in samples if "on BVC" in row.instruction + row.output]


def test_a_page_with_one_instruction_that_is_gone_is_out_of_date(tmp_path):
    lines = (
        "LDA.w Oil : CMP.b #$05",
        "BCS .out",
        "STZ.w Glow",
        "INC.w Oil",
        ".out",
        "RTS",
    )
    docs = "# The lamps\n\n## Who lights them\n\nThe keeper of the tower does it."
    docs += "\n\n```asm\n{}```\n"
    for source in ("Lamp:\n", "; From lamp.asm\n"):
        for number, known in ((5, True), (6, False)):
            shown = source + "".join(f"  {line}\n" for line in lines)
            page = docs.format(shown.replace("#$05", f"#$0{number}"))
            (tmp_path / "tower.md").write_text(page)
            rows = made(tmp_path, lamp=lamp(*lines), ram=RAM)
            assert any("keeper of the tower" in row.output for row in rows) is known


def test_a_title_across_an_empty_line_is_of_no_routine_it_does_not_name(tmp_path):
    lines = ["LDA.b #$05 ; oil for a night", "STA.w Oil", "STZ.w Glow ; no light yet"]
    code = lamp(*lines, "STZ.w $0D95 ; no moth comes", "RTS", header="")
    wick = WICK.replace("  RTS", "  JSR Lamp\n  RTS")
    rain = "; Rain and thunder are the weather's own now\n\n"
    assert "thunder" not in explained(tmp_path, f"{rain}{code}{wick}")
    lamps = "; Fills a lamp and makes it dark\n\n"
    assert "Fills a lamp" in explained(tmp_path, f"{lamps}{code}{wick}")


def test_a_summary_that_breaks_off_is_none(tmp_path):
    fill = "Fill:\n  JSR Lamp_Low\n  STZ.w $0D94\n  NOP\n  RTS\n"
    low = "Lamp_Low:\n  LDA.b #$05\n  STA.w Oil ; oil for a night\n"
    low += "  STZ.w Glow ; no light yet\n  STZ.w $0D95 ; no moth comes\n  RTS\n"
    for said in ("Calls the routines that 1.", "Turns the wicks of the"):
        told = explained(tmp_path, f"; {said}\n{fill}\n{low}", "Lamp_Low")
        assert "(Calls" not in told
        assert "(Turns" not in told


def test_registers_in_the_bank_of_the_work_ram_are_no_names_of_it(tmp_path):
    struct = "struct PPU $7E2100\n.Display: skip 1\n.Sprites: skip 1\nendstruct\n"
    code = lamp("LDA.w Oil", "STA.l $7E2100,X", "STA.w PPU.Sprites", "RTS")
    assert "PPU.Display" not in explained(tmp_path, struct + code)


def test_what_is_pulled_again_is_told_in_its_order(tmp_path):
    pulls = lamp("PHB", "STZ.w Glow", "PLA", "PLB", "PLA", "PLA")
    told = explained(tmp_path, pulls + "  STA.w Oil\n  RTS\n")
    assert "pulls A, pulls the data bank, pulls A twice" in told.replace(
        "Pulls", "pulls"
    )


@pytest.mark.parametrize("bits", ["ab......", "sssnnbbb", "d..saaa."])
def test_the_letters_of_bits_stay_as_they_are(tmp_path, bits):
    ram = f"RDIO = $4213 ; {bits} where a is the light and b the bell\n"
    samples = made(tmp_path, ram=ram)
    shown = [row.output for row in samples if bits.lower() in row.output.lower()]
    assert shown
    assert all(bits in row for row in shown)


def test_a_table_that_is_not_there_is_not_told_as_behind_the_jump(tmp_path):
    code = lamp("LDA.w Oil", "STZ.w Glow", "INC.w Glow", "JSL JumpTable_Local")
    told = explained(tmp_path, code + "  dw Wick, Wick\n")
    assert "jumps through the table behind it" in told
    samples = made(tmp_path, lamp=code + "  RTS\n", ram=RAM)
    assert not [row for row in samples if "the table behind" in row.output]


def test_a_comment_that_says_unused_is_not_told_of_what_is_used(tmp_path):
    ram = "Wax = $7E0D99 ; completely unused since the lamp burns oil and not candles\n"
    idle = made(tmp_path, lamp=STATES, ram=RAM + ram)
    assert [row for row in idle if "completely unused" in row.output.lower()]
    code = STATES.replace("  RTS", "  STZ.w $0D99\n  RTS")
    used = made(tmp_path, lamp=code, ram=RAM + ram)
    assert not [row for row in used if "completely unused" in row.output.lower()]


def test_a_pool_belongs_to_the_routine_it_names(tmp_path):
    pool = "Moth:\n  STZ.w $0D97\n  RTS\n\n"
    pool += "pool Lamp_Main\n.rows\n  dw Low, Low\npool off\n"
    main = "Lamp_Main:\n  JSR (Lamp_Main_rows,X)\n  RTS\n"
    low = "; Lights the lowest lamp of all\nLow:\n  LDA.b #$05\n  STA.w Oil\n"
    told = explained(tmp_path, f"{pool}{main}{low}  STZ.w Glow\n  RTS\n", "Low")
    assert "`Lamp_Main` lists it" in told
    assert "Moth" not in told


def test_callers_without_a_label_are_told_of(tmp_path):
    wick = WICK.replace("  RTS", "  STZ.w Oil\n  STZ.w Glow\n  RTS")
    named = STATES.replace("  RTS", "  JSR Wick\n  RTS")
    told = explained(tmp_path, f"{named}\n{NAMELESS}\n{wick}", name="Wick")
    assert "Code without a label leads to it, too." in told
    patch = "org $008000\n  JML Lamp\n  JSR Wick\n"
    told = explained(tmp_path, f"{patch}\n{named}\n{wick}", name="Wick")
    assert "without a label" not in told


def test_a_sentence_does_not_end_at_an_example(tmp_path):
    fill = "Fill:\n  JSR Lamp_Low\n  STZ.w $0D94\n  NOP\n  RTS\n"
    low = "Lamp_Low:\n  LDA.b #$05\n  STA.w Oil ; oil for a night\n"
    low += "  STZ.w Glow ; no light yet\n  STZ.w $0D95 ; no moth comes\n  RTS\n"
    said = "; Fills all kinds of lamps (e.g. Lanterns of the gate)\n"
    told = explained(tmp_path, f"{said}{fill}\n{low}", "Lamp_Low")
    assert "(e.g. Lanterns of the gate)" in told


def test_a_page_with_lines_of_another_routine_is_out_of_date(tmp_path):
    lines = ("LDA.w Oil", "CMP.b #$05", "STZ.w Glow", "INC.w Oil", "RTS")
    wick = WICK.replace("  INC", "  DEC.w Glow\n  INC")
    docs = "# The lamps\n\n## Who lights them\n\nThe keeper of the tower does it."
    for line, known in (("INC.w Oil", True), ("DEC.w Glow", False)):
        code = "".join(f"  {one}\n" for one in (*lines[:3], line, "RTS"))
        (tmp_path / "tower.md").write_text(f"{docs}\n\n```asm\nLamp:\n{code}```\n")
        rows = made(tmp_path, lamp=lamp(*lines) + wick, ram=RAM)
        assert any("keeper of the tower" in row.output for row in rows) is known


def test_a_pull_is_not_left_out_where_another_would_take_its_value(tmp_path):
    one = lamp("PHX", "LDX.b #$05", "STX.w Oil", "STZ.w Glow", "PLX", "RTS")
    lost = of(made(tmp_path, lamp=one, ram=RAM), "asm_bug")
    assert any("on the stack, where RTS looks" in row.output for row in lost)
    two = one.replace("  PHX\n", "  PHY\n  PHX\n").replace("  PLX\n", "  PLX\n  PLY\n")
    both = of(made(tmp_path, lamp=two, ram=RAM), "asm_bug")
    assert not any("PHX leaves X on the stack" in row.output for row in both)


def test_an_entry_whose_remark_goes_on_below_is_told_without_it(tmp_path):
    table = "; What the lamps of the tower look like, by their height\nLooks:\n"
    table += "  dw $0000 ; the low ones\n"
    table += "  dw $0001 ; 92 -> the middle,\n           ; 93 -> END\n"
    samples = made(tmp_path, lamp=f"{STATES}\n{table}  dw $0002 ; the high ones\n")
    (shown,) = of(samples, "asm_table")
    assert "`dw $0000`: the low ones" in shown.output
    assert "END" not in shown.output


def test_a_routine_that_also_goes_on_elsewhere_is_said_to_do_so(tmp_path):
    code = lamp("LDA.w Oil", "BEQ .out", "STZ.w Glow", "JMP Wick", ".out", "RTS")
    told = explained(tmp_path, f"{code}{WICK}")
    assert "returns with RTS where it does not go on elsewhere." in told


def test_a_number_with_two_names_that_no_code_writes_has_none(tmp_path):
    one = "Moth = $7E0D94 ; how often the moth came back to the lamp\n"
    code = lamp("LDA.b #$05", "STA.w $0D94", "STZ.w Glow", "RTS")
    assert "writes `Moth`" in explained(tmp_path, code, names=one)
    two = "Bell = $7E0D94\n"
    assert "Moth" not in explained(tmp_path, code, names=one, others=two)


def test_code_of_another_processor_is_not_told(tmp_path):
    gsu = "; Sets the flag of the lamp that burns\nGlow_Set:\n  ibt r0,#$01\n"
    gsu += "  sms ($0102),r0\n  inc r1\n  dec r2\n  jmp r11\n  nop\n"
    samples = made(tmp_path, lamp=f"{STATES}\n{gsu}", ram=RAM)
    assert [row for row in samples if "Lamp" in row.output]
    assert not [row for row in samples if "Glow_Set" in row.output]


def test_a_nameless_label_that_another_routine_goes_to_is_not_of_this_one(tmp_path):
    one = lamp("LDA.w Oil", "BEQ +", "STZ.w Glow", "RTS")
    two = "Jump:\n  JMP Wick\n+\n  JSR Wick\n  INC.w Glow\n  RTS\n"
    wick = WICK.replace("  RTS", "  STZ.w Oil\n  STZ.w Glow\n  RTS")
    again = explained(tmp_path, f"{one}{two}{wick}", name="Wick")
    assert "`Jump` calls it" not in again


def test_code_to_write_is_asked_for_by_its_steps(tmp_path):
    lines = [
        "REP #$20",
        "STZ.w Oil",
        "SEP #$20",
        "LDA.b #$05",
        "STA.w Glow",
        "STZ.w Key",
    ]
    lines[1] += " ; no oil is left"
    lines[4] += " ; it glows a while"
    many = lamp(*lines, *["INC.w $0D95"] * 9, "RTS")
    (asked,) = of(made(tmp_path, lamp=many, ram=RAM), "asm_request")
    assert "Runs `REP #$20`" in asked.instruction
    assert "uns `SEP #$20`" in asked.instruction
    untold = many.replace("STZ.w Key", "XCE")
    assert of(made(tmp_path, lamp=untold, ram=RAM), "asm_request") == []
    short = lamp("LDA.b #$05", "STA.w Oil", "XCE", "RTS")
    (goal,) = of(made(tmp_path, lamp=short, ram=RAM), "asm_request")
    assert "Lights every lamp of the tower at night" in goal.instruction
