"""ShareGPT: `conversations` of human, gpt, function_call and observation, as LLaMA-Factory and axolotl read it."""

from __future__ import annotations

from typing import Any

import msgspec

from afs_stages.core.jsonl import decode
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import Format, Style, messages, sample_of


class ShareGPT(Format):
    """One row per conversation; tool schemas stand as JSON text in `tools`."""

    name = "sharegpt"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row."""
        turns: list[dict[str, str]] = []
        for message in messages(sample, style):
            turns += _turns(message)
        row: dict[str, Any] = {"conversations": turns}
        if turns[0]["from"] == "system":
            row["system"] = turns.pop(0)["value"]
        if sample.tools:
            row["tools"] = _json(sample.tools)
        if sample.thinking and style.cot_mode == "separate":
            row["thinking"] = sample.thinking
        return row

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; calls get their ids by order."""
        rows: list[dict[str, Any]] = []
        calls = 0
        for turn in row["conversations"]:
            kind, value = turn["from"], turn["value"]
            if kind == "function_call":
                calls += 1
                call = decode(value)
                function = {"name": call["name"], "arguments": _json(call["arguments"])}
                rows.append(
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": f"call_{calls}", "type": "function", "function": function}],
                    }
                )
            elif kind == "observation":
                rows.append({"role": "tool", "tool_call_id": f"call_{calls}", "content": value})
            else:
                rows.append({"role": _ROLES[kind], "content": value})
        tools = decode(row["tools"]) if row.get("tools") else None
        return sample_of(rows, row.get("thinking"), tools=tools)


_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def _turns(message: dict[str, Any]) -> list[dict[str, str]]:
    content = message.get("content") or ""
    if message["role"] == "tool":
        return [{"from": "observation", "value": content}]
    if message["role"] != "assistant":
        return [{"from": "human" if message["role"] == "user" else "system", "value": content}]
    turns = [{"from": "gpt", "value": content}] if content else []
    for call in message.get("tool_calls") or []:
        function = call["function"]
        value = {"name": function["name"], "arguments": _arguments(function["arguments"])}
        turns.append({"from": "function_call", "value": _json(value)})
    return turns


def _arguments(text: str) -> Any:
    try:
        return decode(text.encode())
    except msgspec.DecodeError:
        return {"input": text}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
