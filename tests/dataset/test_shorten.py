"""What is only read is cut to what a row may hold: longest first, said in place, and
what a row teaches stays whole.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.rows import text
from support.sessions import WordTokens, lines, tool_turn

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.shorten import (
    MIN_KEPT,
    TOKENS_KEY,
    TURNS_KEY,
    count_rows,
    cut,
    level,
    read_only,
    shorten,
)

MARK = re.compile(r"\n\[… ([\d,]+) tokens cut\]\n")
SETTINGS = settings(deadline=None, max_examples=60)


def shortened(
    sample: TrainingSample, limit: int, tokens: WordTokens | None = None
) -> TrainingSample | None:
    tokens = tokens or WordTokens()
    return shorten(tokens, [sample], count_rows(tokens, [sample]), limit)[0]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=9), st.integers(0, 9000))
def test_the_level_is_the_largest_that_fits(lengths: list[int], room: int) -> None:
    def filled(height: int) -> int:
        return sum(min(length, height) for length in lengths)

    found = level(lengths, room)
    assert filled(found) <= room
    assert found == max(lengths) or filled(found + 1) > room


def test_the_longest_output_is_cut_and_the_short_one_stays() -> None:
    sample = tool_turn("x", [lines("long", 900), lines("short", 50), lines("mid", 300)])
    row = shortened(sample, 500)
    assert row is not None
    long, short, mid = read_only(row)
    assert short == lines("short", 50)
    assert MARK.search(long)
    assert MARK.search(mid)
    assert abs(len(long.split()) - len(mid.split())) <= 16
    assert read_only(shortened(sample, 1000) or row)[1:] == read_only(sample)[1:]


def test_the_cut_is_said_in_its_place_with_whole_lines_around_it() -> None:
    output = lines("out", 800)
    row = shortened(tool_turn("x", [output]), 300)
    assert row is not None
    [found] = read_only(row)
    head, number, tail = MARK.split(found)
    assert output.startswith(f"{head}\n")
    assert output.endswith(f"\n{tail}")
    gone = len(output.split()) - len(head.split()) - len(tail.split())
    assert int(number.replace(",", "")) == gone == row.metadata[TOKENS_KEY]


@SETTINGS
@given(
    st.lists(st.integers(0, 600), max_size=6),
    st.integers(20, 1500),
    st.booleans(),
    st.integers(1, 40),
)
def test_a_row_fits_or_is_none_and_only_its_outputs_change(
    sizes: list[int], limit: int, escaped: bool, width: int
) -> None:
    tokens = WordTokens(escaped)
    sample = tool_turn("x", [lines(f"o{n}", n, width) for n in sizes])
    [before] = count_rows(tokens, [sample])
    row = shorten(tokens, [sample], [before], limit)[0]
    if row is None:
        return
    assert count_rows(tokens, [row])[0] <= limit
    assert row.sample_id == sample.sample_id
    for one, two in zip(sample.messages or [], row.messages or [], strict=True):
        if one["role"] == "tool":
            whole = one["content"].split()
            kept = MARK.sub(" ", two["content"]).split()
            assert len(kept) >= min(len(whole), MIN_KEPT // 2)
        else:
            assert two == one
    again = shorten(tokens, [sample], [before], limit)[0]
    assert again == row


@SETTINGS
@given(st.lists(st.integers(100, 900), min_size=1, max_size=8))
def test_a_row_whose_outputs_may_keep_enough_always_fits(sizes: list[int]) -> None:
    """By its calls and answer it fits, and each output may keep twice the least."""
    tokens = WordTokens()
    sample = tool_turn("x", [lines(f"o{n}", n) for n in sizes])
    [bare] = count_rows(tokens, [tool_turn("x", [""] * len(sizes))])
    limit = bare + len(sizes) * 2 * MIN_KEPT
    [before] = count_rows(tokens, [sample])
    assert (shorten(tokens, [sample], [before], limit)[0] is not None) or (
        before <= limit
    )


@SETTINGS
@given(st.text("ab \n", min_size=1, max_size=400), st.integers(2, 60))
def test_a_cut_keeps_head_and_tail_and_counts_what_is_gone(
    output: str, kept: int
) -> None:
    [ends] = WordTokens().ends([output]) or [[]]
    if len(ends) <= kept:
        return
    found, removed = cut(output, ends, kept)
    [head, tail] = re.split(rf"\n\[… {removed:,} tokens cut\]\n", found)
    assert output.startswith(head)
    assert output.endswith(tail)
    assert 0 < removed <= len(ends)
    assert len(head.split()) + len(tail.split()) <= kept


def follow_up(*earlier: tuple[str, str], **mark: bool) -> TrainingSample:
    """A tool-using turn after turns of these requests and answers."""
    turn = tool_turn("x", [lines("o", 300)])
    messages: list[dict[str, Any]] = [{"role": "system", "content": "be brief"}]
    for request, answer in earlier:
        messages.append({"role": "user", "content": request})
        messages.append({"role": "assistant", "content": answer, **mark})
    messages += turn.messages or []
    return replace(turn, messages=messages)


def test_an_earlier_answer_is_cut_like_an_output_and_its_request_stays() -> None:
    sample = follow_up(("first question", lines("first", 300)))
    row = shortened(sample, 200)
    assert row is not None
    system, request, answer, *_ = row.messages or []
    assert (system["content"], request["content"]) == ("be brief", "first question")
    assert MARK.search(answer["content"])
    assert TURNS_KEY not in row.metadata


def test_the_oldest_turns_go_where_cutting_is_not_enough() -> None:
    earlier = [(text(f"q{n}", 40), lines(f"a{n}", 100)) for n in range(3)]
    sample = follow_up(*earlier)
    dropped = []
    for limit in (420, 300, 240, 180, 120, 100, 85, 20):
        row = shortened(sample, limit)
        if row is None:
            dropped.append(None)
            continue
        assert count_rows(WordTokens(), [row])[0] <= limit
        gone = row.metadata.get(TURNS_KEY, 0)
        asked = [one["content"] for one in row.messages or [] if one["role"] == "user"]
        assert asked == [*(question for question, _ in earlier[gone:]), "mend x"]
        assert (row.messages or [])[0]["role"] == "system"
        dropped.append(gone)
    fitting = [gone for gone in dropped if gone is not None]
    assert fitting == sorted(fitting)
    assert dropped[-1] is None
    assert dropped[0] == 0
    assert 3 in dropped


def test_an_earlier_turn_that_is_taught_too_is_neither_cut_nor_dropped() -> None:
    sample = follow_up(("q", lines("a", 100)), train=True)
    row = shortened(sample, 230)
    assert row is not None
    assert (row.messages or [])[2]["content"] == lines("a", 100)
    assert shortened(sample, 120) is None


@pytest.mark.parametrize(
    "sample",
    [
        tool_turn("x", []),
        tool_turn("x", [""]),
        tool_turn("x", [lines("o", 40)] * 8),
        TrainingSample(instruction="long", output="word " * 500),
    ],
    ids=["no call", "empty output", "too many outputs", "no conversation"],
)
def test_what_cutting_cannot_help_is_none(sample: TrainingSample) -> None:
    assert shortened(sample, 20) is None


def test_a_tokenizer_that_knows_no_places_cuts_nothing() -> None:
    sample = tool_turn("x", [lines("o", 900)])
    assert shortened(sample, 300, WordTokens(ends_known=False)) is None


def test_many_rows_are_measured_together() -> None:
    tokens = WordTokens()
    samples = [tool_turn(f"n{n}", [lines(f"o{n}", 400 + n)] * 3) for n in range(40)]
    lengths = count_rows(tokens, samples)
    tokens.calls = 0
    rows = shorten(tokens, samples, lengths, 400)
    assert None not in rows
    assert tokens.calls <= 8
    alone = [shortened(sample, 400) for sample in samples]
    assert rows == alone
