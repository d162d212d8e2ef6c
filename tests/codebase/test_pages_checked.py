"""What pages say is held against the code: invented code, empty routines, properties,
plans, zeros and guesses.
"""

from __future__ import annotations

import pytest
from support.lamps import BODY, HEADER, NAMES, SOUND, TOLD, USER, made, told_of

CODE = f"{NAMES}\n{HEADER}Lamp_Light:\n{{\n{BODY}}}\n"
PAGE = f"# Tower\n\n## The lamp\n\n{TOLD}\n\n"


@pytest.mark.parametrize(
    ("reason", "fence"),
    [
        ("code_of_another_language", "LDA.w LampState\n  db $05 // five of them\n"),
        (
            "code_of_unknown_names",
            "Boat_Turn:\n  LDA.w BoatState\n  CMP.w BoatSpeed\n  BEQ .still\n"
            "  JSL Boat_Sail\n  INC.w BoatSpeed\n"
            "  .still\n  STZ.w BoatState\n  STZ.w $0D12\n  RTL\n",
        ),
        ("code_of_another_language", "$7E0D80 = LampState\n$7E0D90 = LampOil\n"),
        ("code_of_another_language", "LampTable:\n  dw .first, .second, $FFFF (End)\n"),
    ],
)
def test_code_a_page_made_up_is_left_out(tmp_path, reason, fence):
    samples, dropped = made(
        tmp_path, lamp_asm=CODE, docs__tower_md=f"{PAGE}```asm\n{fence}```\n"
    )
    assert dropped[reason] == 1
    assert not told_of(samples, "counts the boats")


def test_an_example_that_uses_the_codebase_is_kept(tmp_path):
    fence = (
        "  LDA.w LampState : BEQ .dark\n  JSL Lamp_Light\n  .dark\n"
        "  STZ.w LampOil\n  RTL\n"
    )
    samples, _ = made(
        tmp_path, lamp_asm=CODE, docs__tower_md=f"{PAGE}```asm\n{fence}```\n"
    )
    assert told_of(samples, "counts the boats")


def test_a_routine_a_page_calls_empty_is_compared_with_its_code(tmp_path):
    row = (
        "{0}\n\n| State | Routine | What it does when the night begins |\n"
        "|---|---|---|\n"
    )
    row += "| 1 | `Lamp_Light` | **Empty** |\n"
    long = CODE.replace("  RTL\n", "  INC.w LampOil\n  INC.w LampState\n  RTL\n")
    samples, dropped = made(
        tmp_path, lamp_asm=long, docs__tower_md=PAGE + row.format(TOLD)
    )
    assert dropped["code_out_of_date"] == 1
    assert not told_of(samples, "**Empty**")


def test_properties_the_file_of_the_same_name_defines_otherwise_are_not_taught(
    tmp_path,
):
    page = (
        "# Tower Lamp\n\n## Properties\n\n"
        + f"{TOLD}\n\n"
        + "*   **`!Height`**: `08` (how high it hangs)\n"
    )
    samples, _ = made(
        tmp_path, tower_lamp_asm=f"!Height = $08\n{CODE}", docs__TowerLamp_md=page
    )
    assert told_of(samples, "how high it hangs")
    samples, _ = made(
        tmp_path, tower_lamp_asm=f"!Height = $10\n{CODE}", docs__TowerLamp_md=page
    )
    assert not told_of(samples, "how high it hangs")


def test_a_sentence_that_misplaces_an_indexed_address_is_not_taught(tmp_path):
    page = (
        f"# Tower\n\n## The lamp\n\n{TOLD} It takes the harbour tide from `$0D90,X`.\n"
    )
    samples, _ = made(tmp_path, ram_asm=NAMES, docs__tower_md=page)
    assert not told_of(samples, "harbour tide")
    samples, _ = made(
        tmp_path,
        ram_asm=NAMES,
        docs__tower_md=page.replace("harbour tide", "oil of the night"),
    )
    assert told_of(samples, "oil of the night")


@pytest.mark.parametrize(
    "state",
    [
        "**Status:** Active Development",
        "Status: Draft",
        "> **Status:** Proposed (2026)",
    ],
)
def test_a_page_that_says_it_is_a_design_is_asked_for_as_a_plan(tmp_path, state):
    samples, _ = made(
        tmp_path, docs__tower_md=f"# Tower\n\n{state}\n\n## The lamp\n\n{TOLD * 2}\n"
    )
    (sample,) = told_of(samples, "counts the boats")
    assert "plan" in sample.split("\n")[0]


def test_a_page_that_is_finished_is_no_plan(tmp_path):
    samples, _ = made(
        tmp_path,
        docs__tower_md=f"# Tower\n\n**Status:** Fixed\n\n## The lamp\n\n{TOLD * 2}\n",
    )
    (sample,) = told_of(samples, "counts the boats")
    assert "plan" not in sample.split("\n")[0]


