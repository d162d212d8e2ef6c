"""What is left out, each for the reason the report counts,
and the small inputs that show it.
"""

from __future__ import annotations

import pytest
from support.lamps import (
    BODY,
    HEADER,
    NAMES,
    SOUND,
    TOLD,
    USER,
    made,
    oracles_words,
    told_of,
)

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.tell.faults import (
    leans_on_its_page,
    leans_on_its_place,
    restates,
    unfinished,
)


def test_a_routine_with_a_header_is_explained(tmp_path):
    samples, dropped = made(
        tmp_path, lamp_asm=f"{NAMES}\n{HEADER}Lamp_Light:\n{{\n{BODY}}}\n"
    )
    assert told_of(samples, "What does the routine `Lamp_Light`") or told_of(
        samples, "`Lamp_Light`"
    )
    assert not {reason for reason in dropped if reason.startswith("routine_")}


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("routine_too_short", f"{HEADER}Lamp_Out:\n{{\n  STZ.w LampState\n  RTL\n}}\n"),
        (
            "routine_too_long",
            f"{HEADER}Lamp_Out:\n{{\n" + "  INC.w LampOil\n" * 95 + "  RTL\n}\n",
        ),
        (
            "routine_too_little_known",
            "Lamp_Out:\n{\n  STZ.w $0D12\n  STZ.w $0D13\n  STZ.w $0D14\n  RTL\n}\n",
        ),
        (
            "drawing_loop",
            (
                f"{HEADER}Lamp_Out:\n{{\n  LDA.b $00 : STA ($90), Y\n  INY\n"
                f"  LDA.b $02 : STA ($90), Y\n  RTL\n}}\n"
            ),
        ),
        (
            "routine_of_one_step",
            "Lamp_Out:\n{\n  STZ.w LampState\n  STZ.w LampOil\n  STZ.w $0D14\n  RTL\n"
            "}\n\n"
            "org $008000 ; @hook module=Lamp\n  JSL Lamp_Out\n",
        ),
        (
            "steps_name_no_source",
            "Lamp_Out:\n{\n  ROL A : STA.w LampState ; the dark of the tower begins\n"
            "  ROL A : STA.w LampOil ; the oil is kept for the morning\n"
            "  JSL Sound_Play\n  RTL\n}\n" + USER,
        ),
        (
            "many_steps_without_purpose",
            "Lamp_Out:\n{\n"
            + "".join(
                f"  LDA.w LampState : CMP.b #$0{n % 9} : BEQ .next{n}\n  .next{n}\n"
                for n in range(9)
            )
            + "".join(
                f"  LDA.w LampOil : BEQ .far{n} ; the oil of lamp number "
                f"{n}\n  .far{n}\n"
                for n in range(9)
            )
            + "  RTL\n}\n"
            + USER,
        ),
        (
            "steps_leave_something_out",
            "Lamp_Out:\n{\n  LDX.w $0D1D\n  LDA.w LampState : BEQ .dark ; "
            "the lamp is out\n  LDX.b #$0E ; few drops\n"
            "  .dark\n  STX.w LampOil\n  JSL Sound_Play\n  RTL\n}\n" + USER,
        ),
        (
            "helper_without_remarks",
            "Lamp_Out:\n{\n  LDA.w LampState : BEQ .dark\n  JSL Sound_Play\n"
            "  STZ.w LampOil\n"
            "  .dark\n  INC.w LampState\n  JSL Sound_Stop\n  RTL\n}\n" + USER + SOUND,
        ),
        (
            "routine_nobody_uses",
            "Lamp_Out:\n{\n  STZ.w LampState ; the dark begins\n  LDA.w LampOil : "
            "BEQ .out ; no oil is left\n"
            "  JSL Sound_Play\n  .out\n  RTL\n}\n",
        ),
    ],
)
def test_a_routine_is_left_out_for_its_reason(tmp_path, reason, code):
    _, dropped = made(tmp_path, lamp_asm=f"{NAMES}\n{code}")
    assert dropped.get(reason) == 1, dropped
    again = OracleTrainingGenerator(oracle_path=tmp_path, options=oracles_words())
    kinds = {
        sample.provenance["kind"]
        for sample in again.generate()
        if "Lamp_Out" in sample.instruction
    }
    assert not kinds & {"asm_explanation", "asm_request"}


