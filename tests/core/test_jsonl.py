"""JSON Lines: whatever the file holds, good rows come through and
bad ones are named.
"""

import gzip
import tempfile
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core import jsonl
from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import TrainingSample

GOOD = b'{"instruction": "i", "output": "o"}'


def read(path: Path) -> tuple[list[TrainingSample], list[BadRow]]:
    bad: list[BadRow] = []
    return list(jsonl.read_samples(path, bad.append)), bad


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"instruction": "i", "outp', "broken_json"),
        (b'{"instruction": "\xff\xfe", "output": "o"}', "encoding"),
        (b'{"instruction": "\\ud800", "output": "o"}', "broken_json"),
        (b'{"instruction": "a\x00b", "output": "o"}', "nul_byte"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"instruction": "i"}', "schema"),
        (b'{"instruction": 5, "output": "o"}', "schema"),
        (b'{"instruction": "i", "output": "o", "quality_score": 3}', "schema"),
        (
            b'{"instruction": "i", "output": "o", "messages": [{"role": "robot"}]}',
            "schema",
        ),
        (b"[" * 100_000, "broken_json"),
    ],
)
def test_a_bad_line_is_named_and_stops_nothing(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(GOOD + b"\n" + line + b"\n\n" + GOOD)
    samples, bad = read(path)
    assert len(samples) == 2
    assert [(row.file, row.line, row.reason) for row in bad] == [
        ("in.jsonl", 2, reason)
    ]


def test_an_over_long_line_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"x": "' + b"a" * 10_000 + b'"}\n' + GOOD)
    bad: list[BadRow] = []
    rows = list(jsonl.read_lines(path, bad.append, max_bytes=1000))
    assert [number for number, _ in rows] == [2]
    assert bad[0].reason == "line_too_long"
    assert "10010 bytes" in bad[0].detail


def test_lines_end_at_newline_only(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes('{"instruction": "a\u2028b\x85c", "output": "o"}\r\n'.encode())
    samples, bad = read(path)
    assert samples[0].instruction == "a\u2028b\x85c"
    assert not bad


def test_a_truncated_archive_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD * 1000)[:-20])
    _, bad = read(path)
    assert [row.reason for row in bad] == ["unreadable"]


@pytest.mark.parametrize("cut", [3, 9, 20, 40])
def test_broken_zstandard_is_reported(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "in.jsonl.zst"
    whole = zstandard.compress(GOOD + b"\n") + zstandard.compress(GOOD * 50)
    for data in (whole[: len(whole) - cut], whole + b"garbage after the last frame"):
        path.write_bytes(data)
        _, bad = read(path)
        assert bad[-1].reason == "unreadable"


def test_zstandard_frames_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.zst"
    path.write_bytes(zstandard.compress(GOOD + b"\n") * 3)
    samples, bad = read(path)
    assert (len(samples), bad) == (3, [])


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_compressed_output_is_the_same_bytes_twice_and_reads_back(
    tmp_path: Path, suffix: str
) -> None:
    blobs = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.jsonl{suffix}"
        with jsonl.open_write(path) as writer:
            writer.write(TrainingSample(instruction="ü\u2028", output="o"))
        blobs.append(path.read_bytes())
        assert read(path)[0][0].instruction == "ü\u2028"
    assert blobs[0] == blobs[1]


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old\n")
    with pytest.raises(RuntimeError), jsonl.open_write(path) as writer:
        writer.write({"a": 1})
        raise RuntimeError
    assert path.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]


def test_rejects_exist_even_when_there_are_none_and_strict_stops(
    tmp_path: Path,
) -> None:
    output = tmp_path / "out.jsonl"
    with jsonl.open_rejects(output) as rejects:
        assert rejects.counts == {}
    assert (tmp_path / "out.rejects.jsonl").read_bytes() == b""
    with (
        pytest.raises(UserError, match=r"in\.jsonl:3"),
        jsonl.open_rejects(output, strict=True) as rejects,
    ):
        rejects(BadRow("in.jsonl", 3, "schema", "output: field required"))


def test_a_missing_file_is_an_explained_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.jsonl")


texts = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(texts, texts, st.none() | st.floats(0, 1)), max_size=5))
def test_what_is_written_is_read_back(
    rows: list[tuple[str, str, float | None]],
) -> None:
    samples = [
        TrainingSample(instruction=a, output=b, quality_score=q) for a, b, q in rows
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        with jsonl.open_write(path) as writer:
            for sample in samples:
                writer.write(sample)
        back, bad = read(path)
    assert (back, bad) == (samples, [])


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_no_bytes_at_all_can_stop_the_reader(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_bytes(data)
        samples, bad = read(path)
    lines = [line for line in data.split(b"\n") if line.strip(b"\r \t\n\x0b\x0c")]
    assert len(samples) + len(bad) == len(lines)


def test_a_json_document_round_trips_and_a_broken_one_is_explained(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.json"
    jsonl.write_json(path, {"b": 1, "a": [1.5, None]})
    assert msgspec.json.decode(path.read_bytes()) == {"b": 1, "a": [1.5, None]}
    path.write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        jsonl.read_json(path)