def test_properties_that_are_zero_are_told_in_one_line(tmp_path):
    names = ("Harmless", "Damage", "Palette", "Sound", "Boss")
    zeros = "".join(f"*   **`!{name}`**: `00`\n" for name in names)
    page = f"# Tower\n\n## The lamp\n\n{TOLD}\n\n*   **`!Tiles`**: `08`\n{zeros}"
    (sample,) = told_of(made(tmp_path, docs__tower_md=page)[0], "!Tiles")
    assert sample.endswith(
        "*   **`!Tiles`**: `08`\n*   Zero: `!Harmless`, `!Damage`, `!Palette`, "
        "`!Sound`, `!Boss`"
    )


def test_what_a_page_only_guesses_is_taken_out(tmp_path):
    page = (
        f"# Tower\n\n## The lamp\n\n{TOLD} It sets `$36` (likely the speed of the "
        "boats) and rests.\n"
    )
    (sample,) = told_of(made(tmp_path, docs__tower_md=page)[0], "It sets")
    assert "It sets `$36` and rests." in sample


def test_a_request_names_what_the_code_is_made_of(tmp_path):
    header = (
        "; Puts the lamp of the tower out at dawn\n; Returns: carry set where no oil "
        "is left for another night\n"
    )
    body = "  STZ.w LampState\n  LDA.w LampOil\n  JSL Sound_Play\n  CMP.b #$01\n  RTL\n"
    code = f"{NAMES}\n{header}Lamp_Out:\n{{\n{body}}}\n"
    samples, _ = made(tmp_path, lamp_asm=code + USER)
    request = next(
        sample for sample in samples if "`Lamp_Out` in `lamp.asm`:" in sample
    ).split("`Lamp_Out` in `lamp.asm`:")[0]
    assert "It changes `LampState`, reads `LampOil`, uses `Sound_Play`." in request
    assert "Returns: carry set where no oil is left" in request


def test_a_patch_of_a_few_instructions_is_put_into_words(tmp_path):
    code = (
        "; Keep the lamp burning in a dark room\norg $0089AB : LDA.w $0D80 : "
        "CMP.b #$02 : NOP #3\n"
    )
    told = made(tmp_path, lamp_asm=NAMES + code)[0]
    (sample,) = told_of(told, "patches the original game at $0089AB")
    told = (
        "loads `$0D80` (`LampState`) into A, compares A with $02 and does nothing (3 "
        "byte(s) of NOP)."
    )
    assert f"The code there now {told}" in sample


def test_hooks_of_a_file_are_listed_whole(tmp_path):
    patches = "".join(
        f"; Lamp {n} burns until the morning\norg $0089{n}0\n  JSL Lamp_Light\n\n"
        for n in range(3)
    )
    code = f"{CODE}\n{patches}org $008A00\n  db $01, $02\n\norg $3F8000\n"
    (sample,) = told_of(made(tmp_path, lamp_asm=code)[0], "by address:")
    assert sample.count("`Lamp_Light` (JSL)") == 3
    assert "It also puts code or data at $008A00" in sample


def test_a_table_that_lists_a_routine_does_not_call_it(tmp_path):
    code = f"org $008000\n{CODE}\nLamp_Jumps:\n  dw Lamp_Light\n  dw Lamp_Light\n"
    (sample,) = told_of(made(tmp_path, lamp_asm=code)[0], "$008000 is `Lamp_Light`")
    assert "It is listed in `Lamp_Jumps`." in sample
    assert "called by" not in sample


@pytest.mark.parametrize(
    "guess",
    ["(is the oil spent by then?)", "(this might be the bell)", "(perhaps the tide)"],
)
def test_what_a_page_asks_itself_is_taken_out(tmp_path, guess):
    page = (
        f"# Tower\n\n## The lamp\n\n{TOLD} It rests at dawn {guess} until the "
        "boats are back.\n"
    )
    (sample,) = told_of(made(tmp_path, docs__tower_md=page)[0], "It rests")
    assert "It rests at dawn until the boats are back." in sample


def test_a_number_a_plan_leaves_open_is_unfinished(tmp_path):
    page = (
        "# Tower\n\nStatus: proposed\n\n## The lamp\n\n"
        f"{TOLD} The keeper then says message $xxx to Link.\n"
    )
    samples, dropped = made(tmp_path, docs__tower_md=page)
    assert dropped["unfinished_page"] == 1
    assert not told_of(samples, "message $xxx")


