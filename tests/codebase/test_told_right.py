"""Docs that the code disputes, comments that are sentences of their own, and overviews
that tell all they say.
"""

from __future__ import annotations

from support.lamps import BODY, HEADER, NAMES, TOLD, made, told_of


def test_rows_that_say_of_an_address_what_the_code_does_not_are_not_taught(tmp_path):
    ram = (
        "LampOil = $7E0D90 ; Oil that is left for the night\nLampState = $7E0D80 ; "
        "State of the lamp in the tower\n"
    )
    page = "# Tower\n\n| Address | Meaning |\n|---|---|\n"
    page += "| $0D90,X | Height of the cliff above the northern harbour in steps |\n"
    page += "| $0D80,X | Which state each lamp of the tower is in tonight |\n"
    samples, _ = made(tmp_path, ram_asm=ram, docs__tower_md=page)
    assert not told_of(samples, "cliff")
    assert told_of(samples, "Which state each lamp")


def test_a_line_that_begins_a_clause_is_a_sentence_of_its_own(tmp_path):
    ram = (
        "; Oil that is left in the lamp\n; when it is out, the keeper of the tower "
        "wakes up and fills the lamp\n"
    )
    ram += "; reset at dawn\nLampOil = $7E0D90\n"
    samples, _ = made(tmp_path, ram_asm=ram)
    assert (
        "in the lamp. When it is out, the keeper of the tower wakes up and fills the "
        "lamp. Reset at dawn." in samples[0]
    )


def test_remarks_on_how_code_might_be_better_are_taken_out(tmp_path):
    page = (
        f"# Tower\n\n## The lamp\n\n- {TOLD * 2}\n"
        "- **Hardcoded values:** Named constants would improve it.\n"
    )
    (sample,) = made(tmp_path, docs__tower_md=page)[0]
    assert "constants" not in sample


def test_a_page_that_quotes_what_a_routine_no_longer_says_is_left_out(tmp_path):
    code = f"Lamp_Light:\n{{\n{BODY}}}\n"
    page = f"# Tower\n\n## The lamp\n\n{TOLD}\n\n```asm\n{{}}```\n"
    samples, dropped = made(
        tmp_path, lamp_asm=NAMES + code, docs__tower_md=page.format(code)
    )
    assert "code_out_of_date" not in dropped
    assert told_of(samples, "counts the boats")
    other = code.replace("LampState", "LampFlame").replace("LampOil", "LampWick")
    samples, dropped = made(
        tmp_path, lamp_asm=NAMES + code, docs__tower_md=page.format(other)
    )
    assert dropped["code_out_of_date"] == 1
    assert not told_of(samples, "counts the boats")


def test_bank_rows_whose_file_is_not_in_that_bank_are_not_taught(tmp_path):
    page = "# Tower\n\n| Bank | What is kept in it | File |\n|---|---|---|\n"
    page += "| $34 | The lamps of the tower and their oil | lamp.asm |\n"
    page += "| $35 | The bells of the tower and their ropes | lamp.asm |\n"
    samples, _ = made(
        tmp_path,
        lamp_asm=f"org $348000\n{NAMES}\n{HEADER}Lamp_Light:\n{{\n{BODY}}}\n",
        docs__tower_md=page,
    )
    assert told_of(samples, "The lamps of the tower and their oil")
    assert not told_of(samples, "The bells of the tower")


def test_an_overview_is_asked_for_by_the_title_of_its_page(tmp_path):
    samples, _ = made(
        tmp_path, docs__tower_md=f"# The Tower\n\n## Overview\n\n{TOLD * 2}\n"
    )
    (question,) = [sample.split("\n")[0] for sample in samples]
    assert "“The Tower”" in question
    assert ": overview" not in question


def test_a_file_whose_opening_and_routines_say_nothing_has_no_overview(tmp_path):
    code = "; The Lamp\n\n" + "".join(
        f"Lamp_{name}:\n{{\n  STZ.w $0D10\n  RTL\n}}\n\n"
        for name in ("On", "Off", "Dim")
    )
    _, dropped = made(tmp_path, lamp_asm=code)
    assert "file_without_purpose" not in dropped, (
        "a title of two words is no opening at all"
    )
    _, dropped = made(tmp_path, lamp_asm="; The four lamps of the harbour\n\n" + code)
    assert dropped["file_without_purpose"] == 1


