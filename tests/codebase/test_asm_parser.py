"""The parser reads asar's language, reports what it cannot read, and never stops."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.asm.lexer import lex, split_comment, statements
from afs_stages.codebase.read.expression import evaluate
from afs_stages.codebase.read.parser import parse
from afs_stages.codebase.read.program import read_program
from afs_stages.codebase.read.tree import Problem, TextFile, Tree


def parsed(text: str) -> tuple:
    problems: list[Problem] = []
    return parse(TextFile("main.asm", tuple(text.split("\n"))), problems), problems


def program(tmp_path, **files: str):
    names = {name.replace("__", "/") + ".asm": text for name, text in files.items()}
    tree = Tree(
        tmp_path,
        [
            TextFile(name, tuple(text.split("\n")))
            for name, text in sorted(names.items())
        ],
    )
    return read_program(tree), tree.problems


def test_a_comment_starts_outside_quotes():
    assert split_comment('db "a;b" ; text') == ('db "a;b"', "; text")
    assert split_comment("LDA.b #';' ; x") == ("LDA.b #';'", "; x")


def test_statements_are_separated_by_spaced_colons():
    words = [(s.word, s.rest) for s in statements("LDA.b #$01 : STA.w Thing, X : RTS")]
    assert words == [("lda.b", "#$01"), ("sta.w", "Thing, X"), ("rts", "")]


@pytest.mark.parametrize(
    ("code", "labels", "word"),
    [
        ("Name: RTS", ("Name",), "rts"),
        (".loop LDA $00", (".loop",), "lda"),
        ("..deep: NOP", ("..deep",), "nop"),
        ("+ RTS", ("+",), "rts"),
        ("-- BRA --", ("--",), "bra"),
        ("#Global: NOP", ("#Global",), "nop"),
        ("?local: NOP", ("?local",), "nop"),
        (".0_Params: skip 1", (".0_Params",), "skip"),
    ],
)
def test_every_kind_of_label(code, labels, word):
    (statement,) = statements(code)
    assert (statement.labels, statement.word) == (labels, word)


def test_block_comments_hold_no_code():
    lines = lex((";[[ start", "LDA $00", "]] end", "RTS"))
    assert [bool(line.statements) for line in lines] == [False, False, False, True]


def test_namespaces_macros_structs_and_conditions():
    file, problems = parsed(
        "namespace Tide\nUpdate:\n  RTS\nnamespace off\n"
        "; waits a frame\nmacro wait(n)\n  LDA.b #<n>\nendmacro\n"
        "struct Row $7E0100\n  .Id: skip 1 ; who\n  .Pos: skip 2\nendstruct\n"
        'if !DEBUG == 1\n  incsrc "debug.asm"\nelse\n  incsrc "plain.asm"\nendif\n'
    )
    assert problems == []
    assert [label.name for label in file.labels] == ["Tide_Update"]
    assert [(macro.name, macro.params, macro.header) for macro in file.macros] == [
        ("wait", "n", "waits a frame")
    ]
    (struct,) = file.structs
    laid_out = struct.laid_out(lambda name: None)
    assert [(field.name, at, field.comment) for field, at in laid_out] == [
        ("Id", 0, "who"),
        ("Pos", 1, ""),
    ]
    assert [include.condition for include in file.includes] == [
        "`!DEBUG == 1`",
        "not `!DEBUG == 1`",
    ]


def test_hook_tags_above_and_behind_an_org():
    file, _ = parsed(
        "; @hook module=Menu name=Open\norg $00F800\n  JSL Menu_Open\n"
        "org $00F900 ; @hook kind=patch\n"
    )
    assert [org.tags for org in file.orgs] == [
        (("hook", "module=Menu name=Open"),),
        (("hook", "kind=patch"),),
    ]


def test_what_is_not_understood_is_reported_by_line():
    _, problems = parsed("LDA $00\nfrobnicate the thing\n}\nmacro broken\nif 1\n")
    assert [(p.line, p.reason) for p in problems] == [
        (2, "not_understood"),
        (3, "unopened_brace"),
        (4, "not_understood"),
        (6, "unclosed_if"),
    ]


def test_addresses_of_equates_bases_skips_structs_and_data(tmp_path):
    found, problems = program(
        tmp_path,
        ram=(
            "Base = $7E0F00\nNext = Base+$10\nFar = Next*2-Next\n"
            "base $7E0730\nOne: skip 1\nTwo: skip 2\nThree: skip Size\nFour: skip 1\n"
            "base off\nSize = 4\n"
            "org $2B8000\nTable: dw 1, 2, 3\nAfter: db 0\nCode: LDA $00\nUnknown: RTS\n"
            "struct Oam $7E0200\n .X: skip 1\n .Y: skip 1\nendstruct\n"
        ),
    )
    assert problems == []
    values = {name: found.symbols[name][0].value for name in found.symbols}
    assert values == {
        "Base": 0x7E0F00,
        "Next": 0x7E0F10,
        "Far": 0x7E0F10,
        "One": 0x7E0730,
        "Two": 0x7E0731,
        "Three": 0x7E0733,
        "Four": 0x7E0737,
        "Size": 4,
        "Table": 0x2B8000,
        "After": 0x2B8006,
        "Code": 0x2B8007,
        "Oam.X": 0x7E0200,
        "Oam.Y": 0x7E0201,
    }


def test_address_marks_of_a_disassembly_are_addresses_and_no_labels(tmp_path):
    found, problems = program(
        tmp_path,
        bank="Start:\n#_008000: SEI\n#_008001: STZ.w $4200\n\nNext:\n#_008004: RTS\n",
    )
    assert problems == []
    assert {name: group[0].value for name, group in found.symbols.items()} == {
        "Start": 0x8000,
        "Next": 0x8004,
    }


def test_circular_defines_and_includes_end(tmp_path):
    found, problems = program(
        tmp_path, a='incsrc "b.asm"\nX = Y\n', b='incsrc "a.asm"\nY = X\n'
    )
    assert found.value("X") is None
    assert {p.reason for p in problems} == {"circular_include"}


def test_a_missing_include_is_reported(tmp_path):
    _, problems = program(tmp_path, a='incsrc "nowhere.asm"\n')
    assert [(p.file, p.line, p.reason) for p in problems] == [
        ("a.asm", 1, "include_not_found")
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$10+2*3", 22),
        ("(2+3)*4", 20),
        ("%1010|1", 11),
        ("1<<4", 16),
        ("-1+2", 1),
        ("8/0", None),
        ("(1", None),
        ("", None),
    ],
)
def test_expressions(text, value):
    assert evaluate(text, lambda name: None) == value


@settings(max_examples=50, deadline=None)
@given(
    st.text(alphabet="$%()+-*/<>&|^~ 0123456789abcXYZ_.!;:{}\"'#,=\n@\\", max_size=400)
)
def test_any_text_is_read_to_its_end(text):
    file, _ = parsed(text)
    assert len(file.lines) == text.count("\n") + 1
    for line in text.split("\n"):
        evaluate(line, lambda name: 1)
