"""Rows cut to what a model takes, by its own tokens: tool output and earlier answers,
longest first, and earlier turns where that is not enough.

What a row teaches, the calls and answers of its turn, stays whole. What is only read
is cut in the middle, and the cut is said in its place:

    limit 1,000; without what may be cut the row has 400, so 600 are left for it
    texts of 900, 50 and 300 tokens: 50 stays, the others are cut to 275 each
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from afs_stages.core.sample import TrainingSample, is_learnt, turns

MIN_KEPT = 8
"""Tokens, enough to see what kind of output it was: a row whose texts would be cut to
less is left out, since an answer over outputs that show nothing teaches to make them
up.
"""
ROUNDS = 4
"""Times a cut is measured and made smaller; templates that escape text need a second,
more are for tokens that join over a border.
"""
TOKENS_KEY, TURNS_KEY = "tokens_cut", "turns_dropped"
"""Keys of `_metadata`: tokens cut out of a row's texts, earlier turns it lost."""


class TokenCounter(Protocol):
    """A model's tokens, as its training counts them (`training.lengths.RowTokens`)."""

    def pieces(self, sample: TrainingSample) -> list[str]:
        """The texts a sample is tokenised as; `UnusableRow` where there are none."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""

    def ends(self, texts: Sequence[str]) -> list[list[int]] | None:
        """Where each token of each text ends; None where that is not known."""


@dataclass
class LongRow:
    """An over-long row on its way to fit."""

    place: int
    """Which of the samples it is."""
    sample: TrainingSample
    ends: list[list[int]]
    """Of each text that may be cut, where its tokens end."""
    inflation: float = 1.0
    """Tokens of these texts in the rendered row, to those they have alone: templates
    may escape them.
    """
    room: int = 0
    """Tokens that these texts may have in the rendered row."""
    dropped: int = 0
    shorter: TrainingSample | None = None


def count_rows(tokens: TokenCounter, samples: Iterable[TrainingSample]) -> list[int]:
    """Tokens of each sample, tokenised together."""
    rows = [tokens.pieces(sample) for sample in samples]
    return count_pieces(tokens, rows)


def count_pieces(tokens: TokenCounter, rows: Sequence[Sequence[str]]) -> list[int]:
    """Tokens of each row of pieces, tokenised together."""
    counts = iter(tokens.counts([piece for row in rows for piece in row]))
    return [sum(next(counts) for _ in row) for row in rows]


def shorten(
    tokens: TokenCounter,
    samples: Sequence[TrainingSample],
    lengths: Sequence[int],
    limit: int,
) -> list[TrainingSample | None]:
    """The over-long samples shortened, each None where that does not make it fit."""
    shorter: list[TrainingSample | None] = [None] * len(samples)
    mark = tokens.counts([_mark(999_999)])[0]
    pending = _long_rows(tokens, samples)
    _measure(tokens, pending, limit)
    for row in pending:
        own = sum(map(len, row.ends))
        if own:
            rendered = lengths[row.place] - limit + row.room
            row.inflation = rendered / own
    for _ in range(ROUNDS):
        pending = _cut_rows(tokens, pending, limit, mark)
        cut_samples = [row.shorter for row in pending if row.shorter is not None]
        counts = count_rows(tokens, cut_samples)
        for row, count in zip(pending, counts, strict=True):
            row.room -= max(count - limit, 0)
            if count <= limit:
                shorter[row.place] = row.shorter
        pending = [row for row in pending if shorter[row.place] is None]
    return shorter


def _long_rows(
    tokens: TokenCounter, samples: Sequence[TrainingSample]
) -> list[LongRow]:
    """The conversations among the samples, and where the tokens of their texts end;
    none where the tokenizer does not tell.
    """
    talks = [at for at, sample in enumerate(samples) if sample.messages is not None]
    ends = tokens.ends([text for at in talks for text in read_only(samples[at])])
    if ends is None:
        return []
    remaining = iter(ends)
    rows = []
    for at in talks:
        own = [next(remaining) for _ in read_only(samples[at])]
        rows.append(LongRow(at, samples[at], own))
    return rows


def _measure(tokens: TokenCounter, rows: Sequence[LongRow], limit: int) -> None:
    """Find how much room the texts of each row have."""
    empty = [_with_texts(row.sample, [""] * len(row.ends)) for row in rows]
    for row, count in zip(rows, count_rows(tokens, empty), strict=True):
        row.room = limit - count


def _cut_rows(
    tokens: TokenCounter, rows: Sequence[LongRow], limit: int, mark: int
) -> list[LongRow]:
    """The rows that can be cut into their room, with what they then are; earlier turns
    are dropped, oldest first, from those that cannot.
    """
    done: list[LongRow] = []
    pending = list(rows)
    while pending:
        too_long: list[LongRow] = []
        for row in pending:
            row.shorter = _cut_row(row, mark)
            (too_long if row.shorter is None else done).append(row)
        pending = [row for row in too_long if _drop_oldest(row)]
        _measure(tokens, pending, limit)
    return sorted(done, key=lambda row: row.place)


def _drop_oldest(row: LongRow) -> bool:
    """Take the oldest of the earlier turns out of a row; False where there is none that
    is only read.
    """
    messages = row.sample.messages or []
    begins = turns(messages)
    if len(begins) < 2:
        return False
    oldest = messages[begins[0] : begins[1]]
    if any(is_learnt(message) for message in oldest):
        return False
    rest = messages[: begins[0]] + messages[begins[1] :]
    row.ends = row.ends[sum(map(_may_be_cut, oldest)) :]
    row.sample = msgspec.structs.replace(row.sample, messages=rest)
    row.dropped += 1
    return True


def read_only(sample: TrainingSample) -> list[str]:
    """The texts of a sample that may be cut, in order: what its tools printed, and the
    answers of earlier turns.
    """
    return [row["content"] for row in sample.messages or [] if _may_be_cut(row)]


def _may_be_cut(row: dict[str, Any]) -> bool:
    is_earlier_answer = row["role"] == "assistant" and not is_learnt(row)
    return bool(row.get("content")) and (row["role"] == "tool" or is_earlier_answer)


def _with_texts(sample: TrainingSample, texts: Sequence[str]) -> TrainingSample:
    """The sample with other texts in place of those that may be cut."""
    new = iter(texts)
    messages = [
        {**row, "content": next(new)} if _may_be_cut(row) else row
        for row in sample.messages or []
    ]
    return msgspec.structs.replace(sample, messages=messages)


def _cut_row(row: LongRow, mark: int) -> TrainingSample | None:
    """The row with its texts cut into its room; None where too little of them would be
    left.
    """
    lengths = [len(ends) for ends in row.ends]
    # Room counts rendered tokens, lengths those of the texts alone.
    room = int(row.room / row.inflation)
    if sum(min(length, MIN_KEPT + mark) for length in lengths) > room:
        return None
    highest = level(lengths, room)
    texts: list[str] = []
    removed = 0
    for text, ends in zip(read_only(row.sample), row.ends, strict=True):
        if len(ends) <= highest:
            texts.append(text)
            continue
        shorter, count = cut(text, ends, highest - mark)
        texts.append(shorter)
        removed += count
    facts = {TOKENS_KEY: removed, TURNS_KEY: row.dropped}
    sample = _with_texts(row.sample, texts)
    noted = {key: value for key, value in facts.items() if value}
    sample.metadata = {**sample.metadata, **noted}
    return sample


def level(lengths: Sequence[int], room: int) -> int:
    """The largest length to which all may be cut down so that they fill at most the
    room.
    """
    for at, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - at)
        if length > share:
            return share
        room -= length
    return max(lengths, default=0)


def cut(text: str, ends: Sequence[int], kept: int) -> tuple[str, int]:
    """The text with at most so many of its tokens, half from its head, half from its
    tail, and how many tokens were cut.

    It is cut between lines where that costs no more than half of what may be kept.
    """
    head = (kept + 1) // 2
    tail = kept // 2
    head_end = ends[head - 1]
    line = text.rfind("\n", ends[head // 2], head_end)
    if line >= 0:
        head_end = line
    first_of_tail = len(ends) - tail
    tail_start = ends[first_of_tail - 1]
    line = text.find("\n", tail_start, ends[first_of_tail + tail // 2 - 1])
    if line >= 0:
        tail_start = line + 1
    removed = bisect_right(ends, tail_start) - bisect_right(ends, head_end)
    return f"{text[:head_end]}{_mark(removed)}{text[tail_start:]}", removed


def _mark(tokens: int) -> str:
    return f"\n[… {tokens:,} tokens cut]\n"
