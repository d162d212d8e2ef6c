"""The table assembler: what it accepts, what it refuses, what it leaves open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.asm.lexer import parse
from afs_stages.asm.opcode_table import assemble, fault, matrix


def test_matrix_is_whole() -> None:
    assert len(matrix()) == 92
    assert sum(len(modes) for modes in matrix().values()) >= 256


@pytest.mark.parametrize(
    "line",
    [
        "LDA.b #$12",
        "STA.w $0DD0,X",
        "LDA ($12),y",
        "LDA [$12],Y",
        "LDA ($01,S),Y",
        "JMP (Table,X)",
        "JML [$1234]",
        "INC",
        "INC A",
        "ASL #3",
        "PEI ($12)",
        "MVN $7E,$7F",
        "BRA .x\n.x",
        "LDA.l $7EF340,X",
        "REP #$30",
        "XBA",
        "LDA Name+1,X : STA.w Other",
        "- : DEX : BNE -",
        "%macro(1, 2)",
        "!x = 3 : LDA #!x",
        "db $01, $02",
        "BRK",
        "%call(\n  A,\n  B)",
    ],
)
def test_accepts(line: str) -> None:
    assert assemble(line).state != "error", assemble(line).errors


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("LDQ #$12", "unknown mnemonic"),
        ("STA #$12", "addressing mode"),
        ("LDA ($12),x", "addressing mode"),
        ("LDA 0x12", "malformed number"),
        ("LDA #$12,,x", "malformed operand"),
        ("LDA (($12),y", "unbalanced"),
        ("STX $1234,y", "addressing mode"),
        ("LDA.q $12", "unknown size"),
        ("BNE .gone", "wasn't found"),
        ("BRA +", "wasn't found"),
        ("PHA #$12", "addressing mode"),
        ("mov eax, ebx", "unknown mnemonic"),
        ("LDA $12G4", "malformed number"),
        ("JSR ($12),y", "addressing mode"),
    ],
)
def test_refuses(line: str, why: str) -> None:
    result = assemble(f"Start:\n{line}\nRTS")
    assert result.state == "error"
    assert why in result.errors[0]


def test_outside_names_are_stubs_unless_known() -> None:
    code = "JSL Sprite_Draw\nLDA.w SprTimer,X\nRTS"
    assert (assemble(code).state, assemble(code).stubs) == ("stubs", 2)
    assert assemble(code, frozenset({"Sprite_Draw", "SprTimer"})).state == "ok"


def test_errors_name_their_line() -> None:
    assert assemble("NOP\nNOP\nFOO #1").errors == ("line 3: unknown mnemonic FOO",)


def test_comment_and_separator() -> None:
    names = [
        statement.name
        for statement in parse('.a LDA $12 : STA $13 ; BAD : STUFF\nprint "a;b" : RTS')
    ]
    assert names == [".a", "LDA", "STA", "print", "RTS"]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert assemble(text).state in ("ok", "stubs", "error")


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(sorted(matrix())),
    st.sampled_from(["", "b", "w", "l"]),
    st.text("$#(),[]xyXYsA0123456789", max_size=8),
)
def test_fault_is_a_pure_text(name: str, size: str, operand: str) -> None:
    assert fault(name, size, operand) == fault(name, size, operand)


def test_lone_braces_are_nothing() -> None:
    assert assemble("Lamp_Out:\n{\n  STZ.w $0D90\n  RTS\n}\n").state == "ok"
