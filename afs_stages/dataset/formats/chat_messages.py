"""Chat messages as training programs read them: what TRL, axolotl and the trainer here
put through a model's chat template.

It differs from OpenAI's format in what chat templates need. Arguments of a call are a
mapping: as text, the templates of Qwen 2.5, Llama 3.1 and Gemma 4 encode them twice,
and GLM's fails. Every message has a text. Tool schemas stand as JSON text, for in one
column `datasets` may give each schema the properties of all others.
"""

from __future__ import annotations

from typing import Any

from afs_stages.core.jsonl import decode
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import (
    Format,
    Style,
    all_learnt,
    last_answer,
    messages,
    sample_of,
)
from afs_stages.dataset.formats.calls import to_json, with_mapping, with_text


class Messages(Format):
    """One row per conversation; answers that are context have `train: false`."""

    name = "messages"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row; separate thinking is `reasoning_content` of the last answer, as chat
        templates read it.
        """
        rows = [_with_mappings(row) for row in messages(sample, style)]
        if sample.thinking and style.cot_mode == "separate":
            last = last_answer(rows)
            rows[last] = {**rows[last], "reasoning_content": sample.thinking}
        row: dict[str, Any] = {"messages": rows}
        if sample.tools:
            row["tools"] = to_json(sample.tools)
        return row

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; an answer is learnt unless it has `train: false`."""
        rows = [_with_text(message) for message in row["messages"]]
        thoughts = [
            thought
            for message in rows
            if (thought := message.pop("reasoning_content", None))
        ]
        tools = row.get("tools")
        if isinstance(tools, str):
            tools = decode(tools.encode()) if tools else None
        thinking = thoughts[-1] if thoughts else None
        return sample_of(all_learnt(rows), thinking, tools=tools or None)


def _with_mappings(message: dict[str, Any]) -> dict[str, Any]:
    row = {**message, "content": message.get("content") or ""}
    if row.get("tool_calls"):
        row["tool_calls"] = [with_mapping(call) for call in row["tool_calls"]]
    return row


def _with_text(message: dict[str, Any]) -> dict[str, Any]:
    row = dict(message)
    if not row.get("tool_calls"):
        return row
    if not row.get("content"):
        row.pop("content", None)
    row["tool_calls"] = [with_text(call) for call in row["tool_calls"]]
    return row
