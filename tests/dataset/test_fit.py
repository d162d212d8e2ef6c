"""Rows no longer than the model takes: what is cut, what is left out, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.rows import objects, read, sample, write
from support.sessions import WordTokens, lines, tool_turn

from afs_stages.core import layout
from afs_stages.core.params.data import Fit
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.fit import fit_model
from afs_stages.dataset.shorten import count_rows


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fit(rows: list[TrainingSample], **settings: Any) -> StageReport:
    for part in (*layout.PARTS, layout.RECALL_SET):
        write(layout.split(part), rows if part == "train" else [])
    params = Fit.model_validate({"max_tokens": 400, **settings})
    return fit_model("m", ["alpha"], WordTokens(), params)


def fitted() -> list[TrainingSample]:
    return read(layout.fitted("m", "train"))


def test_rows_keep_their_order_and_those_of_other_sources_stay_out() -> None:
    rows = [
        sample("a"),
        tool_turn("b", [lines("o", 900)]),
        sample("c", source="beta"),
        sample("d", output="word " * 900),
        sample("e"),
    ]
    report = fit(rows)
    assert [row.instruction for row in fitted()] == ["what is a", "mend b", "what is e"]
    assert (report.rows_in, report.rows_out) == (4, 3)
    assert report.dropped == {"over_long": 1}
    [dropped] = objects(layout.fitted("m", "train").parent / "dropped.jsonl")
    assert dropped == {
        "sample_id": rows[3].sample_id,
        "reason": "over_long",
        "tokens": 903,
    }


def test_the_report_says_how_many_rows_were_cut_and_by_how_many_tokens() -> None:
    whole = tool_turn("a", [lines("x", 30)])
    report = fit([whole, tool_turn("b", [lines("o", 900), lines("p", 500)])])
    first, second = fitted()
    assert first == whole
    assert report.values["shortened"] == {
        "rows": 1,
        "tokens": second.metadata["tokens_cut"],
        "turns": 0,
    }
    assert count_rows(WordTokens(), [second])[0] <= 400
    assert report.values["longest"] > 1400


def test_a_row_that_the_chat_template_refuses_is_left_out_with_the_reason() -> None:
    report = fit([sample("a"), sample("b", instruction="<refused> b")])
    assert report.dropped == {"chat_template": 1}
    [dropped] = objects(layout.fitted("m", "train").parent / "dropped.jsonl")
    assert dropped["detail"] == "the template has no such role"


def test_an_answer_is_shortened_only_where_that_is_asked_for() -> None:
    report = fit([sample("a", output="word " * 900)], over_long="truncate")
    [row] = fitted()
    assert row.metadata["truncated"] is True
    assert count_rows(WordTokens(), [row])[0] <= 400
    assert report.values["truncated"] == 1


def test_rows_of_more_than_one_batch_are_all_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("afs_stages.dataset.fit.BATCH_ROWS", 3)
    rows = [tool_turn(f"n{n}", [lines(f"o{n}", 100 * n)]) for n in range(11)]
    report = fit(rows)
    assert report.rows_out == 11
    assert [row.sample_id for row in fitted()] == [row.sample_id for row in rows]