def test_a_table_needs_a_title(tmp_path):
    table = "Lamp_Heights:\n  db $10 ; the lower lamp\n  db $20 ; the upper lamp\n"
    reader = "\nLamp_Raise:\n{\n  LDA.w Lamp_Heights, X : STA.w $0D10\n  RTS\n}\n"
    _, dropped = made(tmp_path, lamp_asm=table + reader)
    assert dropped["table_without_purpose"] == 1
    samples, _ = made(tmp_path, lamp_asm=f"; How high each lamp hangs\n{table}{reader}")
    (sample,) = told_of(samples, "Lamp_Heights` (`lamp.asm`, line")
    assert sample.endswith("- `Lamp_Raise`: `LDA.w Lamp_Heights, X`")


def test_a_patch_names_the_routine_of_the_game_it_changes(tmp_path):
    code = (
        "; Module_Lamp.dark_room\n; Keep the lamp burning in a dark room\norg $0089AB\n"
        "  NOP : NOP ; no oil is spent\n"
    )
    samples, _ = made(tmp_path, lamp_asm=code)
    (sample,) = told_of(samples, "$0089AB")
    assert (
        "patches the original game at $0089AB, in `Module_Lamp.dark_room`. "
        "Keep the lamp burning" in sample
    )


def test_a_patch_that_says_nothing_of_what_it_changes_is_left_out(tmp_path):
    code = (
        "org $0089AB\n  LDA.b $11 ; Vanilla is LDA $11 here\n  JSL Lamp_Keep\n  NOP\n"
        "  NOP\n\norg $308000\n"
    )
    alias = "; Vanilla alternate entry point\nLamp_Keep:\n{\n  STZ.w $0D10\n  RTL\n}\n"
    _, dropped = made(tmp_path, lamp_asm=code + alias)
    assert dropped["patch_without_purpose"] == 1
    samples, dropped = made(
        tmp_path,
        lamp_asm=code + alias.replace("Vanilla alternate entry point", HEADER[2:-1]),
    )
    assert "patch_without_purpose" not in dropped
    assert any(
        "It hands over to `Lamp_Keep` (`lamp.asm`): Lights the lamp" in sample
        for sample in samples
    )


def test_the_parts_of_a_table_are_named(tmp_path):
    table = (
        "; Where the lamps of the tower stand\nLamp_Places:\n.offset_x\n"
        "  db $50 ; lower\n.offset_y\n  db $58 ; lower\n"
    )
    (sample,) = made(tmp_path, lamp_asm=table)[0]
    assert "- `.offset_x: db $50`: lower\n- `.offset_y: db $58`: lower" in sample


def test_a_macro_names_its_parameters_where_a_comment_counts_them(tmp_path):
    header = "; The light fades from the current value to yy over xx time\n"
    macro = f"{header}macro LampFade(length, dest)\ndb $E8, <length>\nendmacro\n"
    (sample,) = told_of(made(tmp_path, lamp_asm=macro)[0], "LampFade")
    assert "fades from the current value to `dest` over `length` time" in sample


def test_a_meaning_that_says_only_the_name_or_leans_on_its_place_is_none(tmp_path):
    ram = (
        "LampHeight = $7E0D10 ; The lamp height value\nLampSlot = $7E0D20 ; "
        "Index of lamps in the following array\n"
    )
    ram += "LampOil = $7E0D30 ; [0x02] Drops of oil for the night\n"
    samples, dropped = made(tmp_path, ram_asm=ram)
    assert dropped == {"restates_the_name": 2, "leans_on_its_place": 2}
    assert any(
        sample.endswith("(`ram.asm`): Drops of oil for the night.")
        for sample in samples
    )


def test_values_without_borders_and_legends_with_gaps_are_left_out(tmp_path):
    ram = "LampWay = $7E0D10 ; Walk LR:0x60,0x80 0xA0:Down 0xC0:Up\n"
    ram = (
        ram.replace(",", " ")
        + "; wick bits\n; abcd eeee\n;   a - north lamp\nLampBits = $7E0D20\n"
    )
    ram += "LampCache = $7E0D30 ; Cache for various properties\n"
    ram += "LampMode = $7E0D40 ; 0: dark all night 1: lit at dusk 2: lit all night\n"
    samples, dropped = made(tmp_path, ram_asm=ram)
    assert dropped == {
        "values_run_together": 2,
        "legend_incomplete": 2,
        "vague_meaning": 2,
    }
    assert any(
        sample.endswith("0: dark all night\n1: lit at dusk\n2: lit all night.")
        for sample in samples
    )


