"""Sessions set by a person who had not read the code: at least as many are right as
were before.

Only what is not held out; `make evidence PART=conversations` measures the rest too.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.evidence.conversations.inputs import SETS, InputSet, of_share
from benchmarks.evidence.conversations.situations import judge

FLOOR = 109
"""Held-in situations of the first set that must be right, of 109."""


def test_held_in_situations_of_the_first_set(tmp_path: Path) -> None:
    made = InputSet(SETS / "1").situations(tmp_path / "situations")
    verdicts = [judge(one, tmp_path / "out.jsonl") for one in of_share(made, "held-in")]
    wrong = [
        f"{v.index} {v.tool} {v.name}: {v.verdict}; {v.reasons}"
        for v in verdicts
        if v.verdict != "right"
    ]
    assert len(verdicts) == 109
    assert len(verdicts) - len(wrong) >= FLOOR, "\n".join(wrong)
