"""Tool output cut to what a row may hold, longest first, by the model's own tokens.

A row's answers and calls are what is taught and stay whole; what tools printed is cut
in the middle, and the cut is said in its place:

    limit 1,000; the row without its outputs has 400, so the outputs get 600
    outputs of 900, 50 and 300 tokens: 50 stays, the others are cut to 275 each
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from afs_stages.core.sample import TrainingSample

MIN_KEPT = 32
"""Tokens, some three lines: a row whose outputs would be cut to less is left out, since
an answer over outputs that show nothing teaches to make them up.
"""
ROUNDS = 4
"""Times a cut is measured and made smaller; templates that escape text need a second,
more are for tokens that join over a border.
"""
CUT_KEY = "tool_tokens_cut"
"""Key of `_metadata` that says how many tokens were cut out of a row."""


class TokenCounter(Protocol):
    """A model's tokens, as its training counts them (`training.lengths.RowTokens`)."""

    def pieces(self, sample: TrainingSample) -> list[str]:
        """The texts a sample is tokenised as; ValueError where it has no rendering."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""

    def ends(self, texts: Sequence[str]) -> list[list[int]] | None:
        """Where each token of each text ends; None where that is not known."""


@dataclass
class ToolRow:
    """An over-long row on its way to fit."""

    sample: TrainingSample
    tokens: int
    ends: list[list[int]]
    """Of each output, where its tokens end."""
    rendered: int
    """Tokens of all outputs in the rendered row; a template may escape them."""
    room: int
    """Tokens that the outputs may have in the rendered row."""
    shorter: TrainingSample | None = None
    fits: bool = False


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
    """The over-long samples with their tool outputs cut, each None where that does not
    make it fit.
    """
    found: list[TrainingSample | None] = [None] * len(samples)
    with_outputs = [at for at, sample in enumerate(samples) if outputs(sample)]
    rows = _measured(
        tokens,
        [samples[at] for at in with_outputs],
        [lengths[at] for at in with_outputs],
        limit,
    )
    mark = tokens.counts([_mark(999_999)])[0]
    pending = rows
    for _ in range(ROUNDS):
        for row in pending:
            row.shorter = _cut_row(row, mark)
        pending = [row for row in pending if row.shorter is not None]
        cut = [row.shorter for row in pending if row.shorter is not None]
        for row, count in zip(pending, count_rows(tokens, cut), strict=True):
            row.fits = count <= limit
            row.room -= count - limit
        pending = [row for row in pending if not row.fits]
    for at, row in zip(with_outputs, rows, strict=False):
        found[at] = row.shorter if row.fits else None
    return found


def _measured(
    tokens: TokenCounter,
    samples: Sequence[TrainingSample],
    lengths: Sequence[int],
    limit: int,
) -> list[ToolRow]:
    """What the cutting of each row needs to know; nothing where the tokenizer does not
    tell where its tokens end.
    """
    texts = [text for sample in samples for text in outputs(sample)]
    ends = tokens.ends(texts)
    if ends is None:
        return []
    remaining = iter(ends)
    empty = [_with_outputs(sample, [""] * len(outputs(sample))) for sample in samples]
    bare = count_rows(tokens, empty)
    rows = []
    for sample, length, rest in zip(samples, lengths, bare, strict=True):
        own = [next(remaining) for _ in outputs(sample)]
        rows.append(ToolRow(sample, length, own, length - rest, limit - rest))
    return rows


def outputs(sample: TrainingSample) -> list[str]:
    """What the tools of a sample printed, in order."""
    return [row["content"] for row in sample.messages or [] if _is_output(row)]


def _is_output(row: dict[str, Any]) -> bool:
    return row["role"] == "tool" and bool(row.get("content"))


def _with_outputs(sample: TrainingSample, texts: Sequence[str]) -> TrainingSample:
    """The sample with other texts in place of its outputs."""
    new = iter(texts)
    messages = [
        {**row, "content": next(new)} if _is_output(row) else row
        for row in sample.messages or []
    ]
    return msgspec.structs.replace(sample, messages=messages)


def _cut_row(row: ToolRow, mark: int) -> TrainingSample | None:
    """The row with its outputs cut into its room; None where too little of them would
    be left.
    """
    lengths = [len(ends) for ends in row.ends]
    # Room counts rendered tokens, lengths those of the bare texts.
    room = row.room * sum(lengths) // max(row.rendered, 1)
    highest = level(lengths, room)
    if highest - mark < MIN_KEPT:
        return None
    texts: list[str] = []
    removed = 0
    for text, ends in zip(outputs(row.sample), row.ends, strict=True):
        if len(ends) <= highest:
            texts.append(text)
            continue
        shorter, count = cut(text, ends, highest - mark)
        texts.append(shorter)
        removed += count
    sample = _with_outputs(row.sample, texts)
    sample.metadata = {**sample.metadata, CUT_KEY: removed}
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
    return f"\n[… {tokens:,} tokens cut …]\n"
