"""What is kept and what is left out is decided before a sentence is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from afs_stages.codebase import OracleTrainingGenerator
from afs_stages.codebase.tell import assembly
from afs_stages.sources.base import BaseGenerator

HACK = Path(__file__).parents[2] / "data" / "sample" / "hack"
_NAMES_AND_NUMBERS = re.compile(r"(`[^`]*`|[$%]\w+|\d+)")
"""What stands in the quotes of code, and numbers."""


def placeholders(row: str) -> str:
    """A step without its phrases: only names of the code and numbers are left."""
    parts = _NAMES_AND_NUMBERS.split(row)
    # what stands between names and numbers is every second part
    phrases = [re.sub(r"\w", "w", part) for part in parts[::2]]
    parts[::2] = phrases
    return "".join(parts)


def decided(made: BaseGenerator) -> tuple[list[tuple[str, str, int]], dict[str, int]]:
    """(kind, file, line) of each assembly sample, and what was left out."""
    assert isinstance(made, OracleTrainingGenerator)
    drafts = [
        (draft.kind, draft.file, draft.first, draft.fault)
        for draft in assembly.drafts(made.project, made.words)
    ]
    left_out: dict[str, int] = {}
    for _, _, _, fault in drafts:
        left_out[fault] = left_out.get(fault, 0) + 1
    return [draft[:3] for draft in drafts], left_out


def test_no_phrase_of_a_step_decides_anything(monkeypatch: pytest.MonkeyPatch):
    before = decided(OracleTrainingGenerator(oracle_path=HACK))
    told = assembly.told_steps

    def without_phrases(*arguments):
        return [placeholders(row) for row in told(*arguments)]

    monkeypatch.setattr(assembly, "told_steps", without_phrases)
    generator = OracleTrainingGenerator(oracle_path=HACK)
    assert decided(generator) == before
    assert any(
        "w" * 4 in d.answer for d in assembly.drafts(generator.project, generator.words)
    )
