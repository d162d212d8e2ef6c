"""Mixes: shares exact to rounding, capacity respected, what is missed is said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rows import read, sample, write

from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Rebalance
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import mix as mixing
from afs_stages.dataset.index import Index
from afs_stages.dataset.keys import Rows, keys_of
from afs_stages.dataset.policies import allot
from afs_stages.dataset.rebalance import rebalance_files

NAMES = ["a", "b", "c", "d"]
weights = st.dictionaries(st.sampled_from(NAMES), st.floats(0.01, 10), min_size=1)
SETTINGS = settings(deadline=None, max_examples=50)


def groups_of(sizes: dict[str, int]) -> tuple[Index, dict[str, Rows]]:
    """An index of rows a0, a1, ... b0, ..., each group of three domains,
    and the rows of each group.
    """
    names = [f"{name}{i}" for name, size in sizes.items() for i in range(size)]
    count = len(names)
    key, numbers = keys_of(names), np.arange(count)
    found = Index(
        [],
        [],
        key,
        key,
        numbers / max(count, 1),
        numbers,
        numbers.astype(np.int32),
        numbers * 0,
        numbers % 3,
        numbers * 0,
        key,
        numbers * 0,
        ["s"],
        ["d0", "d1", "d2"],
        [""],
        [""],
    )
    ends = np.cumsum([0, *sizes.values()])
    return found, {
        name: np.arange(ends[i], ends[i + 1]) for i, name in enumerate(sizes)
    }


@SETTINGS
@given(
    st.integers(0, 300),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100), min_size=1),
    weights,
)
def test_allotment_respects_capacity_and_leaves_nothing(
    total: int, capacity: dict[str, int], by: dict[str, float]
):
    quota = allot(total, capacity, by)
    assert all(0 <= quota[name] <= capacity[name] for name in capacity)
    assert sum(quota.values()) == min(
        total, sum(size for name, size in capacity.items() if name in by)
    )
    roomy = allot(total, dict.fromkeys(by, total), by)
    for name, weight in by.items():
        assert abs(roomy[name] - total * weight / sum(by.values())) < 1


@SETTINGS
@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 80), min_size=1),
    st.data(),
    st.integers(1, 4),
)
def test_shares_hold_to_rounding_whatever_the_sizes(
    sizes: dict[str, int], data: st.DataObject, repeats: int
) -> None:
    by = data.draw(st.fixed_dictionaries({name: st.floats(0.05, 1) for name in sizes}))
    found, groups = groups_of(sizes)
    result = mixing.mix_by_weight(found, groups, by, Rebalance(oversample=repeats), 1)
    total = len(result.rows)
    assert not result.short
    for name, weight in by.items():
        assert abs(result.counts[name] - total * weight / sum(by.values())) < 1
        assert result.counts[name] <= sizes[name] * repeats
    times = Counter(result.rows.tolist())
    for rows in groups.values():
        drawn = [times[row] for row in rows.tolist()]
        assert max(drawn) - min(drawn) <= 1, "whole times first"
    drawn_as = set(zip(result.rows.tolist(), result.repeat.tolist(), strict=True))
    assert drawn_as == {(row, k) for row, n in times.items() for k in range(n)}
    assert (
        total == 0
        or total + len(by) + 1
        > min(sizes[n] * repeats * sum(by.values()) / by[n] for n in by) - 1
    )


@SETTINGS
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 0.9))
def test_the_ratio_owns_rehearsals_share_and_cuts_no_new_row(
    new: int, old: int, ratio: float
) -> None:
    found, groups = groups_of({"a": new, "rehearsal": old})
    result = mixing.mix_by_weight(
        found, groups, {"a": 1.0}, Rebalance(), 1, ratio=ratio
    )
    assert not result.short
    assert result.counts["a"] >= new - 1
    if result.short_buffer:
        assert result.counts == {"a": new, "rehearsal": old}, "all there is"
        assert result.wanted["rehearsal"] == pytest.approx(old / (old + new))
    else:
        assert abs(result.counts["rehearsal"] - ratio * len(result.rows)) < 1


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "rehearsal"]), st.integers(1, 60), min_size=1
    ),
    st.data(),
)
def test_a_mix_without_a_stated_total_passes_the_gate_whatever_there_is(
    sizes: dict[str, int], data: st.DataObject
) -> None:
    """Any sizes, weights, repeats, ratio and tolerance; and the total it names as the
    largest is one that may be stated, the next is not.
    """
    new = [name for name in sizes if name != "rehearsal"]
    by = data.draw(st.fixed_dictionaries({name: st.floats(0.001, 1) for name in new}))
    ratio = data.draw(st.sampled_from([0.0, 0.2, 1.0]) | st.floats(0.01, 0.99))
    block = Rebalance(
        oversample=data.draw(st.integers(1, 4)),
        tolerance=data.draw(st.sampled_from([0.0, 0.02])),
    )
    found, groups = groups_of(sizes)
    result = mixing.mix_by_weight(found, groups, by, block, 1, ratio=ratio)
    assert not result.short
    assert not missed_in_report(result, block.tolerance)
    assert len(result.rows) == result.satisfying_total
    assert bool(len(result.rows)) == bool(result.wanted), "one row at the least"
    for name, count in result.counts.items():
        assert count <= sizes[name] * block.oversample
    if not len(result.rows):
        return
    for more in (0, 1):
        stated = block.model_copy(update={"max_total": len(result.rows) + more})
        again = mixing.mix_by_weight(found, groups, by, stated, 1, ratio=ratio)
        assert bool(again.short) == bool(more)
        assert again.satisfying_total == len(result.rows)


def missed_in_report(result: mixing.Mix, tolerance: float) -> dict[str, float]:
    """What the gate says of a mix, from the report that rebalance writes."""
    wanted = {name: round(share, 6) for name, share in result.wanted.items()}
    return mixing.missed_shares(result.counts, wanted, tolerance)


def test_a_group_that_a_limit_of_its_domain_empties_is_left_out() -> None:
    found, groups = groups_of({"a": 3, "b": 3})
    block = Rebalance(max_per_domain=1)
    result = mixing.mix_by_weight(found, groups, {"a": 1, "b": 1}, block, 1)
    assert set(result.counts) <= {"a", "b"}
    assert len(result.rows) == 3, "one of each of the three domains"
    with pytest.raises(UserError, match="the weight 'c' names no group"):
        mixing.mix_by_weight(found, groups, {"a": 1, "c": 1}, block, 1)


def inputs(folder: Path, **sizes: int) -> list[Path]:
    return [
        write(folder / f"{name}.jsonl", [row(name, i) for i in range(size)])
        for name, size in sorted(sizes.items())
    ]


def row(name: str, i: int, **fields: object) -> TrainingSample:
    return sample(
        f"{name}{i}",
        source=name,
        domain=f"{name}_{i % 2}",
        quality_score=(i % 10) / 10,
        **fields,
    )


def mix(
    folder: Path,
    files: list[Path],
    by: dict[str, float],
    params: Rebalance | None = None,
    **options: object,
):
    report = rebalance_files(
        files, folder / "out.jsonl", by, params or Rebalance(), 42, **options
    )  # type: ignore[arg-type]
    return report, read(folder / "out.jsonl")


def test_the_best_rows_are_drawn_in_the_shares_asked_for(tmp_path: Path) -> None:
    report, rows = mix(tmp_path, inputs(tmp_path, a=40, b=40), {"a": 0.75, "b": 0.25})
    assert Counter(sample.source for sample in rows) == {"a": 40, "b": 13}
    assert report.values["limited_by"] == "a"
    assert (
        min(sample.quality_score or 0 for sample in rows if sample.source == "b") >= 0.6
    )
    assert report.rows_in == report.rows_out + sum(report.dropped.values())


def test_too_little_is_said_with_the_total_that_would_do(tmp_path: Path) -> None:
    files = inputs(tmp_path, a=10, b=40)
    report, rows = mix(tmp_path, files, {"a": 0.5, "b": 0.5}, Rebalance(max_total=40))
    assert len(rows) == 30
    assert report.warnings == [
        "short: a by 10; a total of 20 would satisfy the weights"
    ]
    with pytest.raises(UserError, match="short: a by 10"):
        mix(tmp_path, files, {"a": 0.5, "b": 0.5}, Rebalance(max_total=40), strict=True)
    assert len(read(tmp_path / "out.jsonl")) == 30, "a refused mix leaves the old one"


def test_repeats_are_marked_and_counted(tmp_path: Path) -> None:
    files = inputs(tmp_path, a=10, b=40)
    report, rows = mix(
        tmp_path, files, {"a": 0.5, "b": 0.5}, Rebalance(max_total=50, oversample=3)
    )
    assert report.values["repeats"] == 15
    assert Counter(
        sample.metadata.get("repeat", 0) for sample in rows if sample.source == "a"
    ) == {0: 10, 1: 10, 2: 5}


def test_an_unknown_weight_lists_the_groups(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"did you mean 'alpha'\? known: alpha, beta"):
        mix(tmp_path, inputs(tmp_path, alpha=3, beta=3), {"alpa": 0.5, "beta": 0.5})


def test_by_domain_with_caps_unweighted_and_appended(tmp_path: Path) -> None:
    files = inputs(tmp_path, a=20, b=20, c=6)
    _, rows = mix(
        tmp_path,
        files[:2],
        {"a_0": 1, "b_1": 1},
        Rebalance(max_per_domain=7),
        group_by="domain",
        append=files[2:],
    )
    assert Counter(sample.domain for sample in rows) == {
        "a_0": 7,
        "b_1": 7,
        "c_0": 3,
        "c_1": 3,
    }
    _, rows = mix(tmp_path, files, {"a": 1}, include_unweighted=True)
    assert Counter(sample.source for sample in rows) == {"a": 20, "b": 20, "c": 6}


def test_without_weights_everything_stays(tmp_path: Path) -> None:
    _, rows = mix(tmp_path, inputs(tmp_path, a=5, b=9), {}, include_unweighted=True)
    assert Counter(sample.source for sample in rows) == {"a": 5, "b": 9}


def test_a_minimum_score_wants_scores(tmp_path: Path) -> None:
    unscored = write(tmp_path / "u.jsonl", [sample(str(i)) for i in range(3)])
    with pytest.raises(
        UserError,
        match=r"none of the 3 rows has a quality score.*\n.*afs scoring score",
    ):
        mix(tmp_path, [unscored], {}, min_score=0.5, include_unweighted=True)
    report, rows = mix(
        tmp_path,
        [unscored, *inputs(tmp_path, a=10)],
        {},
        min_score=0.5,
        include_unweighted=True,
    )
    assert report.dropped == {"unscored": 3, "below_min_score": 5}
    assert report.rows_in == 13
    assert len(rows) == 5


def test_rehearsal_is_a_group_like_any_other(tmp_path: Path) -> None:
    old = write(
        tmp_path / "old.jsonl",
        [row("a", 100 + i, origin_version="v1") for i in range(20)],
    )
    report, rows = mix(
        tmp_path,
        [*inputs(tmp_path, a=20, b=20), old],
        {"a": 0.4, "b": 0.4, "rehearsal": 0.2},
    )
    assert report.values["groups"] == {"a": 20, "b": 20, "rehearsal": 10}
    assert sum(1 for sample in rows if sample.metadata.get("origin_version")) == 10


@pytest.mark.parametrize("within", ["quality", "random", "quality_diversity"])
def test_the_order_of_files_decides_nothing(tmp_path: Path, within: str) -> None:
    params = Rebalance.model_validate({"within": within, "max_total": 20})
    files = inputs(tmp_path, a=30, b=30)
    mix(tmp_path, files, {"a": 1, "b": 1}, params)
    first = (tmp_path / "out.jsonl").read_bytes()
    mix(tmp_path, files[::-1], {"a": 1, "b": 1}, params)
    assert (tmp_path / "out.jsonl").read_bytes() == first


def test_quality_and_diversity_draw_what_is_unlike_the_rest(tmp_path: Path) -> None:
    alike = [
        sample(str(i), output="the same words again", quality_score=0.5)
        for i in range(20)
    ]
    other = sample(
        "other", output="something else entirely, unlike all", quality_score=0.5
    )
    file = write(tmp_path / "in.jsonl", [*alike, other])
    params = Rebalance(within="quality_diversity", max_total=2)
    _, rows = mix(tmp_path, [file], {"alpha": 1}, params)
    assert other.sample_id in {sample.sample_id for sample in rows}


def test_a_curriculum_goes_from_short_to_long(tmp_path: Path) -> None:
    rows = [
        sample(str(i), output="word " * (i + 1), quality_score=0.5) for i in range(30)
    ]
    _, mixed = mix(
        tmp_path,
        [write(tmp_path / "in.jsonl", rows)],
        {"alpha": 1},
        Rebalance(order="curriculum"),
    )
    assert [len(sample.output) for sample in mixed] == sorted(
        len(sample.output) for sample in rows
    )


def test_temperature_flattens_the_sizes() -> None:
    found, groups = groups_of({"a": 64, "b": 4})
    shares = mixing.mix_by_weight(
        found, groups, {"a": 1, "b": 1}, Rebalance(temperature=2.0), 1
    ).wanted
    assert shares["a"] == pytest.approx(0.8)
