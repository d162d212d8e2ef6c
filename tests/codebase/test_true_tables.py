"""An entry of a table is told whole, and a comment above entries for all of them."""

from __future__ import annotations

from tests.codebase.test_true_names import told

READER = "\nTower_Night:\n  LDA Lamps,X : STA $0D72\n  RTL\n"


def test_a_legend_above_the_first_line_is_no_remark_on_it(tmp_path):
    code = (
        "; How bright each lamp of the tower burns at night\nLamps:\n"
        "; $01 - a small lamp\n; $03 - a large lamp\n  db $01, $03\n  db $03, $01\n"
    )
    found = told(tmp_path, code + READER)
    assert "$01 - a small lamp" in found.split("```")[-1]
    assert "`db $01, $03`:" not in found


def test_a_comment_between_entries_heads_those_below_it(tmp_path):
    code = (
        "; Colours of the lamps of the tower\nLamps:\n; Lamps that are red\n"
        "  db $40, $A1\n  db $3A, $A1\n; Lamps that are blue\n  db $40, $21\n"
    )
    found = told(tmp_path, code + READER)
    assert "- 2 lines: Lamps that are red\n- 1 line: Lamps that are blue" in found


def test_lines_without_a_remark_are_counted(tmp_path):
    code = (
        "; Colours of the lamps of the tower\nLamps:\n  db $40 ; the lower lamp\n"
        "  db $41\n  db $42 ; the upper lamp\n"
    )
    assert "It has 3 lines of data. What is said of them:" in told(
        tmp_path, code + READER
    )


def test_a_list_of_names_alone_is_not_told(tmp_path):
    code = "; Steps that the great lamp of the tower takes all night\nLamps:\n"
    alone = "".join(f"  dw Step{n}\n" for n in range(4))
    counted = "".join(f"  dw $0004,Step{n}\n" for n in range(4))
    for entries in (alone, counted):
        found = told(tmp_path, code + entries + READER)
        assert "in the data table `Lamps`" not in found


def test_a_title_alone_does_not_explain_records_of_bytes_and_words(tmp_path):
    title = "; How the great lamp of the tower is drawn at night\nLamps:\n"
    entries = {"  dw $0001\n  db $FF,$00\n": False, "  db $01\n  db $FF\n": True}
    for data, is_told in entries.items():
        found = told(tmp_path, title + data + READER)
        assert ("`Lamps` (`" in found) is is_told, data


def test_a_column_of_addresses_is_no_remark(tmp_path):
    code = (
        "; Colours of the lamps of the tower ;;;\nLamps:\n"
        "  db $40 ;84B233;\n  db $41 ;84B234; the middle lamp\n"
        "  db $42 ;84B235; the upper lamp\n"
    )
    found = told(tmp_path, code + READER).split("```")[-1]
    assert "`db $41`: the middle lamp\n- `db $42`: the upper lamp" in found
    assert ";;;" not in found
    assert "84B23" not in found


def test_memory_that_is_set_aside_is_no_part_of_the_table_above(tmp_path):
    code = (
        "; Which lamps of the tower burn at the start of the game\nLamps:\n"
        "  db $40 ; the lower lamp\n  db $41 ; the upper lamp\n"
        "Doors: skip 1 ; which doors are open\n"
    )
    found = told(tmp_path, code + READER)
    assert "the upper lamp" in found
    assert "Doors: skip" not in found


def test_a_condition_that_is_not_closed_is_no_part_of_a_table(tmp_path):
    code = (
        "; Which lamps of the tower burn at the start of the game\nLamps:\n"
        "  db $40 ; the lower lamp\n  db $41 ; the upper lamp\n\nif !DAY\n"
        "Doors:\n  db $01\nendif\n"
    )
    found = told(tmp_path, code + READER)
    assert "`db $41`: the upper lamp" in found
    assert "if !DAY" not in found
