"""Conversations to token ids and labels: loss on the answers that the row teaches.

A conversation is rendered by the model's own chat template and cut at the borders of
the answers that are learnt; the pieces are tokenised one by one, so that a border never
lies inside a token and training sees exactly the ids that generation will see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from afs_stages.core.sample import is_learnt
from afs_stages.training.chat_rows import ChatRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORE = -100
"""The label of a token that carries no loss."""


@dataclass(frozen=True)
class Encoded:
    """One sample: token ids, and as labels the same ids or `IGNORE`;
    both of the same length.
    """

    ids: list[int]
    labels: list[int]
    name: str = ""

    @property
    def targets(self) -> int:
        """How many tokens carry loss (the first token can't: nothing precedes it)."""
        return sum(label != IGNORE for label in self.labels[1:])


def render(
    tokenizer: PreTrainedTokenizerBase,
    row: ChatRow,
    upto: int | None = None,
    prompt: bool = False,
) -> str:
    """The text of the first `upto` messages; with `prompt`,
    up to where the assistant would begin.
    """
    text: str = tokenizer.apply_chat_template(
        row.messages[:upto],
        tools=row.tools,
        tokenize=False,
        add_generation_prompt=prompt,
    )
    return text


def pieces(
    tokenizer: PreTrainedTokenizerBase, row: ChatRow, completion_only: bool = True
) -> list[tuple[str, bool]]:
    """The rendered conversation as (text, carries loss) pieces in order.

    Answers marked as context carry none: each was, or was refused as, a row of its own.
    Where the template does not render a conversation's beginning as a beginning of the
    whole (some drop earlier thinking), the turns it changes carry no loss.
    """
    full = render(tokenizer, row)
    if not completion_only:
        return [(full, True)]
    out: list[tuple[str, bool]] = []
    at = 0
    for index, message in enumerate(row.messages):
        if not is_learnt(message):
            continue
        before = render(tokenizer, row, index, prompt=True)
        # What is rendered up to the last message is the whole.
        is_last = index == len(row.messages) - 1
        after = (full if is_last else render(tokenizer, row, index + 1)).rstrip()
        if (
            len(before) < at
            or not full.startswith(before)
            or not full.startswith(after)
        ):
            continue
        out += [(full[at : len(before)], False), (full[len(before) : len(after)], True)]
        at = len(after)
    out.append((full[at:], False))
    return [(text, loss) for text, loss in out if text]


def encode_row(
    tokenizer: PreTrainedTokenizerBase, row: ChatRow, completion_only: bool = True
) -> Encoded:
    """Token ids and labels of one conversation."""
    ids: list[int] = []
    labels: list[int] = []
    for text, loss in pieces(tokenizer, row, completion_only):
        piece = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        ids += piece
        labels += piece if loss else [IGNORE] * len(piece)
    return Encoded(ids, labels, row.name)


def encode_rows(
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[ChatRow],
    max_length: int,
    completion_only: bool = True,
) -> tuple[list[Encoded], dict[str, int]]:
    """Every row that fits, and how many were left out by reason (`over_long`,
    `no_target`).

    Over-long rows are dropped, never cut: half an answer is not an answer.
    """
    kept: list[Encoded] = []
    dropped: dict[str, int] = {}
    for row in rows:
        item = encode_row(tokenizer, row, completion_only)
        reason = (
            "over_long"
            if len(item.ids) > max_length
            else ""
            if item.targets
            else "no_target"
        )
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            kept.append(item)
    return kept, dropped
