"""What an answer adds to the code its question shows."""

from __future__ import annotations

from collections import defaultdict

from tests.codebase.test_true_facts import explained, made


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
    assert f"It is read by an index:\n- `Tower_Night`: `{way}`" in table.output


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