def test_words_that_lean_or_restate():
    assert leans_on_its_place("Bit 4 - (alias, same as above)")
    assert leans_on_its_place("Counts the following array")
    assert not leans_on_its_place("How far Link is above $20 in the room")
    assert restates("SideQuestProg2", "Side quest progress 2")
    assert not restates("SideQuestProg2", "Which masks were sold")
    assert leans_on_its_page("The leak above may have shifted the stack.")
    assert not leans_on_its_page("It reads the tile directly above the switch track.")
    assert unfinished("It stands at 0x?? in the east.")
    assert not unfinished("It stands at 0x12 in the east.")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("unfinished_page", f"{TOLD * 2} Her name is TBD."),
        (
            "unfinished_page",
            "| Lamp | State |\n|---|---|\n" + f"| {TOLD} | Stub |\n" * 3,
        ),
        ("tells_of_work", f"The lamp was assigned to Codex in the night. {TOLD * 2}"),
        (
            "speech_missing",
            f"**Assign:** $20B. The speech of the keeper must land. {TOLD * 2}",
        ),
        ("leans_on_its_page", f"The lamp above is hers. {TOLD * 2}"),
    ],
)
def test_a_section_is_left_out_for_its_reason(tmp_path, reason, text):
    page = f"# Tower\n\n## The keeper\n\n{TOLD * 2}\n\n## The lamp\n\n{text}\n"
    samples, dropped = made(tmp_path, docs__tower_md=page)
    assert dropped.get(reason) == 1, dropped
    assert len(samples) == 1


@pytest.mark.parametrize(
    "heading",
    [
        "Development Goals for the tower",
        "What Needs Work",
        "Files to Update",
        "What the 1234abc commits changed",
    ],
)
def test_wishes_and_upkeep_are_no_documentation(tmp_path, heading):
    samples, _ = made(
        tmp_path, docs__tower_md=f"# Tower\n\n## {heading}\n\n{TOLD * 2}\n"
    )
    assert samples == []


def test_links_below_a_short_section_are_not_part_of_it(tmp_path):
    page = (
        f"# Tower\n\n## The lamp\n\n{TOLD}{TOLD}\n\n### Related Documents\n\n"
        "- `keeper.md`: who lights it\n"
    )
    (sample,) = made(tmp_path, docs__tower_md=page)[0]
    assert "keeper.md" not in sample


def test_a_star_in_code_is_no_markup(tmp_path):
    page = (
        "# Tower\n\n| Part | Where it is kept |\n|---|---|\n"
        f"| Lamps | {TOLD} in `Lamps/*.asm` |\n"
    )
    assert any(
        "Lamps/*.asm" in sample for sample in made(tmp_path, docs__tower_md=page)[0]
    )


def test_cells_that_say_nothing_and_settled_rows_are_not_taught(tmp_path):
    page = "# Tower\n\n| Lamp | Where it burns | Oil |\n|---|---|---|\n"
    page += "| Lower lamp | Below the bell at the northern pier | N/A |\n"
    page += "| ~~Upper lamp~~ | On the roof of the tower | ten drops |\n"
    samples, _ = made(tmp_path, docs__tower_md=page)
    (row,) = [sample for sample in samples if "Lower lamp" in sample.split("\n")[0]]
    assert "N/A" not in row
    assert not [sample for sample in samples if "Upper lamp" in sample.split("\n")[0]]


def test_a_plan_is_called_one_wherever_it_lies(tmp_path):
    samples, _ = made(
        tmp_path,
        docs__Lamp_Improvements_md=f"# Lamps\n\n## The lower lamp\n\n{TOLD * 2}\n",
    )
    (sample,) = samples
    assert "plan" in sample.split("\n")[0]


