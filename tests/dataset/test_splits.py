"""Splits: nothing straddles, nothing moves, order does not matter."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.rows import objects, read, sample, text, write

from afs_stages.core.layout import PARTS
from afs_stages.core.params.data import NearDuplicates, Split
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import near
from afs_stages.dataset.splits import split_dataset

SLOW = settings(deadline=None, max_examples=12)


def corpus(
    seed: int, count: int, tag: str = "", domains: str = "12"
) -> list[TrainingSample]:
    """Rows of two domains in groups of one to four;
    every fifth nearly copies an earlier one.
    """
    random = Random(seed)
    rows: list[TrainingSample] = []
    for i in range(count):
        words = text(f"{tag}{seed}:{i}", 60)
        if i % 5 == 4:
            words = rows[random.randrange(len(rows))].output + " tail"
        rows.append(
            sample(
                f"{tag}{i}",
                instruction="explain",
                output=words,
                domain=random.choice(domains),
                group=f"{tag}g{random.randrange(count)}",
                quality_score=random.random(),
            )
        )
    return rows


def split(
    rows: list[TrainingSample], folder: Path, seed: int = 42, **options: object
) -> dict[str, str]:
    """Sample id -> part, after a split of the rows."""
    source = write(folder / "in.jsonl", rows)
    split_dataset([source], folder / "out", Split(), seed, **options)  # type: ignore[arg-type]
    return {
        row.sample_id: part
        for part in PARTS
        for row in read(folder / "out" / f"{part}.jsonl")
    }


def release(folder: Path, version: str, parts: dict[str, list[TrainingSample]]) -> Path:
    """A release as `split` reads it."""
    for part in PARTS:
        write(
            folder / "releases" / "m" / version / f"{part}.jsonl", parts.get(part, [])
        )
    (folder / "releases" / "m" / version / "manifest.json").write_text("{}")
    return folder / "releases"


@SLOW
@given(st.integers(0, 1000), st.integers(5, 60))
def test_no_group_and_no_near_duplicate_straddles_parts(seed: int, count: int) -> None:
    rows = corpus(seed, count)
    with tempfile.TemporaryDirectory() as name:
        parts = split(rows, Path(name))
        assigned = objects(Path(name) / "out" / "assignments.jsonl")
        dropped = objects(Path(name) / "out" / "dropped.jsonl")
    for key in ("group", "cluster"):
        by_key: dict[str, set[str]] = {}
        for row in assigned:
            by_key.setdefault(row[key], set()).add(row["split"])
        assert all(len(found) == 1 for found in by_key.values())
    kept = [row for row in rows if row.sample_id in parts]
    for one, two in near.pairs(
        [f"explain\n\n{row.output}" for row in kept], NearDuplicates()
    ):
        assert parts[kept[one].sample_id] == parts[kept[two].sample_id]
    assert len(parts) + len(dropped) == len(rows)
    assert {row["sample_id"] for row in assigned} == set(parts)


@SLOW
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_order_of_rows_and_files_does_not_matter(seed: int, random: Random) -> None:
    rows = corpus(seed, 40)
    rows += [replace(row, metadata={"group": "elsewhere"}) for row in rows[:5]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        split(rows, folder)
        shuffled = random.sample(rows, len(rows))
        files = [
            write(folder / "b.jsonl", shuffled[:17]),
            write(folder / "a.jsonl", shuffled[17:]),
        ]
        split_dataset(files, folder / "again", Split(), 42)
        for file in ("train", "val", "test", "assignments", "dropped"):
            first, second = (
                folder / place / f"{file}.jsonl" for place in ("out", "again")
            )
            assert first.read_bytes() == second.read_bytes()


@SLOW
@given(st.integers(0, 1000), st.integers(1, 40))
def test_growth_never_moves_released_rows(seed: int, more: int) -> None:
    rows = corpus(seed, 30)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = split(rows, folder)
        frozen = {
            part: [row for row in rows if before.get(row.sample_id) == part]
            for part in PARTS
        }
        releases = release(folder, "v1", frozen)
        grown = [*corpus(seed + 1, more, "new"), *rows]
        grown += [
            replace(row, sample_id=f"z{i}", quality_score=1.0)
            for i, row in enumerate(rows)
        ]
        after = split(grown, folder, releases=releases)
    assert {key: after.get(key) for key in before} == before


@SLOW
@given(st.integers(0, 1000), st.integers(1, 60))
def test_growth_moves_an_unreleased_row_only_with_its_cluster(
    seed: int, more: int
) -> None:
    # Enough clusters that no part of a domain is empty: a domain that lends clusters
    # may take them back.
    rows = corpus(seed, 150, domains="1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = split(rows, folder)
        clusters = {
            row["sample_id"]: row["cluster"]
            for row in objects(folder / "out" / "assignments.jsonl")
        }
        after = split(rows + corpus(seed + 1, more, "new", domains="1"), folder)
        grown = {
            row["sample_id"]: row["cluster"]
            for row in objects(folder / "out" / "assignments.jsonl")
        }
    assert set(before.values()) == set(PARTS)
    moved = [key for key in before if key in after and after[key] != before[key]]
    assert all(grown[key] != clusters[key] for key in moved)


def test_removing_rows_moves_no_released_row(tmp_path: Path) -> None:
    rows = corpus(3, 60)
    before = split(rows, tmp_path)
    frozen = {
        part: [row for row in rows if before.get(row.sample_id) == part]
        for part in PARTS
    }
    releases = release(tmp_path, "v1", frozen)
    after = split(rows[20:], tmp_path, seed=7, releases=releases)
    released = {key: part for key, part in before.items() if key in after}
    assert released
    assert all(after[key] == part for key, part in released.items())


def test_the_same_input_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    rows = corpus(1, 50)
    split(rows, tmp_path)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    split(rows, tmp_path)
    assert {
        path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()
    } == first


def test_a_part_splits_again_into_itself(tmp_path: Path) -> None:
    """What a release holds, split once more with that release, is the release."""
    before = split(corpus(2, 60), tmp_path)
    parts = {part: read(tmp_path / "out" / f"{part}.jsonl") for part in PARTS}
    after = split(
        [row for rows in parts.values() for row in rows],
        tmp_path,
        releases=release(tmp_path, "v1", parts),
    )
    assert after == before


@pytest.mark.parametrize("count", [3, 4, 5, 9])
def test_rounding_never_empties_a_part_that_can_be_filled(
    tmp_path: Path, count: int
) -> None:
    for domain in range(20):
        rows = [sample(f"{domain}:{i}", domain=f"d{domain}") for i in range(count)]
        assert set(split(rows, tmp_path).values()) == set(PARTS)


@pytest.mark.parametrize("count", [1, 2])
def test_the_smallest_domain_is_trained_on(tmp_path: Path, count: int) -> None:
    for domain in range(20):
        rows = [sample(f"{domain}:{i}", domain=f"d{domain}") for i in range(count)]
        assert "train" in split(rows, tmp_path).values()


@pytest.mark.parametrize(
    ("domains", "parts"),
    [
        ([1], {"train"}),
        ([2], {"train", "test"}),
        ([1, 1], {"train", "test"}),
        ([2, 1], set(PARTS)),
        ([1, 1, 1, 1], set(PARTS)),
        ([2, 2, 1], set(PARTS)),
    ],
)
def test_a_few_clusters_of_many_domains_can_be_trained_and_measured(
    tmp_path: Path, domains: list[int], parts: set[str]
) -> None:
    for try_ in range(10):
        rows = [
            sample(f"{try_}:{at}:{i}", domain=f"d{at}")
            for at, count in enumerate(domains)
            for i in range(count)
        ]
        assert set(split(rows, tmp_path).values()) == parts


def test_shares_lie_near_the_ratios(tmp_path: Path) -> None:
    parts = list(split([sample(str(i)) for i in range(2000)], tmp_path).values())
    for part, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert abs(parts.count(part) / len(parts) - share) < 0.03


def test_of_exact_duplicates_the_best_scored_stays(tmp_path: Path) -> None:
    rows = [sample("x", quality_score=score) for score in (0.2, 0.9, 0.5)] + [
        sample("y")
    ]
    split(rows, tmp_path)
    kept = [row for part in PARTS for row in read(tmp_path / "out" / f"{part}.jsonl")]
    assert sorted(row.quality_score or 0 for row in kept) == [0, 0.9]
    assert [row["reason"] for row in objects(tmp_path / "out" / "dropped.jsonl")] == [
        "exact_duplicate"
    ] * 2


def test_near_duplicates_are_capped_by_score(tmp_path: Path) -> None:
    base = text("base", 80)
    rows = [
        sample(str(i), instruction="q", output=f"{base} {i}", quality_score=i / 10)
        for i in range(8)
    ]
    parts = split(rows, tmp_path)
    assert set(parts) == {row.sample_id for row in rows[-3:]}


def test_a_full_cluster_lets_no_copy_into_another_part(tmp_path: Path) -> None:
    """400 copies of one text are twice a cluster's size;
    what is left of them must not straddle parts.
    """
    base = text("base", 200)
    rows = [sample(str(i), instruction="q", output=f"{base} {i}") for i in range(400)]
    parts = split(rows, tmp_path)
    assert len(set(parts.values())) == 1


@SLOW
@given(st.integers(0, 1000))
def test_what_the_gate_calls_near_a_split_has_joined_in_buckets_however_large(
    seed: int,
) -> None:
    """Small clusters, so that most texts of a bucket come after its first ones; the
    gate looks at all of them.
    """
    params = NearDuplicates(
        max_cluster=4, keep_per_cluster=4, threshold=0.5, permutations=32
    )
    random, base = Random(seed), text(f"{seed}:base", 100).split()
    rows = []
    for i in range(60):
        words, start = list(base), random.randrange(60)
        words[start : start + 20] = text(f"{seed}:{i % 30}", 20).split()
        rows.append(
            sample(
                str(i),
                instruction="q",
                output=" ".join([*words, *["same"] * (i // 50)]),
            )
        )
    with tempfile.TemporaryDirectory() as name:
        source = write(Path(name) / "in.jsonl", rows)
        split_dataset([source], Path(name) / "out", Split(near_duplicates=params), 42)
        train, *others = (
            [f"q\n\n{row.output}" for row in read(Path(name) / "out" / f"{part}.jsonl")]
            for part in PARTS
        )
    for other in others:
        assert list(near.pairs_across(train, other, params)) == []


def test_equal_texts_are_linked_by_one_pair_each() -> None:
    """A thousand copies would make half a million pairs."""
    texts = [
        text("one", 60),
        text("two", 60),
        *[text("one", 60)] * 1000,
        text("one", 60) + " more",
    ]
    found = list(near.pairs(texts, NearDuplicates()))
    assert found == [*((0, i) for i in range(2, 1002)), (0, 1002)]


def test_two_later_texts_of_a_large_bucket_are_compared() -> None:
    """They share one band, with 300 texts that are like neither,
    so those say nothing about them.
    """
    import numpy as np

    params, count = NearDuplicates(), 302
    bands, rows = near.banding(params.permutations, params.threshold)
    matrix = np.random.default_rng(1).integers(
        0, 2**32, (count, params.permutations), dtype=np.uint32
    )
    matrix[:, :rows] = 7
    matrix[-1] = matrix[-2]
    matrix[-1, [band * rows for band in range(1, bands)]] += 1
    assert list(near._candidates(matrix, params))[-1] == (300, 301)


def test_a_row_near_two_frozen_parts_is_dropped(tmp_path: Path) -> None:
    words = text("base", 100).split()
    one = sample(
        "1", instruction="q", output=" ".join([*words[:96], "ab", "cd"]), group="a"
    )
    two = sample(
        "2", instruction="q", output=" ".join(["ef", "gh", *words[4:]]), group="b"
    )
    bridge = sample("3", instruction="q", output=" ".join(words), group="c")
    releases = release(tmp_path, "v1", {"train": [one], "test": [two]})
    parts = split([one, two, bridge], tmp_path, releases=releases)
    assert parts == {one.sample_id: "train", two.sample_id: "test"}
    assert [row["reason"] for row in objects(tmp_path / "out" / "dropped.jsonl")] == [
        "bridges_splits"
    ]


def test_renamed_labels_and_comments_hide_no_copy() -> None:
    code = "\n".join(
        f"  lda.w Value{i}, x ; load {i}\n  sta.b Place{i}\n  bne Loop{i}"
        for i in range(12)
    )
    renamed = (
        code.replace("Value", "Other")
        .replace("Place", "Spot")
        .replace("; load", "; now")
        .replace("Loop", "Again")
    )
    texts = [f"explain\n```asm\n{body}\n```" for body in (code, renamed)]
    assert list(near.pairs(texts, NearDuplicates())) == [(0, 1)]
    assert near.similar(texts[0], texts[1], NearDuplicates()) == 1.0


@SLOW
@given(st.integers(0, 10_000))
def test_every_near_pair_is_found_and_no_other(seed: int) -> None:
    params, random = NearDuplicates(), Random(seed)
    texts = [text(f"{seed}:{i}", 80) for i in range(12)]
    for i in range(6):
        words = texts[i].split()
        for _ in range(random.randrange(4)):
            words[random.randrange(len(words))] = "changed"
        texts.append(" ".join(words))
    true = {
        (i, j)
        for j in range(18)
        for i in range(j)
        if near.similar(texts[i], texts[j], params) >= params.threshold
    }
    found = set(near.pairs(texts, params))
    assert found <= true
    far_enough = {
        pair
        for pair in true
        if near.similar(texts[pair[0]], texts[pair[1]], params) >= 0.85
    }
    assert far_enough <= found
    across = {(i, j + 12) for i, j in near.pairs_across(texts[:12], texts[12:], params)}
    assert across == {(i, j) for i, j in found if i < 12 <= j}


def test_split_and_gate_see_the_same_pairs_of_a_large_family() -> None:
    """300 texts that are much alike share buckets; the gate compares all of a bucket,
    so the split must too.
    """
    params, random = NearDuplicates(max_cluster=10), Random(3)
    words = text("family", 120).split()
    texts = []
    for i in range(300):
        own = list(words)
        for place in random.sample(range(120), random.choice((1, 2))):
            own[place] = f"own{i}"
        texts.append(" ".join(own))
    found = set(near.pairs(texts, params))
    true = {
        (i, j)
        for j in range(300)
        for i in range(j)
        if near.similar(texts[i], texts[j], params) >= params.threshold
    }
    assert 100 < len(true) < 300 * 299 / 2, "some are near each other, most are not"
    across = {
        (i, j + 200) for i, j in near.pairs_across(texts[:200], texts[200:], params)
    }
    assert across == {(i, j) for i, j in found if i < 200 <= j}
    assert len(true - found) <= len(true) / 100


def test_a_row_without_id_gets_one_and_nulls_are_read(tmp_path: Path) -> None:
    rows = [
        {
            "instruction": "a",
            "output": text("a"),
            "_metadata": None,
            "domain": None,
            "source": None,
        },
        {"instruction": "b", "output": text("b"), "quality_score": 7},
    ]
    report = split_dataset(
        [write(tmp_path / "in.jsonl", rows)], tmp_path / "out", Split(), 42
    )
    assert report.rows_out == 1
    assert report.rejected == {"schema": 1}


def test_compressed_files_are_read(tmp_path: Path) -> None:
    rows = corpus(5, 20)
    split_dataset(
        [write(tmp_path / "in.jsonl.zst", rows)], tmp_path / "packed", Split(), 42
    )
    split(rows, tmp_path)
    for part in PARTS:
        assert (tmp_path / "packed" / f"{part}.jsonl").read_bytes() == (
            tmp_path / "out" / f"{part}.jsonl"
        ).read_bytes()
