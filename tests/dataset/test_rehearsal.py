"""The rehearsal buffer: every setting in force, shares of the final set,
nothing held out.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.rows import read, sample, write

from afs_stages import RehearsalBuffer, RehearsalBufferConfig
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.policies import POLICIES, Samples
from afs_stages.dataset.rebalance import mix_buffer_files

SETTINGS = settings(deadline=None, max_examples=40)


def rows(count: int, tag: str = "", domains: int = 3) -> list[TrainingSample]:
    return [
        sample(
            f"{tag}{i}",
            domain=f"d{i % domains}",
            quality_score=round((i * 7 % count) / count, 4),
        )
        for i in range(count)
    ]


def buffer_of(
    folder: Path, samples: list[TrainingSample], **config: object
) -> RehearsalBuffer:
    buffer = RehearsalBuffer(config=RehearsalBufferConfig.model_validate(config))
    buffer.load_from_jsonl(write(folder / "old.jsonl", samples), version="v4")
    return buffer


def test_the_documented_defaults() -> None:
    config = RehearsalBufferConfig()
    values = (
        config.quality_threshold,
        config.top_ratio,
        config.enable_diversity,
        config.max_per_domain,
    )
    assert values == (0.5, 0.3, True, None)
    assert (config.track_provenance, config.compress) == (True, False)


def test_the_top_ratio_is_of_the_whole_version(tmp_path: Path) -> None:
    buffer = buffer_of(tmp_path, rows(100))
    assert len(buffer.samples) == 50, "the threshold"
    assert len(buffer.select_top_samples(ratio=0.3)) == 30
    assert all(sample.metadata["origin_version"] == "v4" for sample in buffer.samples)


def choose(
    samples: list[TrainingSample], policy: str, count: int, seed: int
) -> list[TrainingSample]:
    found = Samples.of(samples)
    return found.at(POLICIES[policy](found, found.rows, count, seed, 0.5))


@SETTINGS
@given(st.integers(0, 40), st.sampled_from(sorted(POLICIES)), st.integers(0, 5))
def test_every_policy_gives_what_is_asked_spread_over_domains(
    count: int, policy: str, seed: int
) -> None:
    samples = rows(30)
    chosen = choose(samples, policy, count, seed)
    assert len(chosen) == min(count, 30)
    assert len({sample.sample_id for sample in chosen}) == len(chosen)
    per_domain = Counter(sample.domain for sample in chosen)
    assert all(abs(per_domain[f"d{i}"] - len(chosen) / 3) < 1 for i in range(3))
    assert choose(samples[::-1], policy, count, seed) == chosen


@SETTINGS
@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 30))
def test_no_fact_is_chosen_twice_before_each_was_once(
    sizes: list[int], count: int
) -> None:
    samples = [
        replace(sample(f"{fact}:{wording}"), metadata={"fact": f"f{fact}"})
        for fact, size in enumerate(sizes)
        for wording in range(size)
    ]
    chosen = Counter(row.fact for row in choose(samples, "each_fact", count, seed=3))
    most = max(chosen.values(), default=0)
    for fact, size in enumerate(sizes):
        assert chosen[f"f{fact}"] >= min(size, most - 1)


def test_top_quality_within_domains_or_over_all(tmp_path: Path) -> None:
    samples = [
        sample(f"{d}{i}", domain=d, quality_score=q)
        for d, q in (("a", 0.9), ("b", 0.6))
        for i in range(10)
    ]
    diverse = buffer_of(tmp_path, samples).select_top_samples(0.5)
    assert Counter(row.domain for row in diverse) == {"a": 5, "b": 5}
    best = buffer_of(tmp_path, samples, enable_diversity=False).select_top_samples(0.5)
    assert Counter(row.domain for row in best) == {"a": 10}


def test_a_domain_is_capped(tmp_path: Path) -> None:
    buffer = buffer_of(tmp_path, rows(90), max_per_domain=4, top_ratio=1.0)
    assert set(Counter(row.domain for row in buffer.select_top_samples()).values()) == {
        4
    }


@SETTINGS
@given(st.integers(0, 60), st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_unused_quota_goes_to_the_others(target: int, sizes: list[int]) -> None:
    samples = [
        sample(f"{d}:{i}", domain=str(d), quality_score=0.9)
        for d, size in enumerate(sizes)
        for i in range(size)
    ]
    for index, spread in enumerate(("diversity_sample", "version_balance")):
        buffer = RehearsalBuffer()
        buffer.samples = [
            replace(
                row, metadata={"origin_version": row.domain} if index else row.metadata
            )
            for row in samples
        ]
        kept = getattr(buffer, spread)(target)
        assert len(kept) == min(target, len(samples))
        counts = Counter(row.domain for row in kept)
        open_ = [
            counts[str(d)] for d, size in enumerate(sizes) if counts[str(d)] < size
        ]
        assert not open_ or max(open_) - min(open_) <= 1


@SETTINGS
@given(
    st.integers(0, 60), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans()
)
def test_the_share_is_of_the_final_set(new: int, ratio: float, shuffle: bool) -> None:
    buffer = RehearsalBuffer()
    buffer.samples = rows(600, "old")
    fresh = rows(new, "new") if new else []
    merged = buffer.merge_with_new_data(
        fresh, rehearsal_ratio=ratio, shuffle=shuffle, seed=42
    )
    old = sum(1 for row in merged if row.instruction.startswith("what is old"))
    if ratio == 1.0:
        assert (old, len(merged)) == (600, 600)
    else:
        assert len(merged) - old == new
        assert abs(old - ratio * len(merged)) <= 1
    assert buffer.merge_with_new_data(fresh, ratio, shuffle, 42) == merged


def test_unscored_rows_are_an_explained_error(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"none of the 2 rows has a quality score.*\n.*score them first"
    ):
        buffer_of(tmp_path, [sample("a"), sample("b")])
    buffer = buffer_of(tmp_path, [sample("a"), sample("b", quality_score=0.9)])
    assert (len(buffer.samples), dict(buffer.dropped)) == (1, {"unscored": 1})
    assert (
        len(
            buffer_of(tmp_path, [sample("a"), sample("b")], quality_threshold=0).samples
        )
        == 2
    )


def test_saving_and_loading_again(tmp_path: Path) -> None:
    buffer = buffer_of(tmp_path, rows(20), compress=True)
    path = buffer.save(tmp_path / "buffer.jsonl")
    assert path.name == "buffer.jsonl.zst"
    again = RehearsalBuffer()
    again.load_from_jsonl(path, version="v5")
    assert again.samples == buffer.samples
    assert again.stats()["versions"] == {"v4": 10}, (
        "a row keeps the version it was first trained in"
    )


def mixed(
    folder: Path, ratio: float, old: int = 50, new: int = 70, **options: bool
) -> tuple[dict, list[TrainingSample]]:
    buffer = write(folder / "buffer.jsonl.zst", rows(old, "old"))
    fresh = write(folder / "new.jsonl", rows(new, "new"))
    report = mix_buffer_files(
        buffer,
        [fresh],
        folder / "out.jsonl",
        ratio,
        options.pop("shuffle", True),
        42,
        **options,
    )
    return report.to_dict(), read(folder / "out.jsonl")


@pytest.mark.parametrize(
    ("ratio", "old", "total"), [(0.0, 0, 70), (0.3, 30, 100), (1.0, 50, 50)]
)
def test_mixing_files(tmp_path: Path, ratio: float, old: int, total: int) -> None:
    report, found = mixed(tmp_path, ratio)
    assert (report["rehearsed"], len(found)) == (old, total)
    assert not report["warnings"]
    assert report["rows_in"] == report["rows_out"] + sum(report["dropped"].values())


def test_a_buffer_too_small_is_said_and_with_strict_refused(tmp_path: Path) -> None:
    report, found = mixed(tmp_path, 0.5)
    assert report["warnings"] == [
        "the ratio asks for 70 rehearsed rows, the buffer has 50"
    ]
    assert len(found) == 120
    with pytest.raises(UserError, match="the buffer has 50"):
        mixed(tmp_path, 0.5, strict=True)


def test_rows_that_are_new_are_not_rehearsed_too(tmp_path: Path) -> None:
    shared = rows(10, "both")
    buffer = write(tmp_path / "b.jsonl", shared + rows(10, "old"))
    report = mix_buffer_files(
        buffer,
        [write(tmp_path / "n.jsonl", shared)],
        tmp_path / "out.jsonl",
        0.5,
        True,
        1,
    )
    ids = [row.sample_id for row in read(tmp_path / "out.jsonl")]
    assert len(ids) == len(set(ids)) == 20
    assert report.dropped == {"in_new_data": 10}


def test_no_shuffle_keeps_new_rows_first_and_in_order(tmp_path: Path) -> None:
    _, found = mixed(tmp_path, 0.3, shuffle=False)
    assert [row.sample_id for row in found[:70]] == [
        row.sample_id for row in rows(70, "new")
    ]
