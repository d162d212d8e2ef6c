"""What an answer adds to the code its question shows."""

from __future__ import annotations

from collections import defaultdict

from afs_stages.codebase import OracleTrainingGenerator
from tests.codebase.test_true_facts import explained, made, routine


def kinds(tmp_path, code):
    """Kind -> the samples of one file of code."""
    found = defaultdict(list)
    for sample in made(tmp_path, code)[0]:
        found[sample.provenance["kind"]].append(sample)
    return found


def test_a_question_shows_no_comment_that_its_answer_tells(tmp_path):
    code = (
        "org $018000 ; The lamp burns longer than it did\n"
        "  ; until the morning\n  LDA #$05 ; five hours\n  STA.w LampOil\n\n"
        "; Colours of the lamps of the tower\nLamps:\n  ; at night\n"
        "  db $40 ; the lower lamp\n  db $41 ; the upper lamp\n"
        "\nTower_Night:\n  LDA.w LampOil : ASL : TAX\n"
        "  LDA.w Lamps,X : STA $0D72\n  RTL\n"
    )
    found = kinds(tmp_path, code)
    (hook,), (table,) = found["asm_hook"], found["asm_table"]
    assert hook.input == "```asm\norg $018000\n  LDA #$05\n  STA.w LampOil\n```"
    assert "five hours" in hook.output
    assert table.input == "```asm\nLamps:\n  db $40\n  db $41\n```"
    way = "LDA.w LampOil : ASL : TAX : LDA.w Lamps,X"
    assert f"How it is read:\n- `Tower_Night`: `{way}`" in table.output


def test_a_pull_is_told_with_its_push(tmp_path):
    body = ("PLA", "PHP : SEI", "PEA.w $4040 : PLB", "LDA.w LampOil : BEQ .out")
    output = explained(tmp_path, *body, "STZ.b $2E", ".out", "PLB : PLP", "RTL")
    assert (
        "Pulls A, pushes the status flags, disables interrupts, "
        "pushes `$4040` (`PEA`), pulls the data bank" in output
    )
    kept = explained(tmp_path, "PHP", *body[3:], "STZ.b $2E", ".out", "PLP", "RTL")
    assert "the status flags and returns" in kept
    assert "ushes" not in kept


def test_flags_that_are_set_by_hand_are_told(tmp_path):
    body = ("PHP : SEP #$41", "JSL Lamp_Burn", "PLP", "LDA.w LampOil : SEC")
    output = explained(tmp_path, *body, "JML $008000")
    assert "Pushes the status flags, runs `SEP #$41`, calls `Lamp_Burn`" in output
    assert "pulls the status flags" in output
    assert "goes to `$008000` with A = `LampOil` and the carry set" in output


def test_the_low_byte_of_two_registers_is_told_as_both(tmp_path):
    output = explained(tmp_path, "LDA.w LampOil : STA.w $2116", "STZ.b $2E", "RTL")
    assert "the VRAM word address (the low byte; 16 bits reach $2117 too)" in output


def test_every_name_of_a_place_is_told(tmp_path):
    code = "LampGlow = $7E0DA0 ; How bright the lamp of the tower burns\n"
    code += "!LampGlow = $7E0DA0\nTideSpeed = $7E0DA0\n"
    found = kinds(tmp_path, code)
    for kind in ("memory_name", "memory_address"):
        (answer,) = [s.output for s in found[kind] if "LampGlow" in s.output]
        assert answer.removesuffix(".").endswith("`TideSpeed`")


def test_a_place_of_the_sound_cpu_is_no_other_name_of_work_ram(tmp_path):
    code = "LampGlow = $7E0067 ; How bright the lamp of the tower burns\n"
    (tmp_path / "ram.asm").write_text(f"{code}ORG $000067\nSoundStep: skip 1\n")
    samples = OracleTrainingGenerator(oracle_path=tmp_path).generate()
    outputs = [sample.output for sample in samples]
    assert any("`LampGlow` is at $7E0067" in output for output in outputs)
    assert not any("SoundStep" in output for output in outputs)


def test_a_title_of_several_routines_is_not_the_task_of_the_first(tmp_path):
    code = routine("LDA.w LampOil : BEQ .out", "STZ.b $2E", ".out", "RTL")
    title = "; Harbour routines.\n;\n; When a boat comes in, its crew is counted\n"
    group = code.replace("; Lights every lamp of the tower at night\n", title)
    assert not [s for s in made(tmp_path, group)[0] if "boat" in s.output]


def test_where_code_has_to_stand_is_not_what_it_does(tmp_path):
    notes = (
        "; List this first since the tower is small\n;\n",
        "; This routine can live anywhere in the tower\n;\n",
        "; see !LAMPS at top of file\n",
    )
    code = routine("LDA.w LampOil : BEQ .out", "STZ.b $2E", ".out", "RTL")
    (sample,) = kinds(tmp_path, "".join(notes) + code)["asm_explanation"]
    assert "): Lights every lamp of the tower at night.\n" in sample.output
    ram = "LampWick = $7E0DA0 ; !LAMPS+$5D ; How long the wick of the lamp is\n"
    (named,) = [s for s in kinds(tmp_path, ram)["memory_name"] if "Wick" in s.output]
    assert "LAMPS" not in named.output


def test_a_patch_whose_call_is_commented_out_is_not_told(tmp_path):
    code = "org $018000 ; Hands the lamp over to its keeper\n{}NOP #4\n\n"
    made_of, dropped = made(tmp_path, code.format(";!c JML Lamp_Keeper\n"))
    assert dropped["patch_switched_off"] == 1
    assert not [s for s in made_of if s.provenance["kind"] == "asm_hook"]
    code = "org $018000 ; The lamp burns all night\n;autoclean JSL Lamp_Light\n"
    body = routine("LDA.b #$05 : STA.w LampOil", "RTL")
    (hook,) = kinds(tmp_path, f"{code}JML Lamp_Light\n{body}")["asm_hook"]
    assert "autoclean" not in hook.output


def test_a_bracket_beside_a_patch_is_told_whole(tmp_path):
    code = (
        "if !LIT == 1 ; \\  This hook lets the great lamp\n"
        "org $018000 ;  | burn all night while the keeper is asleep.\n"
        "  LDA #$05 ;  |\n  STA.w LampOil ; /\nendif ; /\n"
    )
    (hook,) = kinds(tmp_path, code)["asm_hook"]
    said = "This hook lets the great lamp burn all night while the keeper is asleep."
    assert f"$018000 (only if `!LIT == 1`). {said}" in hook.output
    assert hook.output.count("burn") == 1
