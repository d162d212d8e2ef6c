"""What a table, a page or a patch says is told letter for letter, and whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.facts.project import read_project
from afs_stages.codebase.tell.assembly import _tables

HEADER = "; Lights every lamp of the tower at night\n"


def told(folder: Path, name: str, text: str):
    """(kind -> samples, what was left out by reason) of a codebase of one file."""
    (folder / name).write_text(text)
    generator = OracleTrainingGenerator(oracle_path=folder)
    samples: dict[str, list] = {}
    for sample in generator.generate():
        samples.setdefault(sample.provenance["kind"], []).append(sample)
    return samples, Counter(generator.tally.dropped)


def test_the_text_of_a_message_keeps_its_blanks_full_stops_and_end(tmp_path):
    rows = ("db $88, $89, $12 ; [    ][   ]Set it", "db $B2, $41 ; free.")
    body = "\n".join(f"  {row}" for row in (*rows, "db $7F ; End of message"))
    code = f"; Set it free, says the keeper of the lamp\nMessage_Keeper:\n{body}\n"
    (sample,) = told(tmp_path, "text.asm", code)[0]["asm_table"]
    assert ": [    ][   ]Set it\n" in sample.output
    assert ": free.\n" in sample.output
    assert "`db $7F`: End of message" in sample.output


def test_a_table_says_how_many_entries_it_does_not_list(tmp_path):
    long = "dw Lamp_Red_Of_The_Tower, Lamp_Blue_Of_The_Tower, Lamp_Green_Of_The_Tower"
    rows = (f"{long} ; the first lamps", "dw Lamp_White", "if !LIT ; by night", "dw 5")
    body = "\n".join(f"  {row}" for row in (*rows, "endif", "dw 7 ; none left"))
    code = f"; Lamps of the tower by their colour\nLamps_By_Colour:\n{body}\n"
    (sample,) = told(tmp_path, "text.asm", code)[0]["asm_table"]
    assert sample.output.split("\n\n")[1].splitlines() == [
        "It has 4 lines of data. What is said of them:",
        f"- `{long}`: the first lamps",
        "- 1 line: only if `!LIT`",
        "- `dw 7`: none left",
    ]


def test_a_remark_to_who_reads_the_file_is_no_task(tmp_path):
    tasks = {
        "Lights every lamp of the tower at night": True,
        "The patch makes a jump in this whole routine": False,
        "Comes first since it is needed by the code below": False,
    }
    for task, is_task in tasks.items():
        body = "  LDA.b #$05 : STA.w $0D90\n  STZ.w $0D91\n  STZ.w $0D92\n  RTL\n"
        code = f"; {task}\nLamp_Light:\n{{\n{body}}}\n"
        samples = told(tmp_path, "lamp.asm", code)[0]
        assert samples["asm_explanation"]
        requests = [sample.instruction for sample in samples.get("asm_request", [])]
        assert any(task in request for request in requests) is is_task, task


def test_code_that_branches_to_a_label_that_is_nowhere_is_left_out(tmp_path):
    lines = ("LDA $0D90 : BNE .lit_alredy", "STZ $0D90 : STZ $0D91", ".lit_already")
    body = "\n".join(f"  {line}" for line in (*lines, "RTL"))
    code = f"{HEADER}Lamp_Light:\n{{\n{body}\n}}\n"
    samples, dropped = told(tmp_path, "lamp.asm", code)
    assert "asm_explanation" not in samples
    assert dropped["label_not_defined"] == 1
    samples, _ = told(tmp_path, "lamp.asm", code.replace("alredy", "already"))
    assert "asm_explanation" in samples


def test_a_short_header_without_its_steps_explains_nothing(tmp_path):
    body = "\n".join(("  LDA $0D90 : TCS", "  STZ $0D90 : STZ $0D91", "  RTL"))
    code = f"{HEADER}Lamp_Light:\n{{\n{body}\n}}\n"
    samples, dropped = told(tmp_path, "lamp.asm", code)
    assert "asm_explanation" not in samples
    assert "asm_request" in samples
    assert dropped["steps_leave_something_out"] == 1


def test_code_that_touches_a_word_in_a_table_is_set_apart(tmp_path):
    page = (
        "# Lamps\n\nAll of them.\n\n## Places of the lamps\n\n"
        "| Place | Meaning |\n|---|---|\n"
        "| Handler | The handler runs the code at`$1D04-$1D06`instead of its own |\n"
        "| Drops | The number of drops that are left in the lamp of the tower |\n"
        "| Keeper | The keeper that lit the lamp of the tower the last time |\n"
        "| Wind | How often the wind has put out the lamp since the evening |\n"
        "| Lit | Counts all `Lamp`s that the keeper of the tower lit today |\n"
    )
    samples, _ = told(tmp_path, "lamps.md", page)
    text = "\n".join(s.output for group in samples.values() for s in group)
    assert "at $1D04-$1D06 instead" in text
    assert "all Lamps that" in text


def test_a_row_whose_key_stands_in_several_rows_is_not_asked_for(tmp_path):
    page = (
        "# Lamps\n\nAll of them.\n\n## Places of the lamps\n\n"
        "| Place | Meaning |\n|---|---|\n"
        "| Tower | The first lamp that the keeper lights in the evening |\n"
        "| Tower | The last lamp that the keeper puts out in the morning |\n"
        "| Roof | A lamp that the wind puts out whenever it likes to do so |\n"
        "| Hall | A lamp that nobody has ever seen lit since it was hung up |\n"
        "| Cellar | A lamp that burns all day and all night without oil |\n"
    )
    samples, _ = told(tmp_path, "lamps.md", page)
    rows = [row for kind, group in samples.items() if "row" in kind for row in group]
    assert len(rows) == 3
    assert not [row for row in rows if "Tower" in row.instruction]


def test_the_comment_of_the_next_patch_is_no_part_of_this_one(tmp_path):
    code = (
        "; Keeps the lamp of the tower burning all night\norg $018339\n"
        "LDA ($B4) ; the oil of the lamp\n; The keeper of the cellar\n"
        "org $0183A4\nLDA ($B6)\n"
    )
    samples, _ = told(tmp_path, "patch.asm", code)
    assert "cellar" not in samples["asm_hook"][0].input


def test_data_in_a_task_is_quoted_line_by_line(tmp_path):
    code = (
        "; Lights\nLamp_Light:\n{\n  LDX.b $10\n  LDA.w .glow,X : STA.w $0D90\n"
        "  LDA.b #$05 : STA.w $0D91\n  JSR Lamp_Burn\n  RTS\n"
        ".glow\n  DB $10\n  DB $30\n}\n"
    )
    unit = read_project(_written(tmp_path, code)).find("Lamp_Light")
    assert _tables(unit) == "`.glow` is `DB $10`, then `DB $30`"


def _written(folder: Path, code: str) -> Path:
    (folder / "lamp.asm").write_text(code)
    return folder


def test_a_hook_that_frees_what_was_there_leads_to_its_routine(tmp_path):
    code = (
        "; Keeps the lamp of the tower burning all night\norg $018339\n"
        "autoclean JSL Lamp_Burn\nNOP\n\norg $308000\nLamp_Burn:\n"
        "  LDA.b #$05\n  STA.w $0D91\n  RTL\n"
    )
    samples, _ = told(tmp_path, "patch.asm", code)
    (hook,) = samples["asm_hook"]
    assert "`Lamp_Burn`" in hook.output
    assert "autoclean JSL Lamp_Burn" in hook.input


def test_a_page_of_one_file_does_not_tell_of_what_the_file_has_not(tmp_path):
    (tmp_path / "fog_bell.asm").write_text("FogBell_Ring:\n  INC.w $0D90\n  RTL\n")
    code = "LampGlass_Shine:\n  INC.w $0D91\n  STZ.w $0D92\n  RTL\n"
    (tmp_path / "lamp_glass.asm").write_text(code)
    page = (
        "# Lamp Glass\n\nWhat the glass of the lamp does at night.\n\n"
        "## Light of the lamp\n\nThe routine `{}` lets the light shine through its "
        "glass. It also counts how often the keeper has seen it do so in the evening, "
        "which other parts of the tower read when they decide on the fog.\n"
    )

    def answers(name: str) -> list[str]:
        (tmp_path / "LampGlass.md").write_text(page.format(name))
        samples = OracleTrainingGenerator(oracle_path=tmp_path).generate()
        return [s.output for s in samples if "the keeper has seen" in s.output]

    assert answers("LampGlass_Shine")
    assert answers("FogBell_Ring") == []
    assert answers("LampGlass_Gleam") == []
