"""Tool output is cut to what a row may hold: longest first, said in place, nothing else
touched.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sessions import WordTokens, lines, tool_turn

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.toolcut import (
    CUT_KEY,
    MIN_KEPT,
    count_rows,
    cut,
    level,
    outputs,
    shorten,
)

MARK = re.compile(r"\n\[… ([\d,]+) tokens cut …\]\n")
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
    long, short, mid = outputs(row)
    assert short == lines("short", 50)
    assert MARK.search(long)
    assert MARK.search(mid)
    assert abs(len(long.split()) - len(mid.split())) <= 16
    assert outputs(shortened(sample, 1000) or row)[1:] == outputs(sample)[1:]


def test_the_cut_is_said_in_its_place_with_whole_lines_around_it() -> None:
    output = lines("out", 800)
    row = shortened(tool_turn("x", [output]), 300)
    assert row is not None
    [found] = outputs(row)
    head, number, tail = MARK.split(found)
    assert output.startswith(f"{head}\n")
    assert output.endswith(f"\n{tail}")
    gone = len(output.split()) - len(head.split()) - len(tail.split())
    assert int(number.replace(",", "")) == gone == row.metadata[CUT_KEY]


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
    text: str, kept: int
) -> None:
    [ends] = WordTokens().ends([text]) or [[]]
    if len(ends) <= kept:
        return
    found, removed = cut(text, ends, kept)
    [head, tail] = re.split(rf"\n\[… {removed:,} tokens cut …\]\n", found)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert 0 < removed <= len(ends)
    assert len(head.split()) + len(tail.split()) <= kept


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
    assert shortened(sample, 30) is None


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
    assert tokens.calls <= 6
    alone = [shortened(sample, 400) for sample in samples]
    assert rows == alone
