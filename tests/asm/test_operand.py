"""An operand is taken apart the same way everywhere, and no text stops the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afs_stages.asm.operand import read_operand


@pytest.mark.parametrize(
    ("written", "mode", "base", "index", "text"),
    [
        ("$2e,x", "direct", "$2e", "X", "$2E,X"),
        ("Table, Y", "direct", "Table", "Y", "Table,Y"),
        ("($00),y", "indirect", "$00", "Y", "($00),Y"),
        ("[$00]", "long", "$00", "", "[$00]"),
        ("#$20", "immediate", "$20", "", "#$20"),
        ("$4300|!offset,x", "direct", "$4300|!offset", "X", "$4300|!offset,X"),
        ("(2+3)*4,x", "direct", "(2+3)*4", "X", "(2+3)*4,X"),
    ],
)
def test_base_and_index_are_told_apart(written, mode, base, index, text):
    operand = read_operand(written)
    assert (operand.mode, operand.base, operand.index) == (mode, base, index)
    assert operand.text == text


def test_indexes_inside_brackets_are_inner():
    assert read_operand("(Table,x)").inner == "X"
    assert read_operand("($01,s),y").inner == "S"
    assert read_operand("($01,s),y").index == "Y"


def test_an_expression_is_no_place():
    assert read_operand("$4300|$70,x").place == ""
    assert read_operand("Table+1,X").place == ""
    assert read_operand("$7e0da0,X").place == "$7E0DA0"


@given(st.text(alphabet="$#()[],;XYSxys01A+-|~!.<>@ ", max_size=14))
def test_any_text_is_an_operand(text):
    operand = read_operand(text)
    assert isinstance(operand.text, str)
    assert operand.literal is None or operand.literal >= 0