def test_a_routine_that_only_calls_another_is_not_empty(tmp_path):
    row = (
        f"{PAGE}| State | Routine | What it does when the night begins |\n"
        "|---|---|---|\n"
    )
    row += "| 1 | `Lamp_Out` | **Empty** |\n"
    code = f"{CODE}\nLamp_Out:\n{{\n  SEP #$30\n  JSL Lamp_Light\n  RTL\n}}\n"
    assert made(tmp_path, lamp_asm=code, docs__tower_md=row)[1]["code_out_of_date"] == 1


def test_a_comment_that_tells_of_the_other_axis_is_left_out(tmp_path):
    names = "LampXSpeed = $7E0C22 ; Y speed of the lamp, negative to go up\n"
    names += "LampYSpeed = $7E0C2C ; Y speed of the lamp, negative to go up\n"
    samples, dropped = made(tmp_path, ram_asm=names)
    assert dropped["contradicts_the_name"] == 2
    assert told_of(samples, "LampYSpeed")
    assert not told_of(samples, "LampXSpeed")


def test_a_cell_says_more_than_the_key_of_its_row(tmp_path):
    page = (
        f"# Banks\n\n## Layout\n\n{TOLD * 3}\n\n"
        "| Bank | Range (PC) | Number | Contents |\n|---|---|---|---|\n"
    )
    page += (
        "| $21 | $218000-$21FFFF | 21 | Sprites of the lamp, its keeper and the boats "
        "that pass |\n"
    )
    page += (
        "| $22 | $228000-$22FFFF | 22 | Music of the bell that is heard before the "
        "night begins |\n"
    )
    (sample,) = told_of(made(tmp_path, docs__banks_md=page)[0], "$21 (Banks")
    assert "- Range: $218000-$21FFFF" in sample
    assert "Number" not in sample


def test_a_file_of_the_same_name_elsewhere_is_not_taken_for_the_one_named(tmp_path):
    (tmp_path / "Scripts/Build").mkdir(parents=True)
    (tmp_path / "Scripts/Build/light.sh").write_text("true\n")
    page = (
        f"# Tower\n\n## The lamp\n\n{TOLD} It is lit by `./scripts/light.sh --all` in "
        "the evening.\n"
    )
    samples, dropped = made(tmp_path, docs__tower_md=page)
    assert not told_of(samples, "It is lit")
    assert dropped["file_missing"] == 1


@pytest.mark.parametrize(
    ("path", "kept"),
    [("scripts/gone.sh", 0), ("scripts/my_lamp.sh", 1), ("elsewhere/gone.sh", 1)],
)
def test_a_page_about_a_file_that_is_gone_is_left_out(tmp_path, path, kept):
    (tmp_path / "Scripts").mkdir()
    (tmp_path / "Scripts/light.sh").write_text("true\n")
    page = f"# Tower\n\n## The lamp\n\n{TOLD} It is lit by `{path}` in the evening.\n"
    samples, dropped = made(tmp_path, docs__tower_md=page)
    assert len(told_of(samples, "It is lit")) == kept
    assert dropped.get("file_missing", 0) == 1 - kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("```asm\n  JSL Boat_Sail\n```", 0),
        ("```asm\n  JSL Lamp_Light\n```", 1),
        ("```asm\n  JSL MyLamp_Light\n```", 1),
        ("```asm\nBoat_Sail:\n  RTL\n\n  JSL Boat_Sail\n```", 1),
        ("`Hall_Boat_Sail` is called then.", 0),
        ("`Hall_Lamp_Light` is called then.", 1),
        ("`Hall.Lamp_Light` is called then.", 0),
        ("`hall_main.asm` is read then.", 1),
    ],
)
def test_what_a_page_calls_must_exist(tmp_path, told, kept):
    code = f"namespace Hall\n{CODE}{USER}namespace off\n"
    page = f"# Tower\n\n## The lamp\n\n{TOLD} So it goes.\n\n{told}\n"
    samples, dropped = made(tmp_path, hall_main_asm=code, docs__tower_md=page)
    assert len(told_of(samples, "So it goes")) == kept
    assert dropped.get("code_of_unknown_names", 0) == 1 - kept


def test_a_hook_of_a_page_must_be_in_the_code(tmp_path):
    code = f"{CODE}\n; Lamp burns until the morning\norg $0789A0\n  JSL Lamp_Light\n"
    page = (
        f"# Tower\n\n## Hooks of the lamp\n\n{TOLD * 3}\n\n"
        "| Address | Purpose of the code |\n|---|---|\n"
    )
    page += "| $07:89A0 | Lets the lamp of the tower burn until the boats are back |\n"
    page += "| $07:89F0 | Puts the lamp of the tower out when the bell is heard |\n"
    samples, _ = made(tmp_path, lamp_asm=code, docs__tower_md=page)
    assert told_of(samples, "$07:89A0 (")
    assert not told_of(samples, "$07:89F0")


