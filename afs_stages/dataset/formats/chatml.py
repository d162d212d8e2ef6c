"""ChatML text: the conversation between `<|im_start|>role` and `<|im_end|>` marks, in one `text` field."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from afs_stages.core.jsonl import decode
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import Format, Style, embed, messages, sample_of

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.S)
_CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.S)


class ChatML(Format):
    """One row per conversation; separate thinking stands between think marks, since text has one column."""

    name = "chatml"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row."""
        rows = messages(sample, style)
        if sample.thinking and style.cot_mode == "separate":
            last = max(i for i, row in enumerate(rows) if row["role"] == "assistant")
            rows[last] = {**rows[last], "content": embed(sample.thinking, rows[last].get("content") or "")}
        return {"text": "".join(f"<|im_start|>{row['role']}\n{_body(row)}<|im_end|>\n" for row in rows)}

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row."""
        rows: list[dict[str, Any]] = []
        calls = 0
        for role, body in _TURN.findall(row["text"]):
            found = _CALL.findall(body)
            message: dict[str, Any] = {"role": role, "content": _CALL.sub("", body).rstrip("\n") if found else body}
            if found:
                message["tool_calls"] = []
                for text in found:
                    calls += 1
                    call = decode(text.encode())
                    message["tool_calls"].append({"id": f"call_{calls}", "type": "function", "function": call})
            if role == "tool":
                message["tool_call_id"] = f"call_{calls}"
            rows.append({key: value for key, value in message.items() if value != "" or key == "role"})
        return sample_of(rows)


def _body(row: dict[str, Any]) -> str:
    calls = [msgspec.json.encode(call["function"]).decode() for call in row.get("tool_calls") or []]
    return "\n".join([*filter(None, [row.get("content")]), *(f"<tool_call>\n{call}\n</tool_call>" for call in calls)])
