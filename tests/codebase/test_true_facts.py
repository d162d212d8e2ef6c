"""What is said of code holds for the code: indexes, expressions, paths."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from afs_stages.codebase import OracleTrainingGenerator

NAMES = """\
LampState = $7E002E ; State the lamp is in now
LampOil = $7E0D90 ; Oil left in each lamp
"""
CALLER = """\
Tower_Night:
{
  JSL Lamp_Light
  RTL
}
"""


def made(tmp_path: Path, code: str, **pages: str):
    """(samples, what was left out by reason) of one file of code and its pages."""
    (tmp_path / "lamp.asm").write_text(f"{NAMES}\n{code}\n{CALLER}")
    for name, text in pages.items():
        (tmp_path / f"{name}.md").write_text(text)
    generator = OracleTrainingGenerator(oracle_path=tmp_path)
    samples = list(generator.generate())
    return samples, Counter(generator.tally.dropped)


def routine(*body: str) -> str:
    lines = "\n".join(f"  {line}" for line in body)
    return f"; Lights every lamp of the tower at night\nLamp_Light:\n{{\n{lines}\n}}\n"


def explained(tmp_path: Path, *body: str) -> str:
    samples, _ = made(tmp_path, routine(*body))
    kinds = {s.provenance["kind"]: s for s in samples}
    return kinds["asm_explanation"].output


def test_an_indexed_number_is_not_told_as_the_variable_of_that_number(tmp_path):
    body = ("LDA.b $2E,X : STA.w LampOil,X", "LDA.b #$05 : STA.b $2E,X", "RTL")
    output = explained(tmp_path, *body)
    assert "`$2E,X`" in output
    assert "LampState" not in output


def test_a_number_without_index_is_the_variable(tmp_path):
    output = explained(tmp_path, "LDA.b #$05 : STA.b $2E", "LDX.b $2E : DEX", "RTL")
    assert "writes `LampState` ($7E002E): State the lamp is in now." in output


def test_a_moved_direct_page_hides_its_variables(tmp_path):
    body = ("PHD", "LDA.w #$0200 : TCD", "LDA.b #$05 : STA.b $2E", "PLD", "RTL")
    assert "LampState" not in explained(tmp_path, *body)


def test_a_value_read_at_an_index_is_an_earlier_one_once_the_index_moves(tmp_path):
    body = ("LDA.w LampOil,X : INX : STA.w LampOil,X", "LDA.b #$05 : STA.b $2E", "RTL")
    output = explained(tmp_path, *body)
    assert "the earlier `LampOil,X`" in output


@pytest.mark.parametrize(
    "operand", ["$4300|$70,x", "$4300|!offset,x", "<offset,x", "!a!b", "(,x)", "$,y"]
)
def test_an_operand_nobody_can_read_stops_nothing(tmp_path, operand):
    patch = f"; The lamp burns longer than it did\norg $018000\n  STA.w {operand}\n"
    samples, _ = made(tmp_path, f"{routine(f'STA.w {operand}', 'RTL')}\n{patch}")
    assert any(s.provenance["kind"] == "memory_name" for s in samples)