def test_what_a_dungeon_is_built_of_is_no_quest(tmp_path):
    page = (
        f"# Mines\n\n## Collision tiles\n\n{TOLD * 2}\n\n## The miner\n\n"
        f"{TOLD.replace('lower', 'upper') * 2}\n"
    )
    (tmp_path / "Dungeons").mkdir()
    (tmp_path / "Dungeons" / "Mines.md").write_text(page)
    domains = [
        sample.domain
        for sample in OracleTrainingGenerator(
            oracle_path=tmp_path, options=oracles_words()
        ).generate()
    ]
    assert sorted(domains) == ["oracle_docs", "oracle_quest"]


def test_a_routine_that_falls_into_the_next_and_one_without_a_name_are_left_out(
    tmp_path,
):
    code = (
        f"{NAMES}\n{HEADER}Lamp_Open:\n{{\n  LDA.b #$01 : STA.w LampState\n"
        f"  STZ.w LampOil\n  STZ.w $0D10\n}}\n"
    )
    body = (
        "  LDA.b #$02 : STA.w LampState ; the bright one\n  STZ.w LampOil ; "
        "the oil is gone\n  JSL Sound_Play\n  RTL\n"
    )
    code += f"\nRoutine_22DA70:\n{{\n{body}  JSL Sound_Play\n  RTL\n}}\n"
    _, dropped = made(tmp_path, lamp_asm=code)
    assert dropped == {"routine_falls_into_the_next": 1, "routine_without_name": 1}


def test_calls_between_files_need_one_whose_purpose_is_known(tmp_path):
    caller = "Keeper_Run:\n{\n  JSL Lamp_One\n  JSL Lamp_Two\n  RTL\n}\n"
    routines = (
        "Lamp_One:\n{\n  STZ.w $0D10\n  RTL\n}\n\nLamp_Two:\n{\n"
        "  STZ.w $0D11\n  RTL\n}\n"
    )
    _, dropped = made(tmp_path, keeper_asm=caller, lamp_asm=routines)
    assert dropped["calls_without_purpose"] == 1
    samples, dropped = made(tmp_path, keeper_asm=caller, lamp_asm=HEADER + routines)
    assert "calls_without_purpose" not in dropped
    assert told_of(samples, "calls or jumps to 2 routine(s) of `lamp.asm`")


def test_a_legend_of_frames_is_no_purpose(tmp_path):
    legend = "; 0-1: Idle 2-3: Surprised\n; 4: With a lamp in the hand\n"
    samples, _ = made(tmp_path, lamp_asm=f"{NAMES}\n{legend}Lamp_Show:\n{{\n{BODY}}}\n")
    assert not told_of(samples, "Surprised")


@pytest.mark.parametrize(
    "header",
    ["Takes X as argument for the lamp", "The following 2 functions are copied lamps"],
)
def test_what_a_routine_is_given_or_where_it_comes_from_is_no_task(tmp_path, header):
    samples, _ = made(
        tmp_path, lamp_asm=f"{NAMES}\n; {header}\nLamp_Show:\n{{\n{BODY}}}\n"
    )
    assert not [sample for sample in samples if header[:20] in sample.split("\n")[0]]


def test_code_stays_with_the_words_above_it(tmp_path):
    code = "```asm\n" + "  LDA.w LampOil ; how much of the oil is left\n" * 60 + "```"
    page = f"# Tower\n\n## The lamp\n\n{TOLD * 3}\n\n{code}\n"
    (sample,) = made(tmp_path, docs__tower_md=page)[0]
    assert "counts the boats" in sample
    assert sample.endswith("```")


@pytest.mark.parametrize(
    "heading",
    [
        "Documentation Gaps",
        "Conclusion",
        "Future Development",
        "Test matrix",
        "Trading Sequence — CUT",
        "Potential investigation paths",
    ],
)
def test_gaps_and_what_was_cut_are_no_documentation(tmp_path, heading):
    assert (
        made(tmp_path, docs__tower_md=f"# Tower\n\n## {heading}\n\n{TOLD * 2}\n")[0]
        == []
    )


def test_generated_files_have_no_overview(tmp_path):
    table = "".join(
        f"Lamp_Row{n}:\n  db $0{n} ; row of lamps {n}\n\n" for n in range(4)
    )
    title = "; Auto-generated. Do not edit this list of lamps by hand\n\n"
    assert not told_of(made(tmp_path, lamp_asm=title + table)[0], "overview")


