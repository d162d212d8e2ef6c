"""A comment is told of what it stands for: a block, a patch, a group, and not of the
first line near it.
"""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase.facts.project import summary
from afs_stages.codebase.read import comments
from afs_stages.codebase.read.parser import parse
from afs_stages.codebase.read.routines import blocks
from afs_stages.codebase.read.tree import TextFile
from tests.codebase.test_true_names import told


def comments_of(code: str) -> dict[str, str]:
    file = parse(TextFile("ram.asm", tuple(code.splitlines())), [])
    return {equate.name: equate.comment for equate in file.equates}


def test_a_text_over_several_variables_is_the_meaning_of_none():
    code = (
        "ScrollS = $10   ; The upper edge is always two more than the lower in\n"
        "ScrollW = $12   ; the caves of the mountain.\n"
        "Lamps = $14     ; How many lamps are lit.\n"
    )
    found = comments_of(code)
    assert found == {"ScrollS": "", "ScrollW": "", "Lamps": "How many lamps are lit."}


def test_what_is_said_of_a_range_is_said_of_no_variable_in_it():
    code = (
        "DoorX = $7EC140   ; $7EC140-$7EC171 Kept while the door opens\n"
        "DoorY = $7EC142   ; Taken from the first edition.\n"
        "DoorZ = $7EC144\n"
    )
    assert set(comments_of(code).values()) == {""}


def test_a_comment_that_heads_what_follows_is_not_the_end_of_the_one_above():
    code = (
        "Dice = $10       ; Pointers to dice\n"
        "                 ; The network block begins here, see the tower\n"
        "Inbox = $12\n"
    )
    assert comments_of(code)["Dice"] == "Pointers to dice"


def test_the_second_text_of_a_box_is_no_section():
    code = (
        ";======\n; Put no variable of the tower or of its lamps into this space\n"
        ";------\n; It breaks the lamps\n;======\nLamps = $7E1000 ; How many are lit\n"
    )
    (equate,) = parse(TextFile("ram.asm", tuple(code.splitlines())), []).equates
    assert equate.section == ""


def test_a_remark_on_the_first_patch_is_no_title_of_the_file():
    patch = "; Harm of the lava\norg $8DE37C\n  NOP\n"
    assert parse(TextFile("a.asm", tuple(patch.splitlines())), []).title == ""
    titled = "; Harm of the lava\n\norg $8DE37C\n  NOP\n"
    file = parse(TextFile("a.asm", tuple(titled.splitlines())), [])
    assert file.title == "Harm of the lava"


def test_the_comment_of_the_first_constant_names_no_group(tmp_path: Path):
    code = (
        "; --- Properties of the lamps ---\n\n"
        "; tile of an empty lamp\n!EmptyTile = $38\n\n"
        "; size of the file of lamps\n!FileSize = 143\n"
    )
    assert "for “tile of an empty lamp”" not in told(tmp_path, code)


def test_calls_between_files_are_counted_in_every_routine_and_patch(tmp_path: Path):
    called = "".join(
        f"; Lights the lamp number {n} of the tower\nLight{n}:\n  INC $0D72\n  RTL\n\n"
        for n in range(14)
    )
    long = "Night:\n" + "  NOP\n" * 150
    long += "".join(f"  JSL Light{n}\n" for n in range(13))
    code = f"incsrc lamps.asm\n{long}  RTL\norg $048000\n  JSL Light13\n"
    found = told(tmp_path, code, lamps=called)
    assert "calls or jumps to 14 routine(s) of `lamps.asm`" in found
    assert "\n- and 2 more." in found


def test_a_word_that_heads_a_list_is_no_label():
    legend = ["; lights a lamp", ";   row: of the tower", "; side:", ';   "left": west']
    said = comments.prose(legend)
    assert said.splitlines()[1:] == ["  row: of the tower", "side:", '  "left": west']
    off = ["; lights a lamp", "; Lamp_Off:", ";   STZ Lamp"]
    assert comments.prose(off) == "lights a lamp"


def test_a_legend_below_a_label_is_about_the_routine():
    code = (
        ";;; $8338: Light a lamp - the red one ;;;\n"
        "Lamp_Light:\n;; Parameters:\n;;     X: which lamp\n"
        "  STA.w $0D90,X\n  STZ.w $0D91 ; the keeper sleeps\n  RTL\n"
    )
    (block,) = blocks(parse(TextFile("lamp.asm", tuple(code.splitlines())), []))
    assert block.header.splitlines()[1:] == ["Parameters:", "  X: which lamp"]
    assert [said for _, said in block.notes] == ["the keeper sleeps"]
    assert summary(block) == "Light a lamp - the red one."


def test_what_may_head_the_next_block_is_told_of_neither_side():
    code = (
        "Dice = $10       ; Pointers to dice.\n"
        "                 ; See the network block, which begins here\n"
        "Inbox = $12      ; Letters of others\n"
        "Shadow = $14     ; The flag of before. Tells of changes.\n"
        "                 ; Tower Block ($7F50D0 - $7F51FF)\n"
        "Keys = $16\n"
    )
    file = parse(TextFile("ram.asm", tuple(code.splitlines())), [])
    said = [(equate.comment, equate.header) for equate in file.equates]
    assert said == [
        ("Pointers to dice.", ""),
        ("Letters of others", ""),
        ("The flag of before. Tells of changes.", ""),
        ("", ""),
    ]


def test_a_place_that_was_switched_off_is_no_comment():
    code = ";Scratch = $7E0224   ; 0x5C bytes of free ram\nStack = $7E0226 ; Pointer\n"
    (equate,) = parse(TextFile("ram.asm", tuple(code.splitlines())), []).equates
    assert equate.header == ""


def test_a_word_on_these_of_the_line_above_is_one_text_with_it():
    code = (
        "ScrollA = $10   ; Tower scroll registers\n"
        "ScrollB = $12   ; At night, these registers are used for the moon.\n"
        "Lamps = $14     ; How many lamps are lit.\n"
    )
    said = ["", "", "How many lamps are lit."]
    assert list(comments_of(code).values()) == said


def test_a_layout_of_bits_stays_letter_for_letter():
    code = (
        "Keys = $10      ; k k k k c c c c (packed integers)\n"
        "                ; k = Keys | c = Chests opened\n"
        "Clock = $12     ; 2 bytes, the second is zero\n"
        "                ; ---- --dn\n"
        "                ; d - done\n"
    )
    said = comments_of(code)
    assert said["Keys"].startswith("k k k k c c c c (packed integers)\nk = Keys")
    assert comments.capital(said["Keys"]) == said["Keys"]
    assert said["Clock"] == "2 bytes, the second is zero\n---- --dn\nd - done"


def test_what_letters_stand_for_is_no_end_of_the_line_above():
    lines = [
        "; LAMPS THAT ARE LIT",
        "; $420B w1 fvha",
        "; hgfedcba",
        "; a - first lamp",
    ]
    said = comments.prose(lines)
    assert said == "LAMPS THAT ARE LIT\n$420B w1 fvha\nhgfedcba\na - first lamp"
