"""What is found of a routine holds on every path through it."""

from __future__ import annotations

import pytest

from afs_stages.asm.control_flow import ControlFlow, follow
from afs_stages.asm.lexer import lex


def flow(code: str, macros: dict[str, str] | None = None) -> ControlFlow:
    def statements(text: str):
        lines = lex(tuple(text.strip("\n").split("\n")))
        found = [s for line in lines for s in line.statements]
        return [s for s in found if s.word or s.labels]

    def expand(call):
        text = (macros or {}).get(call.word.partition("(")[0])
        return None if text is None else statements(text)

    return follow(statements(code), expand)


def test_what_every_exit_restores_is_saved():
    code = "PHX : PHY\nLDX #$05 : LDY #$02\nLDA Oil : BEQ .out\nSTZ Oil\n.out\n"
    assert flow(code + "PLY : PLX\nRTS").saves == ("x", "y")


def test_an_exit_that_restores_nothing_undoes_the_claim():
    code = "PHX\nLDX #$05\nLDA Oil : BEQ .out\nPLX\nRTS\n.out\nPLA\nRTS"
    assert flow(code).saves == ()


def test_pulled_into_another_register_is_not_restored():
    assert flow("PHX\nLDX #$05\nPLY\nRTS").saves == ()


def test_changed_after_the_pull_is_not_restored():
    assert flow("PHA\nLDA #$05 : STA Oil\nPLA\nINC A\nRTS").saves == ()


def test_the_upper_half_of_a_is_lost_where_only_the_lower_was_pushed():
    code = "SEP #$20\nPHA\nREP #$20\nLDA #$1234 : STA Oil\nSEP #$20\nPLA\nRTS"
    assert flow(code).saves == ()
    assert flow("SEP #$20\nPHA\nLDA #$12 : STA Oil\nPLA\nRTS").saves == ("a",)


def test_narrow_index_registers_lose_their_upper_halves():
    assert flow("SEP #$10\nPHX\nLDX #$12\nPLX\nRTS").saves == ()
    assert flow("PHX\nPHP\nSEP #$10\nLDX #$12\nPLP\nPLX\nRTS").saves == ("x",)


def test_the_data_bank_is_restored_across_a_call():
    code = "PHB : PHK : PLB\nJSR Work\nPLB\nRTL"
    assert flow(code).saves == ("b",)


def test_a_jump_away_is_an_exit_that_restores_nothing_known():
    code = "PHX\nLDX #$05\nLDA Oil : BEQ .out\nPLX\nRTS\n.out\nPLX\nJMP Elsewhere"
    assert flow(code).saves == ()


def test_both_ways_of_a_condition_of_the_assembler_count():
    code = "PHX\nLDX #$01\nif !LIT == 1\nPLX\nelse\nPLA\nendif\nRTS"
    assert flow(code).saves == ()
    same = "PHX\nLDX #$01\nif !LIT == 1\nPLX\nelse\nSTZ Oil\nPLX\nendif\nRTS"
    assert flow(same).saves == ("x",)


def test_a_macro_is_what_it_stands_for():
    code = "%save()\nLDX #$05\n%back()\nRTS"
    assert flow(code, {"%save": "PHX", "%back": "PLX"}).saves == ("x",)
    assert not flow(code).whole
    assert flow(code).saves == ()


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("REP #$20\nLDA Oil\nRTS", "m=16"),
        ("PHP : PHB : PHK : PLB\nREP #$20\nLDA Oil\nRTS", "m=16"),
        ("LDA Oil : BEQ .out\nREP #$20\nSTA Oil\n.out\nRTS", ""),
        ("LDA Oil : BEQ .out\nREP #$20\nRTS\n.out\nREP #$20\nRTS", ""),
        ("STZ Oil\nREP #$20\nRTS", ""),
        ("JSR Work\nREP #$20\nRTS", ""),
        ("REP #$20\nSEP #$10\nLDA Oil\nREP #$10\nRTS", "m=16 x=8"),
        ("SEP #$30\nRTS", "m=8 x=8"),
        ("REP #$01\nLDA Oil\nRTS", ""),
    ],
)
def test_a_width_is_first_only_where_no_path_works_before_it(code, first):
    assert flow(code).first_widths == first


def test_a_loop_that_pushes_ends():
    assert flow(".more\nPHA\nBRA .more").exits == []
    assert flow(".more\nPHA\nLDA Oil : BNE .more\nRTS").saves == ()


def test_data_behind_a_call_is_a_table_and_no_way_back():
    code = "PHB : PHK : PLB\nLDA State : JSL Jumps\ndw First, Second"
    assert flow(code).saves == ()
    assert [e.kind for e in flow(code).exits] == ["jump"]


def test_an_index_the_caller_sets_is_given():
    assert flow("LDA Slot,X : STA Oil\nRTS").index_given == ("X",)
    assert flow("LDX #$05\nLDA Slot,X : STA Oil\nRTS").index_given == ()
    assert flow("JSR Work\nLDA Slot,X : STA Oil\nRTS").index_given == ()
    assert flow("LDA (Pointer),Y\nRTS").index_given == ("Y",)


def test_a_pulled_return_address_is_no_saved_register():
    assert flow("PLA : PLA\nRTS").saves == ()


def test_a_branch_to_a_local_label_that_is_not_here_is_cut():
    assert flow("LDA Oil : BEQ .out\nRTS").leaves == ("cut",)
    assert flow("LDA Oil : BEQ +\nRTS").leaves == ("cut",)
    assert flow("LDA Oil : BEQ .out\nRTS\n.out\nSTZ Oil").leaves == ("fall",)
    assert flow("LDA Oil\nJMP Elsewhere").leaves == ("jump",)


def test_an_index_is_untouched_where_every_return_finds_it_as_it_came():
    assert flow("LDA Slot,Y : STA Oil\nRTS").untouched == {"x", "y"}
    assert flow("PHX\nLDX #$05\nPLX\nRTS").untouched == {"x", "y"}
    assert flow("INY\nRTS").untouched == {"x"}
    assert flow("JSR Work\nRTS").untouched == set()
    assert flow("LDA Oil\nJMP Elsewhere").untouched == set()