def test_a_header_stays_where_its_steps_would_leave_something_out(tmp_path):
    body = (
        "  LDX.w $0D1D\n  LDA.w LampState : BEQ .dark\n  LDX.b #$0E\n  .dark\n"
        "  STX.w LampOil\n  RTL\n"
    )
    contract = "; on return the lamp of the tower burns while the keeper sleeps\n"
    samples, _ = made(
        tmp_path, lamp_asm=f"{NAMES}\n{contract}Lamp_Light:\n{{\n{body}}}\n"
    )
    (told,) = [
        sample
        for sample in samples
        if "(`lamp.asm`, line" in sample and "the keeper sleeps" in sample
    ]
    assert "Steps:" not in told


@pytest.mark.parametrize(
    "header",
    [
        "The Lamps and Towers",
        "CLC if the lamp is dark tonight",
        "Uses $00 as the oil of it",
    ],
)
def test_titles_and_registers_are_no_purpose(tmp_path, header):
    samples, _ = made(
        tmp_path, lamp_asm=f"{NAMES}\n; {header}\nLamp_Show:\n{{\n{BODY}}}\n"
    )
    assert not [
        sample
        for sample in samples
        if "asar syntax" in sample.split("\n")[0] and header in sample
    ]
    assert not told_of(samples, f"`lamp.asm`, line 4): {header}")


def test_lines_that_only_save_registers_are_no_step(tmp_path):
    body = (
        "  PHP ; keep the flags of the caller\n  REP #$30 ; 16-bit A for the oil\n"
        + BODY.replace("  RTL", "  PLP\n  RTL")
    )
    samples, _ = made(
        tmp_path, lamp_asm=f"{NAMES}\n{HEADER}Lamp_Light:\n{{\n{body}}}\n"
    )
    assert not told_of(samples, "Keep the flags of the caller:")


def test_a_macro_whose_comment_counts_parameters_it_has_not_is_left_out(tmp_path):
    macro = (
        "; Plays the block of lamps $yyxx once more\nmacro LampPlay(name)\n"
        "dw <name>\nendmacro\n"
    )
    samples, dropped = made(tmp_path, lamp_asm=macro)
    assert dropped == {"macro_without_names": 1}
    assert not samples


def test_a_register_that_is_changed_after_it_was_taken_back_is_not_restored(tmp_path):
    body = "  PHA\n  LDA.w LampState : BNE .lit\n  INC.w LampOil\n  .lit\n  PLA\n"
    code = f"{NAMES}\n{HEADER}Lamp_Light:\n{{\n{body}  RTL\n}}\n"
    (kept,) = [
        s for s in made(tmp_path, lamp_asm=code)[0] if "saves and restores A" in s
    ][:1]
    assert "Lamp_Light" in kept
    other = code.replace("  RTL", "  AND.b #$80\n  RTL")
    assert not [
        s for s in made(tmp_path, lamp_asm=other)[0] if "saves and restores A" in s
    ]


def test_steps_do_not_tell_moves_between_index_registers(tmp_path):
    body = BODY.replace("  JSL", "  TXY ; the slot of the lamp is kept\n  JSL")
    _, dropped = made(tmp_path, lamp_asm=f"{NAMES}\nLamp_Out:\n{{\n{body}}}\n{USER}")
    assert dropped["steps_leave_something_out"] == 1


def test_an_entry_of_a_table_is_not_called_by_it(tmp_path):
    code = (
        f"{NAMES}\n{HEADER}Lamp_Light:\n{{\n{BODY}}}\n\nLamp_Jumps:\n  dw Lamp_Light\n"
    )
    told = told_of(made(tmp_path, lamp_asm=code)[0], "`Lamp_Jumps` lists it.")
    assert told
    assert "calls it." not in told[0]


def test_steps_do_not_tell_what_a_comparison_leaves_in_the_flags(tmp_path):
    body = BODY.replace("  RTL", "  CMP.b #$02 ; is the lamp bright\n  RTL")
    _, dropped = made(tmp_path, lamp_asm=f"{NAMES}\nLamp_Out:\n{{\n{body}}}\n{USER}")
    assert dropped["steps_leave_something_out"] == 1
