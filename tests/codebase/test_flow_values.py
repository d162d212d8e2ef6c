"""Values a routine computes, saves, indexes with and carries from place to place are
told as what they are.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.asm.lexer import lex
from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.facts.flow import walk


def quoted(word: str) -> str:
    return f"`{word}`"


def said(code: str, name: str = "", entered: frozenset[str] = frozenset()) -> list[str]:
    steps = walk(
        tuple(lex(tuple(code.strip("\n").split("\n")))),
        quoted,
        name,
        entered,
    )
    return [
        f"{act.verb} {act.what}{act.tail}".strip()
        for step in steps
        for act in step.acts
    ]


def labels(code: str) -> list[str]:
    return [
        step.label
        for step in walk(tuple(lex(tuple(code.split("\n")))), lambda word: f"`{word}`")
    ]


def test_what_is_saved_on_the_stack_and_restored_is_no_result():
    assert said("LDA.w Oil : PHA\nLDA.b #$05 : STA.w Oil\nPLA : STA.w Oil\nRTS") == [
        "sets `Oil` to $05",
        "restores `Oil`",
        "returns",
    ]
    assert said("PHX\nLDX.w Keeper\nSTZ.w Slot, X\nPLX\nSTZ.w Slot, X") == [
        "clears `Slot,X` (with X = `Keeper`)",
        "clears `Slot,X`",
    ]
    assert said(".bell\nPLA : STA.w Oil") == [
        "pulls A",
        "stores the pulled A in `Oil`",
    ]


def test_what_this_code_has_not_pushed_is_pulled_and_no_more_is_said():
    assert said("LDA.w Oil : BNE .out\nPLA : PLA\n.out\nRTS") == [
        "goes to `.out` if `Oil` is not zero",
        "pulls A",
        "pulls A",
        "returns",
    ]
    # PHB stands in the code that jumps here
    assert said("STZ.w Oil\nPLB : RTL") == [
        "clears `Oil`",
        "pulls the data bank",
        "returns",
    ]
    assert said("PEA.w $7E7E\nPLB : PLB\nRTL") == ["returns"]


def test_half_of_what_was_pushed_is_not_it():
    code = "REP #$20\nLDA.w Oil : PHA\nSEP #$20\nPLA : STA.w Wick"
    assert said(code) == ["pulls A", "stores the pulled A in `Wick`"]
    assert said(code.replace("PHA", "PHA : PHP").replace("PLA", "PLP : PLA")) == [
        "copies `Oil` to `Wick`"
    ]


def test_a_rotation_says_which_bit_comes_in():
    assert said("LDA.w Oil : STA.w Wick\nASL : ROR.w Wick") == [
        "copies `Oil` to `Wick`",
        "shifts `Wick` right by one bit, with the top bit of `Oil` coming in",
    ]
    assert said("ASL.w Low : ROL.w High") == [
        "shifts `Low` left by one bit",
        "shifts `High` left by one bit, "
        "with the top bit of the earlier `Low` coming in",
    ]
    assert said("CLC : ROL.w High") == [
        "shifts `High` left by one bit, with a clear bit coming in"
    ]
    assert said("LDA.w Oil : ASL : CMP.b #$05 : ROL.w High")[-1] == (
        "shifts `High` left by one bit, with the carry coming in"
    )


def test_the_carry_is_asked_about_what_it_came_from():
    assert said("LDA.w Oil : SEC : SBC.w Wick : BCS .on") == [
        "goes to `.on` with A = `Oil` minus `Wick` if `Oil` is `Wick` or more"
    ]
    assert said("LDA.w Oil : CMP.b #$05 : LDA.w Wick : BCC .on") == [
        "goes to `.on` with A = `Wick` if `Oil` is below $05"
    ]
    assert said("LDA.w Oil : CLC : ADC.b #$05 : STA.w Oil : BCC .on") == [
        "adds $05 to `Oil`",
        "goes to `.on` if the addition does not carry over",
    ]


def test_an_index_that_is_counted_is_told_first():
    assert said("LDX.w Block,Y\nINX\nINX\nJSR Write") == [
        "sets X to `Block,Y`",
        "counts up X",
        "counts up X",
        "calls `Write`",
    ]


def test_a_register_in_another_one_is_the_earlier_where_it_has_changed():
    assert said("TXA : ASL : LDX.w Ptr : STA.w Slot,X") == [
        "sets `Slot,X` (with X = `Ptr`) to the earlier X times 2"
    ]


def test_counting_is_told_at_its_own_line():
    steps = walk(tuple(lex(("LDX.w Block", "INX", "LDA #$04", "JSR Write"))), quoted)
    assert [step.line for step in steps] == [2, 2, 4]


def test_an_index_the_called_routine_keeps_is_told_by_who_set_it():
    lines = tuple(lex(("JSL Spawn", "JSL Place", "TYA : STA.w Child")))
    steps = walk(lines, quoted, kept=lambda name: {"y"} if name == "Place" else set())
    assert [act.what for step in steps for act in step.acts][-1] == "Y left by `Spawn`"


def test_bytes_that_are_swapped_twice_are_as_they_were():
    code = "LDA.w Oil : XBA : STA.w Wick : XBA : STA.w Lamp"
    assert said(f"REP #$20 : {code}") == [
        "sets `Wick` to `Oil` with its bytes swapped",
        "sets `Lamp` to `Oil`",
    ]
    # of 8 bits A is the other half, which nobody has told
    assert (
        said(f"SEP #$20 : {code}") == said(code) == ["writes `Wick`", "writes `Lamp`"]
    )


def test_a_choice_of_the_assembler_is_a_version():
    code = ("if !PAL", "STZ.w Oil", "else", "STZ.w Wick", "endif", "RTS")
    steps = list(walk(tuple(lex(code)), quoted))
    assert [step.version for step in steps] == [
        "`!PAL`",
        "not `!PAL`",
        "",
    ]


def test_an_index_that_is_set_before_a_branch_is_told_there():
    code = "LDX.w #$0010 : LDA.w Oil : BEQ .out\nINX\n.out\nSTX.w Wick"
    assert said(code)[:2] == ["sets X to $0010", "goes to `.out` if `Oil` is zero"]


def test_masks_sums_and_shifts_of_a_computed_value_are_told():
    assert said("LDA.w Oil : CLC : ADC.b #$02 : AND.b #$3F : STA.w Wick") == [
        "sets `Wick` to (`Oil` plus $02) AND $3F"
    ]
    assert said("LDA.w Oil : ASL #2 : STA.w Wick") == ["sets `Wick` to `Oil` times 4"]
    assert said("LDA.w Oil : LSR : STA.w Wick") == ["sets `Wick` to `Oil` divided by 2"]
    assert said("LDA.w Oil : EOR.b #$FF : INC : STA.w Wick") == [
        "sets `Wick` to (`Oil` XOR $FF) plus 1"
    ]
    assert said("LDA.w Oil : CLC : ADC.b #$10 : RTL") == [
        "returns with A = `Oil` plus $10"
    ]
    assert said("LDA.w Oil : ASL #$04 : STA.w Wick") == [
        "sets `Wick` to `Oil` times 16"
    ]
    assert said("LDA.w Oil : INC #2 : STA.w Wick") == ["sets `Wick` to `Oil` plus 2"]
    assert said("ASL.w Oil") == ["shifts `Oil` left by one bit"]


def test_a_variable_that_changed_is_no_longer_what_was_read_from_it():
    assert said("LDA.w Oil : TAY : INC.w Oil : STY.w Wick") == [
        "counts up `Oil`",
        "sets `Wick` to the earlier `Oil`",
    ]


def test_what_a_call_leaves_in_a_register_is_told_by_the_call():
    assert said("JSL Spawn : TYA : STA.w Child") == [
        "calls `Spawn`",
        "stores Y left by `Spawn` in `Child`",
    ]
    assert said("JSL Random : AND.b #$03 : STA.w Way") == [
        "calls `Random`",
        "sets `Way` to A left by `Random` AND $03",
    ]
    assert said("JSL Distance : CMP.b #$18 : BCS .far") == [
        "calls `Distance`",
        "goes to `.far` if A left by `Distance` is $18 or more",
    ]


def test_what_a_routine_is_given_is_told_as_given():
    assert said("PHA\nLDA.w Oil : BNE .out\nPLA : AND.b #$80 : RTL") == [
        "goes to `.out` if `Oil` is not zero",
        "returns with A = A on entry AND $80",
    ]
    assert said("LDY.w Child : JSL Random : TYA : STA.w Way") == [
        "calls `Random` with Y = `Child`",
        "stores Y left by `Random` in `Way`",
    ]


def test_an_index_says_whose_slot_it_is():
    assert said("LDY.w Child : LDA.w State, Y : BEQ .gone") == [
        "goes to `.gone` if `State,Y` (with Y = `Child`) is zero"
    ]
    assert said("LDA.w .rooms, X : STA.b $A0") == ["copies `.rooms,X` to `$A0`"]
    assert said("LDX.w Child : JSL Setup") == ["calls `Setup` with X = `Child`"]


def test_bits_are_tested_by_bit():
    assert said("LDA.b $F6 : BIT.b #$40 : BEQ .none") == [
        "goes to `.none` if no bit of $40 is set in `$F6`"
    ]
    assert said("BIT.b $3A : BMI .held") == [
        "goes to `.held` if the top bit of `$3A` is set"
    ]
    assert said("BIT.b $3A : BVC .free") == [
        "goes to `.free` if the second highest bit of `$3A` is clear"
    ]


def test_where_paths_meet_only_what_they_agree_on_is_known():
    kept = "LDA.w Oil : CMP.b #$04 : BNE +\nSTZ.w Wick\n+\nCMP.b #$08 : BEQ .full"
    assert said(kept)[-1] == "goes to `.full` if `Oil` is $08"
    lost = "LDA.w Oil : CMP.b #$04 : BNE +\nLDA.b #$01\n+\nSTA.w Wick"
    assert said(lost) == [
        "skips ahead to `+` if `Oil` is not $04",
        "sets A to $01",
        "writes `Wick`",
    ]


def test_a_label_others_come_to_knows_nothing():
    code = "LDA.w Oil : BEQ .dark\nSTZ.w Wick\n.dark\nSTA.w Lamp"
    assert said(code, "Keeper")[-1] == "copies `Oil` to `Lamp`"
    assert said(code, "Keeper", frozenset({"Keeper_dark"}))[-1] == "writes `Lamp`"
    assert (
        said("dw .dark\nLDA.w Oil : BEQ .dark\n.dark\nSTA.w Lamp", "Keeper")[-1]
        == "writes `Lamp`"
    )


def test_the_carry_that_only_one_path_sets_is_told_before_they_meet():
    assert said("LDA.w Oil : BEQ .out\nCLC\n.out\nRTL") == [
        "goes to `.out` if `Oil` is zero",
        "clears the carry",
        "returns",
    ]
    assert said("SEC\nBRA .out") == ["goes on at `.out` with the carry set"]


def test_counting_that_no_loop_tells_is_told():
    assert said("LDX #$10\n.next\nDEX\nLDA.w Slot, X : BEQ .next\nINY : RTS") == [
        "sets X to $10",
        "counts down X",
        "goes back to `.next` if `Slot,X` is zero",
        "counts up Y",
        "returns",
    ]
    assert said("INX #2 : CPX #$1C : BCC .more")[:2] == ["counts up X", "counts up X"]
    assert said(".next\nSTZ.w Slot, X\nDEX : DEX : BPL .next") == [
        "clears `Slot,X`",
        "counts down X",
        "counts down X",
        "goes back to `.next` as long as X is not negative",
    ]


def test_two_labels_at_one_place_are_both_named():
    assert labels("STZ.w Oil\n.dark\n.out\nSTZ.w Wick") == ["", ".dark` and `.out"]


def test_a_macro_call_over_lines_is_one():
    assert said("%JumpTable(First,\n           Second)") == [
        "runs `%JumpTable(First, Second)`"
    ]


def explained(tmp_path: Path, code: str) -> str:
    (tmp_path / "lamp.asm").write_text(
        "LampState = $7E0D80 ; State of the lamp\nLampOil = $7E0D90 ; Oil left\n" + code
    )
    made = OracleTrainingGenerator(oracle_path=tmp_path).generate()
    (output,) = [s.output for s in made if s.provenance["kind"] == "asm_explanation"]
    return output


def test_a_doubt_of_the_author_is_no_remark_and_two_remarks_join(tmp_path):
    code = "; Lights the lamp of the tower at night\nLamp_Light:\n{\n"
    code += "  LDA.b #$01 : STA.w LampState ; the burning one maybe?\n"
    code += (
        "  ; how much oil is left\n  LDA.w LampOil\n  CMP.b #$04 : BEQ .low ; "
        "a last warning\n"
    )
    code += "  STZ.w LampOil\n  .low\n  RTL\n}\n"
    output = explained(tmp_path, code)
    assert "maybe" not in output
    assert (
        "- How much oil is left; a last warning: goes to `.low` if `LampOil` is $04."
        in output
    )


def test_a_request_spells_out_the_data_and_the_entries_it_needs(tmp_path):
    code = (
        "Lamp_Turn:\n{\n  LDA.w .speeds, X : STA.w LampState ; the lamp turns\n"
        "  JSL Sound_Play\n"
    )
    code += (
        "  STZ.w LampOil ; it burns out\n  JSL Sound_Stop\n  RTL\n  .speeds\n"
        "  db 4, 8\n}\n"
    )
    code += "Lamp_User:\n{\n  JSL Lamp_Turn\n  RTL\n}\n"
    (tmp_path / "lamp.asm").write_text(
        "LampState = $7E0D80 ; State of the lamp\nLampOil = $7E0D90 ; Oil left\n" + code
    )
    made = OracleTrainingGenerator(oracle_path=tmp_path).generate()
    (question,) = [s.instruction for s in made if s.provenance["kind"] == "asm_request"]
    assert (
        "Its data: `.speeds` is `db 4, 8`.\n\nThe caller's X chooses `.speeds,X`."
        in question
    )


def test_what_stands_between_two_labels_is_told_at_the_first():
    assert labels(
        "LDA.w Oil : BNE .out\n.out\nLDX #$3E\n.loop\nSTZ.w Slot, X\n"
        "DEX : BPL .loop\nRTS"
    )[:3] == [
        "",
        ".out",
        ".loop",
    ]