def test_patches_need_a_third_whose_purpose_is_known(tmp_path):
    hooks = (
        "".join(f"org $00890{n}\n  JSL Lamp_{n}\n  NOP\n\n" for n in range(2))
        + "org $308000\n"
    )
    lamps = "".join(f"Lamp_{n}:\n{{\n  STZ.w $0D1{n}\n  RTL\n}}\n\n" for n in range(2))
    _, dropped = made(tmp_path, lamp_asm=hooks + lamps)
    assert dropped["patches_without_purpose"] == 1
    samples, dropped = made(tmp_path, lamp_asm=hooks + HEADER + lamps)
    assert "patches_without_purpose" not in dropped
    assert told_of(samples, "- $008900 → `Lamp_0` (JSL): Lights the lamp of the tower")


def test_a_legend_of_values_is_told_whole_or_not_at_all(tmp_path):
    ram = "LampMode = $7E0D80 ; 0: dark all night 1: lit at dusk 2: lit all night\n"
    samples, _ = made(
        tmp_path,
        lamp_asm=ram
        + f"{HEADER}Lamp_Light:\n{{\n{BODY.replace('LampState', 'LampMode')}}}\n",
    )
    assert told_of(
        samples,
        "- writes `LampMode` ($7E0D80): 0: dark all night; 1: lit at dusk; 2: "
        "lit all night.",
    )


def test_a_row_that_names_an_address_as_no_source_file_does_is_not_taught(tmp_path):
    page = "# Tower\n\n| Address | Name | Meaning |\n|---|---|---|\n"
    page += "| $0D80 | LampState | Which state the lamp of the tower is in |\n"
    page += "| $0D90 | LampDrops | How much oil is left for the night |\n"
    samples, _ = made(tmp_path, lamp_asm=NAMES, docs__tower_md=page)
    assert told_of(samples, "LampState")
    assert not told_of(samples, "LampDrops")


def test_who_made_a_file_is_not_what_it_is_for(tmp_path):
    code = (
        "; The lamps of the tower, lit at dusk and put out at dawn. "
        f"Written by Ada\n\n{NAMES}\n"
        + "".join(
            f"Lamp_{name}:\n{{\n  STZ.w $0D10\n  RTL\n}}\n\n"
            for name in ("On", "Off", "Dim")
        )
    )
    told = told_of(made(tmp_path, lamp_asm=code)[0], "lit at dusk")
    assert told
    assert not told_of(told, "Ada")


def test_a_comment_above_several_names_says_so(tmp_path):
    names = ["LampEdgeN", "LampEdgeNH", "LampEdgeS", "LampEdgeSH"]
    ram = "; Where the light of the lamp ends in each direction\n"
    ram += "".join(f"{name} = $7E0D{n}0\n" for n, name in enumerate(names))
    ram += "\n; Drops of oil for the night\nLampOil = $7E0D90\nLampOilH = $7E0D91\n"
    samples, _ = made(tmp_path, ram_asm=ram)
    told = [sample for sample in samples if "Where the light" in sample]
    assert len(told) == 2
    assert all(
        "also covers `LampEdgeNH`, `LampEdgeS` and `LampEdgeSH`." in sample
        for sample in told
    )
    assert [sample for sample in samples if "also covers `LampOilH`" in sample]


def test_a_flag_nobody_tests_is_said_to_be_so(tmp_path):
    ram = (
        "StoryLampLit = $7EF3D0 ; Story flag of the lamp in the tower, "
        "set when it burns\n"
    )
    code = (
        f"{ram}\n{HEADER}Lamp_Light:\n{{\n  LDA.b #$01 : STA.l StoryLampLit\n"
        f"  JSL Sound_Play\n  NOP\n  RTL\n}}\n"
    )
    test = (
        "\nLamp_Look:\n{\n  LDA.l StoryLampLit : BEQ .out\n  JSL Sound_Play\n"
        "  .out\n  RTL\n}\n"
    )
    (flag,) = [
        sample for sample in made(tmp_path, lamp_asm=code)[0] if "Written in" in sample
    ]
    assert flag.endswith("- No instruction tests it by its name or address.")
    (flag,) = [
        sample
        for sample in made(tmp_path, lamp_asm=code + test)[0]
        if "Written in" in sample
    ]
    assert "- Tested in `Lamp_Look`" in flag
    assert "by its name" not in flag
