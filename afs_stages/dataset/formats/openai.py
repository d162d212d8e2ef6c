"""OpenAI's chat format: `messages`, with tool calls and `tools`,
as its fine-tuning takes it.
"""

from __future__ import annotations

from typing import Any

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import (
    Format,
    Style,
    all_learnt,
    last_answer,
    messages,
    sample_of,
)
from afs_stages.dataset.formats.calls import with_text


class OpenAI(Format):
    """One row per conversation."""

    name = "openai"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row; separate thinking is `reasoning_content` of the last answer, as chat
        templates read it.

        OpenAI's own fine-tuning knows no such key: for it,
        embed the thinking or drop it. Answers that are context have `weight: 0`.
        """
        rows = [_weighted(row) for row in messages(sample, style)]
        if sample.thinking and style.cot_mode == "separate":
            last = last_answer(rows)
            rows[last] = {**rows[last], "reasoning_content": sample.thinking}
        return (
            {"messages": rows, "tools": sample.tools}
            if sample.tools
            else {"messages": rows}
        )

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; an answer is learnt unless its `weight` is 0."""
        rows = all_learnt([_marked(message) for message in row["messages"]])
        thoughts = [
            thought
            for message in rows
            if (thought := message.pop("reasoning_content", None))
        ]
        return sample_of(
            rows, thoughts[-1] if thoughts else None, tools=row.get("tools")
        )


def _weighted(message: dict[str, Any]) -> dict[str, Any]:
    """A message with its mark as OpenAI's fine-tuning reads it: 0 is context, and 1 is
    what an answer has without a mark.
    """
    others = {key: value for key, value in message.items() if key != "train"}
    if others.get("tool_calls"):
        others["tool_calls"] = [with_text(call) for call in others["tool_calls"]]
    return {**others, "weight": 0} if message.get("train") is False else others


def _marked(message: dict[str, Any]) -> dict[str, Any]:
    row = dict(message)
    weight = row.pop("weight", None)
    return row if weight is None else {**row, "train": bool(weight)}