def test_code_that_is_never_assembled_is_not_told_of(tmp_path):
    main = 'incsrc "lamp.asm"\nincsrc "user.asm"\n'
    files = {
        "main_asm": main,
        "lamp_asm": CODE,
        "user_asm": USER + "Lamp_Out:\n  RTL\n",
    }
    old = CODE.replace("Lamp_Light", "Lamp_Before")
    samples, dropped = made(
        tmp_path,
        **files,
        old_asm=old,
        names_asm="LampBell = $7E0DA0 ; Strokes of the bell so far\n",
    )
    assert told_of(samples, "LampBell"), (
        "a list of names is not assembled and true all the same"
    )
    assert told_of(samples, "`Lamp_Light` (`lamp.asm`")
    assert not told_of(samples, "`Lamp_Before` (`old.asm`")
    assert dropped["file_not_built"] >= 1
    alone, _ = made(tmp_path / "alone", old_asm=old)
    assert told_of(alone, "`Lamp_Before` (`old.asm`"), (
        "a codebase without includes is all built"
    )


def test_a_files_header_keeps_its_headings_and_ends_with_its_credits(tmp_path):
    header = (
        "; Lamp of the tower and the keeper who lights it at night\n;\n"
        "; STATUS: Untested, the bell is missing.\n"
        ";   First heard of in the book of tides.\n;\n; BEHAVIOR:\n"
        ";   1. The lamp is lit at night\n"
        ";   2. The lamp is put out by the bell\n\n"
    )
    out = (
        CODE.replace("Lamp_Light", "Lamp_Out")
        .replace(NAMES, "")
        .replace("Lights", "Puts out")
    )
    (sample,) = told_of(
        made(tmp_path, lamp_asm=header + CODE + out + SOUND, user_asm=USER)[0],
        "keeper who lights",
    )
    assert (
        "BEHAVIOR:\n  1. The lamp is lit at night\n  2. The lamp is put out by the bell"
        in sample
    )
    assert "book of tides" not in sample
    assert "Called from `user.asm`." in sample


def test_a_flags_uses_are_told_by_the_part_of_a_routine_and_by_all_its_names(tmp_path):
    names = (
        "StoryLamp = $7EF3D0 ; How far the story of the lamp has come\n"
        "LampStory = $7EF3D0\n"
    )
    code = (
        "\n; Lights the lamp of the story\nLamp_Tell:\n{\n  LDA.l LampStory\n"
        "  BEQ Lamp_Tell_Begin\n  RTL\n"
    )
    code += (
        "  Lamp_Tell_Begin:\n  {\n    LDA.b #$01 : STA.l LampStory\n    RTL\n  }\n}\n"
    )
    (sample,) = told_of(
        made(tmp_path, sram_asm=names, lamp_asm=code + USER)[0], "is a save variable"
    )
    assert "Code also calls it `LampStory`." in sample
    assert "- Written in `Lamp_Tell_Begin`, `lamp.asm` line 10" in sample
    assert (
        "- Tested in `Lamp_Tell` (Lights the lamp of the story), `lamp.asm` line 5"
        in sample
    )


def test_a_routine_reached_through_a_local_table_is_told_by_its_entry(tmp_path):
    main = (
        "; Runs the lamp of the tower\nLamp_Main:\n{\n  LDA.w LampState : ASL : TAX\n"
        "  JSR (.steps,X)\n"
    )
    main += "  RTL\n\n  .steps\n  dw Lamp_Wait ; 00\n  dw Lamp_Burn ; 01\n}\n"
    steps = (
        "\nLamp_Wait:\n{\n  LDA.w LampOil : BEQ .dark\n  INC.w LampState\n"
        "  .dark\n  RTS\n}\n"
    )
    steps += (
        "\nLamp_Burn:\n{\n  LDA.w LampOil : BNE .burns\n  STZ.w LampState\n"
        "  JSL Sound_Play\n  .burns\n"
    )
    steps += "  DEC.w LampOil\n  RTS\n}\n"
    samples, _ = made(tmp_path, lamp_asm=f"{NAMES}\n{main}{steps}{SOUND}")
    entry = (
        "is entry 1 ($01) of the jump table in `Lamp_Main` (Runs the lamp of the "
        "tower), chosen by `LampState`."
    )
    assert told_of(samples, entry)


def test_no_part_of_work_ram_is_called_sram(tmp_path):
    names = "LampSaved = $70F4F0 ; Strokes of the bell that are kept\n"
    names += "LampTiles = $7EF800 ; Tiles of the lamp room in use\n"
    samples, _ = made(tmp_path, ram_asm=names)
    assert told_of(samples, "$70F4F0 (SRAM)")
    assert told_of(samples, "$7EF800 (WRAM)")
