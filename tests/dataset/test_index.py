"""The index: every row found once, whatever stands between; copied as it is; its order
nobody's but its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rows import write

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset import index as indexing
from afs_stages.dataset.index import index, with_metadata
from afs_stages.dataset.keys import cross_counts, keys_of, seeded, shuffled

SETTINGS = settings(deadline=None, max_examples=50)
TEXTS = st.text(max_size=12)


def row(**fields: object) -> dict[str, object]:
    return {"instruction": "what", "output": "this", "sample_id": "a", **fields}


def test_broken_and_blank_lines_are_passed_over_and_the_others_found_where_they_lie(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [
        json.dumps(row(sample_id="first")),
        "",
        "{broken",
        json.dumps(row(output=3)),
        json.dumps(row(sample_id="zweite", output="größer – 大")),
        "[]",
        json.dumps(row(sample_id="last, without an end of line")),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    bad: list[jsonl.BadRow] = []
    found = index([path], bad.append)
    assert [line.decode() for line in found.lines(np.arange(len(found)))] == [
        lines[0],
        lines[4],
        lines[6],
    ]
    assert [one.sample_id for one in found.keys(np.arange(3))] == [
        "first",
        "zweite",
        "last, without an end of line",
    ]
    assert [(one.line, one.reason) for one in bad] == [
        (3, "broken_json"),
        (4, "schema"),
        (6, "schema"),
    ]


def test_invalid_utf8_is_a_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        b'{"instruction":"a","output":"\xff"}\n{"instruction":"a","output":"b"}\n'
    )
    bad: list[jsonl.BadRow] = []
    assert len(index([path], bad.append)) == 1
    assert [one.line for one in bad] == [1]


def test_a_line_too_long_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    long = b'{"instruction":"a","output":"' + b"x" * jsonl.MAX_LINE_BYTES + b'"}\n'
    path.write_bytes(long + b'{"instruction":"a","output":"b"}\n')
    bad: list[jsonl.BadRow] = []
    found = index([path], bad.append)
    assert [one.reason for one in bad] == ["line_too_long"]
    assert list(found.lines(found.canonical())) == [b'{"instruction":"a","output":"b"}']


def test_rows_without_an_id_get_that_of_their_content(tmp_path: Path) -> None:
    plain = {"instruction": "what", "output": "this"}
    path = write(tmp_path / "rows.jsonl", [plain, row(sample_id="b")])
    found = index([path], jsonl.refuse)
    own = TrainingSample.from_dict(plain).sample_id
    assert [one.sample_id for one in found.keys(np.arange(2))] == [own, "b"]
    assert found.key.tolist() == keys_of([own, "b"]).tolist()


def test_as_many_names_as_rows(tmp_path: Path) -> None:
    rows = [
        row(sample_id=str(i), domain=f"d{i % 70_000}", source=f"s{i % 300}")
        for i in range(70_500)
    ]
    found = index([write(tmp_path / "rows.jsonl", rows)], jsonl.refuse)
    assert [found.domains[code] for code in found.domain.tolist()] == [
        one["domain"] for one in rows
    ]
    assert [found.sources[code] for code in found.source.tolist()] == [
        one["source"] for one in rows
    ]


@SETTINGS
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from([None, 0.0, 0.5, 1.0]),
            st.sampled_from(["x", "y"]),
        ),
        max_size=25,
    ),
    st.randoms(use_true_random=False),
)
def test_the_canonical_order_is_nobodys_but_the_rows_own(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, float | None, str]],
    random: Random,
) -> None:
    folder = tmp_path_factory.mktemp("order")
    made = [
        row(sample_id=id, quality_score=score, output=output)
        for id, score, output in rows
    ]
    one = index([write(folder / "one.jsonl", made)], jsonl.refuse)
    random.shuffle(made)
    cut = random.randint(0, len(made))
    parts = [
        write(folder / f"{i}.jsonl", part)
        for i, part in enumerate((made[:cut], made[cut:]))
    ]
    two = index(parts, jsonl.refuse)
    lines = list(one.lines(one.canonical()))
    assert lines == list(two.lines(two.canonical()))
    best: dict[str, float] = {}
    for line in map(json.loads, lines):
        score = -1.0 if line["quality_score"] is None else line["quality_score"]
        assert score <= best.get(line["sample_id"], 1.0), "of equal ids the best first"
        best[line["sample_id"]] = score


def test_two_ids_with_one_key_are_refused(tmp_path: Path) -> None:
    found = index(
        [write(tmp_path / "rows.jsonl", [row(sample_id="a"), row(sample_id="b")])],
        jsonl.refuse,
    )
    found.key = np.zeros(2, np.uint64)
    with pytest.raises(UserError, match="the ids 'a' and 'b' have the same hash"):
        found.canonical()


METADATA = st.none() | st.dictionaries(
    st.sampled_from(["group", "repeat", "_metadata", 'a"b']), TEXTS | st.integers()
)


@SETTINGS
@given(TEXTS, METADATA, st.booleans(), st.booleans(), st.sampled_from([2, "v4"]))
def test_marking_a_row_changes_nothing_else(
    text: str,
    metadata: dict[str, object] | None,
    last: bool,
    spaces: bool,
    value: int | str,
) -> None:
    fields: dict[str, object] = {
        "output": f'"_metadata":{{}}{text}',
        "extra": {"_metadata": {}},
    }
    made = (
        {**fields, "_metadata": metadata} if last else {"_metadata": metadata, **fields}
    )
    line = json.dumps(made, separators=None if spaces else (",", ":")).encode()
    marked = with_metadata("repeat", value)(line)
    assert json.loads(marked) == {
        **made,
        "_metadata": {**(metadata or {}), "repeat": value},
    }
    assert len(list(json.loads(marked, object_pairs_hook=list))) == len(made), (
        "no key twice"
    )


def test_a_row_without_metadata_gets_some() -> None:
    assert json.loads(with_metadata("repeat", 1)(b'{"output":"a"}')) == {
        "output": "a",
        "_metadata": {"repeat": 1},
    }


@SETTINGS
@given(st.integers(0, 500), st.integers(0, 2**70))
def test_draws_by_a_seed_are_one_to_one(count: int, seed: int) -> None:
    assert sorted(shuffled(count, seed).tolist()) == list(range(count))
    assert len(set(seeded(np.arange(count, dtype=np.uint64), seed).tolist())) == count
    assert shuffled(count, seed).tolist() == shuffled(count, seed).tolist()


def test_shuffles_are_the_same_on_every_machine() -> None:
    assert shuffled(8, 42).tolist() == [5, 1, 2, 7, 4, 3, 0, 6]


def test_keys_are_spread_evenly_whatever_the_seed() -> None:
    for seed in range(3):
        parts = seeded(keys_of(f"row-{i}" for i in range(20_000)), seed) >> np.uint64(
            61
        )
        assert np.bincount(parts.astype(int), minlength=8).min() > 2300


def test_pairs_are_counted_over_chunks() -> None:
    ones, twos = np.arange(200_000) % 3, np.arange(200_000) % 2
    table = cross_counts(ones.astype(np.uint8), twos.astype(np.int8), (3, 2))
    assert table.sum() == 200_000
    assert table.tolist() == [
        [int(((ones == i) & (twos == j)).sum()) for j in range(2)] for i in range(3)
    ]


def test_a_block_border_loses_no_row(tmp_path: Path) -> None:
    rows = [row(sample_id=f"{i:06d}", output="x" * (i % 4000)) for i in range(900)]
    found = index([write(tmp_path / "rows.jsonl", rows)], jsonl.refuse)
    assert found.offset[-1] > indexing.BUFFER
    assert [json.loads(line)["sample_id"] for line in found.lines(np.arange(900))] == [
        one["sample_id"] for one in rows
    ]
