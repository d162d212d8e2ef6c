"""The quick ways of scoring give what the slow ones do: rows, lines of prose, what is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from afs_stages.core import jsonl
from afs_stages.core.memo import ENTRIES, LONGEST, Memo
from afs_stages.quality import blocks, information
from afs_stages.quality.rows import Row, read_rows

WHOLE: dict[str, Any] = {
    "sample_id": "a1", "instruction": "What?", "input": "", "output": "Tide é \u2028 <b>", "domain": "d", "source": "s",
    "quality_score": None, "_metadata": {"group": "g", "provenance": {"file": "a.asm", "lines": [1, 2]}, "n": 1.0},
}  # fmt: skip
CHANGES: list[dict[str, Any]] = [
    {}, {"sample_id": ""}, {"sample_id": None}, {"thinking": None}, {"thinking": "so"}, {"quality_score": 1},
    {"quality_score": "0.5"}, {"quality_score": True}, {"quality_score": 1.5}, {"domain": 3}, {"input": None},
    {"messages": None}, {"messages": [{"role": "user", "content": "a", "name": None}]}, {"tools": [{"a": None}]},
    {"_metadata": None}, {"_metadata": 3}, {"_metadata": {"group": 7, "provenance": "x"}}, {"teacher_model": "x"},
    {"metadata": {"a": 1}}, {"output": "a\0b"},
]  # fmt: skip
LINES = [
    b"", b"  ", b"[1]", b"{", b"\xff", b'{"instruction": "a\\ud800", "output": ""}', b'{"a": 1, "a": 2}',
    json.dumps(WHOLE).encode() + b"x", json.dumps(WHOLE).replace("Tide", "\x01").encode(),
    json.dumps(WHOLE).replace("Tide", "\0").encode(), json.dumps(WHOLE).replace("null", "NaN").encode(),
]  # fmt: skip


def both_ways(path: Path) -> tuple[list[bytes], list[bytes]]:
    """Rows and faults of a file as scoring reads it, and as every other stage does."""
    quick: list[Any] = []
    slow: list[Any] = []
    quick += [row if isinstance(row, Row) else row.to_dict() for row in read_rows(path, quick.append)]
    slow += [sample.to_dict() for sample in jsonl.read_samples(path, slow.append)]
    return list(map(msgspec.json.encode, quick)), list(map(msgspec.json.encode, slow))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(CHANGES), max_size=3), st.sets(st.sampled_from(sorted(WHOLE)), max_size=2), st.data())
def test_a_row_is_read_and_written_as_a_sample_is(
    tmp_path_factory: Any, changes: list[dict[str, Any]], missing: set[str], data: st.DataObject
) -> None:
    row = {key: value for key, value in WHOLE.items() if key not in missing}
    for change in changes:
        row |= change
    row = dict(data.draw(st.permutations(list(row.items()))))
    path = tmp_path_factory.mktemp("rows") / "in.jsonl"
    path.write_bytes(json.dumps(row).encode() + b"\n")
    quick, slow = both_ways(path)
    assert quick == slow


def test_broken_lines_are_reported_alike(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(LINES))
    quick, slow = both_ways(path)
    assert quick == slow
    assert len(quick) == len(LINES) - 2


def test_the_form_this_project_writes_takes_the_quick_way(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(json.dumps(WHOLE).encode())
    (row,) = read_rows(path, jsonl.refuse)
    assert isinstance(row, Row)
    assert (row.group, row.provenance["file"]) == ("g", "a.asm")


WORDS = [
    *["The", "LDA", "org", "note", ":", "a:", "=", ";", "`x`", "*", "#", "|", "(", "0", "$12", "{", "}", ",", "."],
    " ",
    ": ",
    " :",
    "# ",
    "\t",
    "\v",
]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(WORDS), max_size=6).map("".join)
    | st.text("LDArtsThe.:;=`*|(0 \t\v#$!%{}@org", max_size=24)
)
def test_a_line_of_words_is_no_assembly(line: str) -> None:
    if blocks._is_words(line):
        kinds = [(s.kind, s.name) for s in blocks.parse_line(line)]
        assert len(kinds) == 1
        assert kinds[0][0] == "unknown" or (kinds[0][0] == "op" and kinds[0][1] not in blocks.matrix())


def test_a_memo_is_bounded() -> None:
    asked: list[str] = []
    memo = Memo(lambda text: asked.append(text) or len(text))
    long = "x" * (LONGEST + 1)
    assert [memo["ab"], memo["ab"], memo[long], memo[long]] == [2, 2, LONGEST + 1, LONGEST + 1]
    assert asked == ["ab", long, long]
    for number in range(2 * ENTRIES):
        assert memo[str(number)] == len(str(number))
        assert len(memo) <= ENTRIES


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from(["`Tide_Update`", "`LDA $22`", "`", "``", "a", "Two,", "$7E0022", "x.asm", "\n", "é", "9"])
    )
)
def test_a_text_counts_as_its_pieces(parts: list[str]) -> None:
    text = " ".join(parts)
    prose = information._Prose.of(text)
    bare, quoted = information._QUOTED.subn(" ", text)
    names = information._NAMES.sub(" ", bare)
    assert prose.words == [word.lower() for word in information._WORD.findall(text)]
    assert prose.marks == quoted + len(information._MARKS.findall(bare))
    assert prose.plain == len(information._WORD.findall(names))


PHRASES = [
    "As an AI",
    "language model",
    "I would be glad to",
    "i can't assist",
    "Happy to help",
    "it is important to note",
]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(PHRASES), st.sampled_from(["", "(", "“", "x"]), st.sampled_from(["", "s", ".", "ſ", "İ"]))
def test_stock_phrases_are_met_in_any_dress(phrase: str, before: str, after: str) -> None:
    prose = information._Prose.of(f"The tide {before}{phrase}{after} rises.")
    assert bool(prose.stock) >= bool(information._STOCK.search(prose.text))
    assert information._own_words(prose) < 1
