"""ChatML text: the conversation between `<|im_start|>role` and `<|im_end|>` marks, in
one `text` field.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import (
    Format,
    Style,
    embed,
    last_answer,
    messages,
    sample_of,
)
from afs_stages.dataset.formats.calls import answered, call

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.S)
_MARKS = ("<|im_start|>", "<|im_end|>", "<tool_call>")
_CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.S)


class ChatML(Format):
    """One row per conversation; separate thinking stands between think marks, since
    text has one column.
    """

    name = "chatml"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row.
        Raises ValueError for a text that holds the format's own marks:
        they cannot be escaped.
        """
        rows = messages(sample, style)
        if sample.thinking and style.cot_mode == "separate":
            last = last_answer(rows)
            rows[last] = {
                **rows[last],
                "content": embed(sample.thinking, rows[last].get("content") or ""),
            }
        if any(mark in (row.get("content") or "") for row in rows for mark in _MARKS):
            raise ValueError("a text holds ChatML's own marks")
        return {
            "text": "".join(
                f"<|im_start|>{row['role']}\n{_body(row)}<|im_end|>\n" for row in rows
            )
        }

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; calls get their ids by order,
        and results answer them in it.
        """
        rows: list[dict[str, Any]] = []
        open_calls: list[str] = []
        for role, body in _TURN.findall(row["text"]):
            content, *_ = body.split("<tool_call>\n", 1)
            message: dict[str, Any] = {"role": role}
            if calls := [
                call(text, len(open_calls) + i)
                for i, text in enumerate(_CALL.findall(body), 1)
            ]:
                message["tool_calls"] = calls
                content = content.removesuffix("\n")
                open_calls += [item["id"] for item in calls]
            if role == "tool":
                message["tool_call_id"] = answered(rows, open_calls)
            if content or role != "assistant":
                message["content"] = content
            rows.append(message)
        return sample_of(rows)


def _body(row: dict[str, Any]) -> str:
    calls = [
        msgspec.json.encode(call["function"]).decode()
        for call in row.get("tool_calls") or []
    ]
    return "\n".join(
        [
            *filter(None, [row.get("content")]),
            *(f"<tool_call>\n{call}\n</tool_call>" for call in calls),
        ]
    )
