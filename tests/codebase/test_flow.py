"""What a routine is said to do must be what its instructions do,
for every way to go through it.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.asm.hardware import register_meaning
from afs_stages.asm.isa import MNEMONICS
from afs_stages.asm.lexer import lex
from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.facts.actions import Action
from afs_stages.codebase.facts.flow import table, walk

KEEPER = """\
; The keeper of the lamp
Keeper_Main:
{
  LDA.w KeeperState, X
  JSL JumpTableLocal
  dw Keeper_Wait
  dw Keeper_Walk
}

Keeper_Wait:
{
  LDA.w $0F04 : BEQ .dark ; no oil left
    LDA.b #$01 : STA.w KeeperState, X
  .dark
  LDA.b #$20 : JSL Sound_Play ; the sigh of the keeper
  RTS
}

Keeper_Walk:
  RTS
"""


def naming(name: str) -> str:
    return f"`{name}`"


def said(code: str) -> list[str]:
    steps = walk(tuple(lex(tuple(code.strip("\n").split("\n")))), naming)
    return [
        f"{act.verb} {act.what}{act.tail}".strip()
        for step in steps
        for act in step.acts
    ]


def test_constants_reach_what_is_stored_and_called():
    assert said(
        "LDA.b #$30 : STA.w SprTimer, X : STZ.w SprFrame, X\n"
        "LDA #$05 : LDY #$01 : JSL Spawn"
    ) == [
        "sets `SprTimer,X` to $30",
        "clears `SprFrame,X`",
        "calls `Spawn` with A = $05 and Y = $01",
    ]


def test_a_label_a_call_and_a_macro_forget_the_registers():
    assert said("LDA #$01\n.again\nSTA.w Flag") == ["sets A to $01", "writes `Flag`"]
    assert said("LDA #$01 : JSR Other : STA.w Flag") == [
        "calls `Other` with A = $01",
        "stores A left by `Other` in `Flag`",
    ]
    assert said("LDA #$01\n%Change()\nSTA.w Flag") == [
        "runs `%Change()`",
        "writes `Flag`",
    ]
    assert said("LDA #$01\n%Change()\nROL A : STA.w Flag")[1:] == ["writes `Flag`"]


def test_conditions_name_what_is_tested():
    assert said("LDA.w State : CMP.b #$04 : BNE .other") == [
        "goes to `.other` if `State` is not $04"
    ]
    assert said("LDA.b $F4 : AND.b #$40 : BEQ .none") == [
        "goes to `.none` if no bit of $40 is set in `$F4`"
    ]
    assert said("JSL Check : BCC .gone") == [
        "calls `Check`",
        "goes to `.gone` if `Check` returns with the carry clear",
    ]
    assert said("LDA.w State : CMP.b #$04 : BCS +") == [
        "skips ahead to `+` if `State` is $04 or more"
    ]
    assert said("%Change()\nSED : BVS .odd")[1:] == ["goes to `.odd` on BVS"]


def test_local_labels_belong_to_the_label_above():
    code = (
        "First:\n.done\nRTS\nSecond:\nLDA.w State : BNE .done\nMVN $2B, $7E\n.done\nRTS"
    )
    assert said(code) == [
        "returns",
        "goes to `.done` if `State` is not zero",
        "moves a block of bytes (`MVN $2B, $7E`)",
        "returns",
    ]


def test_a_number_behind_a_branch_is_a_distance():
    assert said("LDA.w State : BEQ $0F") == ["skips $0F bytes if `State` is zero"]
    assert said("BRA $04") == ["skips $04 bytes"]


def test_loops_sums_and_returns():
    assert said("LDX #$0F\n.next\nSTZ.w Slot, X\nDEX : BPL .next\nSEC : RTS") == [
        "sets X to $0F",
        "clears `Slot,X`",
        "counts down X",
        "goes back to `.next` as long as X is not negative",
        "returns with the carry set",
    ]
    assert said("LDA.w Oil : SEC : SBC.w #$0004 : STA.w Oil") == [
        "subtracts $0004 from `Oil`"
    ]
    assert said("LDA.w Oil : SBC.w #$0004 : STA.w Oil") == [
        "sets `Oil` to `Oil` minus $0004 minus the borrow"
    ]


def test_a_jump_table_has_its_entries_in_order():
    code = "LDA.w Action, X\nJSL JumpTableLocal\ndw First, Second\ndw Third\nNext:\n"
    assert table(tuple(lex(tuple(code.split("\n")))), naming) == (
        "`Action,X`",
        ["First", "Second", "Third"],
    )


def test_registers_are_described_where_they_are():
    assert "VRAM" in register_meaning(0x2116)
    assert "channel 3" in register_meaning(0x4332)
    assert register_meaning(0x2200) == ""


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(MNEMONICS)),
            st.sampled_from(["", "#$01", "$20", "X", "(", ".a", "+"]),
        )
    )
)
def test_nothing_stops_the_walk(pairs: list[tuple[str, str]]):
    lines = tuple(lex(tuple(f"{word} {rest}" for word, rest in pairs)))
    assert all(
        isinstance(act, Action) and act.verb
        for step in walk(lines, naming)
        for act in step.acts
    )


def test_an_explanation_tells_each_step_and_where_a_jump_table_leads(tmp_path: Path):
    (tmp_path / "ram.asm").write_text(
        "KeeperState = $7E0D80 ; which action the keeper is in\nOil = $7E0F04\n"
    )
    (tmp_path / "keeper.asm").write_text(KEEPER)
    made = list(OracleTrainingGenerator(oracle_path=tmp_path).generate())
    (sample,) = [
        s
        for s in made
        if s.provenance["kind"] == "asm_explanation" and "Keeper_Wait" in s.instruction
    ]
    assert sample.output == (
        "`Keeper_Wait` (`keeper.asm`, line 10) is entry 0 ($00) of the jump table in "
        "`Keeper_Main` (The keeper of the lamp), chosen by `KeeperState,X`.\n\n"
        "Steps:\n"
        "- No oil left: goes to `.dark` if `$0F04` (Oil) is zero.\n"
        "- Sets `KeeperState,X` to $01 (so `Keeper_Walk` is next).\n"
        "- At `.dark`: The sigh of the keeper: calls `Sound_Play` with A = $20.\n\n"
        "Data:\n- writes `KeeperState,X` ($7E0D80,X): "
        "Which action the keeper is in.\n\n"
        "The caller's X chooses `KeeperState,X`. It returns with RTS."
    )


def test_what_a_routine_returns_or_carries_to_another_place_is_said():
    assert said("LDA.b #$00 : RTL") == ["returns with A = $00"]
    assert said("LDA.b $3B : AND.b #$10 : RTL") == ["returns with A = `$3B` AND $10"]
    assert said("LDA.w Damage, X : RTL") == ["returns with A = `Damage,X`"]
    assert said("LDA.l Apples : JMP .draw") == ["goes on at `.draw` with A = `Apples`"]
    assert said("LDA.b #$01 : STA.w Flag : RTS") == ["sets `Flag` to $01", "returns"]


def test_what_was_stored_before_is_not_given_to_the_next_call():
    assert said("LDA.b #$10 : STA.w Sound : JSL LoadAmbient") == [
        "sets `Sound` to $10",
        "calls `LoadAmbient`",
    ]


def test_a_bare_address_is_called_by_the_name_behind_it():
    assert said("JSL $0DBB7C ; SFX_QueuePan") == ["calls `$0DBB7C` (`SFX_QueuePan`)"]
    assert said("JML $08F820 ; Hook_Check too_far") == [
        "goes to `$08F820` (`Hook_Check` too_far)"
    ]
    assert said("JSL $0DBB7C ; a quiet sound") == ["calls `$0DBB7C`"]


def test_a_copy_between_two_slots_of_one_array_is_said():
    assert said("LDA.w SprX, X : STA.w SprX, Y") == ["copies `SprX,X` to `SprX,Y`"]
    assert said("LDA.l Story : INC A : STA.l Story") == ["adds 1 to `Story`"]
    assert said("LDA.w Page : AND.w #$00FF : BEQ .last") == [
        "goes to `.last` if no bit of $00FF is set in `Page`"
    ]
    assert said("JSR (.states, X)") == ["calls through the table `.states`"]


def test_a_jump_to_an_anonymous_label_is_told():
    assert said("JSR Draw\nJMP +\nSTZ.w Flag\n+\nRTS") == [
        "calls `Draw`",
        "goes on at `+`",
        "clears `Flag`",
        "returns",
    ]


def test_bits_that_shifts_and_sets_touch_are_named():
    assert said("LDA.b $F4\nLSR : BCS .right\nLSR : BCS .left") == [
        "goes to `.right` if bit 0 of `$F4` is set",
        "goes to `.left` if bit 1 of `$F4` is set",
    ]
    assert said("LDA $0A : TSB $0343") == ["sets the bits of `$0A` in `$0343`"]
