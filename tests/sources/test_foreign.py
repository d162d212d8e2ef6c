"""Sessions set by a person who had not read the code: at least as many are right as
were before.

Only what is not held out; `make evidence PART=conversations` measures the rest too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from afs_stages.sources.redaction import Redactor
from benchmarks.evidence.conversations.inputs import SETS, InputSet, of_share
from benchmarks.evidence.conversations.redaction import group_of
from benchmarks.evidence.conversations.situations import judge

GROUPS = ("named", "not named, labelled")


@pytest.mark.parametrize(("name", "floor"), [("1", 109), ("2", 118)])
def test_held_in_situations_stay_right(name: str, floor: int, tmp_path: Path) -> None:
    made = InputSet(SETS / name).situations(tmp_path / "situations")
    verdicts = [judge(one, tmp_path / "out.jsonl") for one in of_share(made, "held-in")]
    wrong = [
        f"{v.index} {v.tool} {v.name}: {v.verdict}; {v.reasons}"
        for v in verdicts
        if v.verdict != "right"
    ]
    assert len(verdicts) - len(wrong) >= floor, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "named", "labelled"),
    [("1", 0.97, 0.9), ("2", 0.97, 0.85), ("3", 0.97, 0.6)],
)
def test_held_in_secrets_go_and_harmless_text_stays(
    name: str, named: float, labelled: float
) -> None:
    inputs = InputSet(SETS / name)
    planted = [
        item
        for item in inputs.secrets()
        if not item["held_out"] and not item["debatable"]
    ]
    left = {
        group: [
            item["kind"]
            for item in planted
            if group_of(item) == group
            and any(secret in Redactor()(item["text"]) for secret in item["secret"])
        ]
        for group in GROUPS
    }
    shares = {
        group: 1 - len(kinds) / sum(group_of(item) == group for item in planted)
        for group, kinds in left.items()
    }
    assert shares["named"] >= named, left["named"]
    assert shares["not named, labelled"] >= labelled, left["not named, labelled"]
    texts = [item["text"] for item in inputs.harmless() if not item["held_out"]]
    changed = [text for text in texts if Redactor()(text) != text]
    assert len(changed) <= len(texts) * 0.01, changed
