"""Which routines have a sample, why the others have none, and how much may be rows."""

from __future__ import annotations

from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.tell.faithfulness import left_out

LAMPS = """\
; Lights every lamp of the tower at night
Lamp_Light:
  LDA.b #$05 : STA.w $0D90 ; the oil in the lamp
  LDA.b #$07 : STA.w $0D91 ; and the wick of the lamp
  STZ.w $0D92
  RTL

; Puts out each lamp once the sun is up again
Lamp_Out:
  STZ.w $0D90
  RTL

Lamp_Nobody:
  STZ.w $0D93
  STZ.w $0D94
  STZ.w $0D95
  RTL
"""


def generator(folder: Path) -> OracleTrainingGenerator:
    (folder / "lamp.asm").write_text(LAMPS)
    return OracleTrainingGenerator(oracle_path=folder)


def test_each_routine_worth_telling_has_a_sample_or_a_reason(tmp_path):
    (tmp_path / "tower.asm").write_text(
        "; What the tower does when night falls on it\n"
        "Tower_Night:\n" + "  NOP\n" * 200 + "  RTL\n"
    )
    made = generator(tmp_path)
    list(made.generate())
    found = made.coverage
    assert found.routines == 4
    # nobody leads to Lamp_Nobody and it has no header
    assert found.worth_telling == 3
    assert found.told == 1
    assert found.untold == {
        "routine_too_long": ["tower.asm:2 Tower_Night"],
        "routine_too_short": ["lamp.asm:9 Lamp_Out"],
    }
    assert made.tally.measures["coverage"]["share"] == 0.3333
    assert found.line() == (
        "routines with a sample: 1 of 3 worth telling (33%; 4 in all); "
        "the others: 1 routine_too_long, 1 routine_too_short"
    )


def test_a_routine_that_loses_to_the_limit_is_not_told(tmp_path):
    made = generator(tmp_path)
    made.limit = 0
    assert list(made.generate()) == []
    assert made.coverage.told == 0


def test_rows_of_tables_are_a_fifth_of_the_documentation(tmp_path):
    rows = "\n".join(
        f"| Lamp {n} | burns with oil number {n} in the {n}th window of the tower |"
        for n in range(30)
    )
    sections = "\n\n".join(
        f"## Window {n}\n\nThe window number {n} looks over field {n} and the "
        f"orchard of farmer {n}, whose trees were planted in year {n}."
        for n in range(48)
    )
    (tmp_path / "lamps.md").write_text(
        f"# Lamps\n\n{sections}\n\n## All lamps\n\n| Lamp | Oil |\n|---|---|\n{rows}\n"
    )
    made = generator(tmp_path)
    samples = [s for s in made.generate() if s.domain == "oracle_docs"]
    looked_up = [s for s in samples if s.provenance["kind"] == "documentation_row"]
    assert looked_up
    assert len(looked_up) * 5 <= len(samples)
    assert made.tally.dropped["too_many_table_rows"] > 0


def test_of_a_label_without_code_nothing_is_left_out():
    assert left_out((), []) == []
