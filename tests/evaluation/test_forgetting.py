"""The formulas of forgetting, their intervals, the gates and the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core.params.model import Evaluate
from afs_stages.evaluation import forgetting, gates, intervals
from afs_stages.evaluation.draw import draw_matrix
from afs_stages.evaluation.losses import TestSet, results
from afs_stages.training.chat_rows import ChatRow
from afs_stages.training.encode import Encoded


def refusals(*judged: Any) -> list[str]:
    return gates.judge(*judged)[0]


def doubts(*judged: Any) -> list[str]:
    return gates.judge(*judged)[1]


R = [[0.9, 0.2, 0.1], [0.8, 0.9, 0.3], [0.5, 0.95, 0.8]]
BASELINE = [0.1, 0.1, 0.1]


def test_the_formulas_on_a_matrix_worked_out_by_hand() -> None:
    assert forgetting.acc(R) == pytest.approx((0.5 + 0.95 + 0.8) / 3)
    assert forgetting.bwt(R) == pytest.approx(((0.5 - 0.9) + (0.95 - 0.9)) / 2)
    assert forgetting.fwt(R, BASELINE) == pytest.approx(((0.2 - 0.1) + (0.3 - 0.1)) / 2)
    assert forgetting.forgetting(R) == pytest.approx(((0.9 - 0.5) + (0.9 - 0.95)) / 2)


def test_a_single_version_has_nothing_to_forget() -> None:
    assert forgetting.acc([[0.5]]) == 0.5
    assert forgetting.bwt([[0.5]]) is None
    assert forgetting.forgetting([[0.5]]) is None


square = st.integers(2, 5).flatmap(
    lambda n: st.lists(
        st.lists(st.floats(-10, 10), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


@settings(deadline=None, max_examples=50)
@given(square)
def test_f_is_never_less_than_minus_bwt(matrix: list[list[float]]) -> None:
    assert forgetting.forgetting(matrix) >= -forgetting.bwt(matrix) - 1e-9


def test_an_interval_covers_its_estimate_and_narrows_with_rows() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for rows in (20, 2000):
        tokens = rng.integers(5, 50, rows)
        losses = tokens * rng.normal(3, 0.5, rows)
        found = intervals.summary(
            intervals.per_token(intervals.resamples(rows, 500, 1), losses, tokens)
        )
        assert found["low"] <= found["estimate"] <= found["high"]
        assert found["estimate"] == pytest.approx(losses.sum() / tokens.sum(), abs=1e-5)
        widths.append(found["high"] - found["low"])
    assert widths[1] < widths[0] / 3


def sets_of(losses: dict[str, list[list[float]]], versions: list[str]) -> list[TestSet]:
    """Test sets of ten tokens a row in two domains, with given losses per token
    and row.
    """
    rows = [
        ChatRow([], domain="asm" if at % 2 else "docs", source="oracle")
        for at in range(len(losses["base"][0]))
    ]
    items = [Encoded(list(range(11)), list(range(11))) for _ in rows]
    out = [TestSet(version, rows, items, {}) for version in versions]
    for name, by_set in losses.items():
        for tests, values in zip(out, by_set, strict=True):
            tests.losses[name] = [value * 10 for value in values]
    return out


def evaluated(
    losses: dict[str, list[list[float]]], versions: list[str]
) -> dict[str, Any]:
    return results(sets_of(losses, versions), versions, Evaluate(bootstrap=200), 1)


def test_a_version_no_better_than_the_base_fails_with_the_table() -> None:
    found = evaluated({"base": [[3, 3, 3, 3]], "v1": [[2.9, 3.1, 3.0, 3.0]]}, ["v1"])
    failed = refusals(found, ["v1"], Evaluate())
    assert len(failed) == 1
    assert "does not beat the base" in failed[0]
    assert "docs" in failed[0]
    assert refusals(found, ["v1"], Evaluate(must_beat_base=False)) == []
    better = evaluated({"base": [[3, 3, 3, 3]], "v1": [[2, 2.1, 2, 2.2]]}, ["v1"])
    assert refusals(better, ["v1"], Evaluate()) == []


@pytest.mark.parametrize(
    ("own", "fails", "doubted"),
    [
        ([2.0, 3.2], False, True),
        ([2.9], False, True),
        ([3.1], True, False),
        ([2.9, 3.2], True, False),
        ([2.0, 2.2], False, False),
        ([2.0, 3.2, 2.9, 3.3] * 2, False, True),
        ([1.5, 3.4, 2.9, 4.0] * 5, True, False),
        ([2.0, 2.2, 2.9, 2.7] * 5, False, False),
    ],
)
def test_few_test_rows_cannot_tell_and_no_gain_always_fails(
    own: list[float], fails: bool, doubted: bool
) -> None:
    found = evaluated({"base": [[3.0] * len(own)], "v1": [own]}, ["v1"])
    assert bool(refusals(found, ["v1"], Evaluate())) == fails
    told = doubts(found, ["v1"], Evaluate())
    assert bool(told) == doubted
    if doubted:
        assert f"cannot tell with {len(own)} test row" in told[0]
    assert doubts(found, ["v1"], Evaluate(must_beat_base=False)) == []


def test_a_domain_that_got_worse_than_allowed_fails_by_name() -> None:
    losses = {
        "base": [[4.0] * 4, [4.0] * 4],
        "v1": [[2.0] * 4, [3.0] * 4],
        "v2": [[2.0, 2.5, 2.0, 2.5], [2.0] * 4],
    }
    found = evaluated(losses, ["v1", "v2"])
    assert gates.regressions(found, ["v1", "v2"], 0.1) == ["asm"]
    assert gates.regressions(found, ["v1", "v2"], 0.6) == []
    assert (
        "worse than v1 by more than 0.1"
        in refusals(found, ["v1", "v2"], Evaluate(max_regression=0.1))[0]
    )
    assert found["forgetting"]["f"]["estimate"] == pytest.approx(0.25)
    assert found["forgetting"]["bwt"]["estimate"] == pytest.approx(-0.25)
    assert found["forgetting"]["fwt"]["estimate"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["matrix.svg", "matrix.png"])
def test_the_picture_has_the_same_bytes_twice(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        draw_matrix(
            ["v4", "v5"], [5.0, 5.1], [[4.0, 4.8], [4.1, 4.2]], tmp_path / folder / name
        )
    one, two = (tmp_path / folder / name for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) > 1000
