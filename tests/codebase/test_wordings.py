"""A fact is told in several wordings, one of which is kept aside."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.generator import CodebaseOptions

CODE = """\
LampState = $7E0D80 ; State the lamp of the tower is in
LampOil = $7E0D90 ; Oil left in the lamp of the tower
LampMirror = $7E0D90 ; The same oil for the second keeper
; ==== Lamp bits ====
!LAMP_LIT = $01 ; The lamp of the tower burns
!LAMP_OUT = $02 ; The lamp of the tower is out
"""


def facts(folder: Path, wordings: int):
    (folder / "lamp.asm").write_text(CODE)
    options = CodebaseOptions(wordings=wordings)
    made = OracleTrainingGenerator(oracle_path=folder, options=options).generate()
    found = defaultdict(dict)
    for sample in made:
        if "fact" in sample.metadata:
            found[sample.metadata["fact"]][sample.metadata["wording"]] = sample
    return found


def test_a_fact_has_six_wordings_in_both_directions_and_one_kept_aside(tmp_path):
    found = facts(tmp_path, 9)
    told = [rows for rows in found.values() if "`LampState`" in rows["recall"].output]
    assert len(told) == 2  # its address and its meaning
    for rows in told:
        assert len(rows) >= 7
        numbered = [row for number, row in rows.items() if number != "recall"]
        assert any("LampState" in row.instruction for row in numbered)
        assert any("LampState" not in row.instruction for row in numbered)


def test_as_many_are_told_as_the_options_say_and_recall_always(tmp_path):
    for rows in facts(tmp_path, 1).values():
        assert "recall" in rows
        assert {number for number in rows if number not in ("recall", "2")} <= {"1"}


def test_a_place_with_two_names_is_never_asked_for_its_name(tmp_path):
    for rows in facts(tmp_path, 9).values():
        for number, row in rows.items():
            two = "$7E0D90" in row.instruction and "Lamp" not in row.instruction
            assert not (two and number != "2"), row.instruction


def test_ids_of_facts_do_not_depend_on_the_folder(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert sorted(facts(one, 3)) == sorted(facts(two, 3))


def test_wordings_of_one_fact_stand_in_one_group(tmp_path):
    for rows in facts(tmp_path, 9).values():
        assert len({row.group for row in rows.values()}) == 1
