"""What one codebase calls its things stands in its source block, not in the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.lamps import EXAMPLE, TOLD, oracles_words
from typer.testing import CliRunner

from afs_stages.cli import app
from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.generator import CodebaseOptions
from afs_stages.core.errors import UserError
from afs_stages.sources.plugins import parse_options


def pages(folder: Path, **named: str) -> None:
    for name, heading in named.items():
        text = f"# The tower\n\n## {heading}\n\n{TOLD * 2}\n"
        (folder / f"{name}.md").write_text(text)


def made(folder: Path, options: CodebaseOptions) -> list[str]:
    generator = OracleTrainingGenerator(oracle_path=folder, options=options)
    return [sample.domain for sample in generator.generate()]


def test_a_source_block_adds_its_own_words(tmp_path):
    pages(tmp_path, tower="The lantern trials")
    assert made(tmp_path, CodebaseOptions()) == ["oracle_docs"]
    own = CodebaseOptions(vocabulary={"quest_headings": [r"\btrials?\b"]})
    assert made(tmp_path, own) == ["oracle_quest"]


def test_plans_are_left_out_unless_they_are_asked_for(tmp_path):
    pages(tmp_path, lamp_plan="The lantern")
    assert made(tmp_path, CodebaseOptions()) == []
    assert made(tmp_path, CodebaseOptions(plans=True)) == ["oracle_docs"]


def test_a_pattern_that_is_none_is_an_error_with_its_key():
    values = {"vocabulary": {"work": ["(open"]}}
    with pytest.raises(UserError, match=r"work.*\(open"):
        parse_options(OracleTrainingGenerator, values, "sources.oracle")


def test_the_example_is_a_source_block_that_is_understood():
    words = oracles_words().vocabulary
    assert words.has("docs_pages", "Docs/Sprites/NPCs/Keeper.md")
    assert words.roles[0].name == r"Sprite_(\w+)_Prep"


def test_the_command_takes_the_options_of_a_file(tmp_path):
    pages(tmp_path, tower="Heart piece of the tower")
    arguments = ["oracle", "generate", "--oracle-path", str(tmp_path)]
    for extra, domain in (([], "docs"), (["--params", str(EXAMPLE)], "quest")):
        output = tmp_path / f"{domain}.jsonl"
        run = CliRunner().invoke(app, [*arguments, "--output", str(output), *extra])
        assert run.exit_code == 0, run.output
        (row,) = map(json.loads, output.read_text().splitlines())
        assert row["domain"] == f"oracle_{domain}"
