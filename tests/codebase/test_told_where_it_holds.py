"""What is told of a routine is told of its own code, on the paths and in the versions
in which it holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.judge.balance import NAMESPACES, WHICH, left_out
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
    whole = explained(tmp_path, code.replace(said, "If it is low, wait"))
    assert "If it is low, wait: " in whole


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
    assert "goes to `.slow` with Y = `$0DE0,X` if `Oil` is zero" in told.replace(
        "Goes", "goes"
    )


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

    others = [sample(n, "other") for n in range(100)]
    of_it = [sample(n, kind) for n in range(100, 160)]
    assert len(left_out(others + of_it, cap)) == 60 - 100 // (share - 1)
