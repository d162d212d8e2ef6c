"""ShareGPT: `conversations` of human, gpt, function_call and observation, as
LLaMA-Factory and axolotl read it.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from afs_stages.core.jsonl import decode
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import (
    Format,
    Style,
    all_learnt,
    messages,
    sample_of,
)
from afs_stages.dataset.formats.calls import answered, arguments_of, call, to_json


class ShareGPT(Format):
    """One row per conversation; tool schemas stand as JSON text in `tools`."""

    name = "sharegpt"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row; turns that are context have `train: false`, as axolotl reads it."""
        turns = _turns(messages(sample, style))
        row: dict[str, Any] = {"conversations": turns}
        if turns[0]["from"] == "system":
            row["system"] = turns.pop(0)["value"]
        if sample.tools:
            row["tools"] = to_json(sample.tools)
        if sample.thinking and style.cot_mode == "separate":
            row["thinking"] = sample.thinking
        return row

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; calls get their ids by order,
        and results answer them in it. An answer is learnt unless it is marked.
        """
        rows: list[dict[str, Any]] = (
            [{"role": "system", "content": row["system"]}] if row.get("system") else []
        )
        calls: list[str] = []
        for turn in row["conversations"]:
            if turn["from"] == "function_call":
                rows.append(_calling(turn, calls))
            elif turn["from"] == "observation":
                for content in _results(turn):
                    rows.append(
                        {
                            "role": "tool",
                            "tool_call_id": answered(rows, calls),
                            "content": content,
                        }
                    )
            else:
                said = {"role": _ROLES[turn["from"]], "content": turn["value"]}
                rows.append({**said, **_mark(turn)})
        tools = decode(row["tools"]) if row.get("tools") else None
        return sample_of(all_learnt(rows), row.get("thinking"), tools=tools)


_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}


def _turns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns that alternate as loaders ask for: one call turn for all calls of a
    message, one observation for all their results. What was said beside a call stands
    in `said`, as the call's turn has no room for it.
    """
    turns: list[dict[str, Any]] = []
    for role, group in groupby(rows, key=lambda row: row["role"]):
        if role == "tool":
            results = [row.get("content") or "" for row in group]
            many = len(results) > 1
            turns.append(
                {
                    "from": "observation",
                    "value": to_json(results) if many else results[0],
                }
            )
            if many:
                turns[-1]["results"] = str(len(results))
        else:
            turns += [_turn(row) for row in group]
    return turns


def _turn(row: dict[str, Any]) -> dict[str, Any]:
    content = row.get("content") or ""
    calls = [
        {"name": call["function"]["name"], "arguments": arguments_of(call["function"])}
        for call in row.get("tool_calls") or []
    ]
    if not calls:
        return {
            "from": {"user": "human", "assistant": "gpt"}.get(row["role"], row["role"]),
            "value": content,
            **_mark(row),
        }
    turn = {
        "from": "function_call",
        "value": to_json(calls if len(calls) > 1 else calls[0]),
        **_mark(row),
    }
    return {**turn, "said": content} if content else turn


def _calling(turn: dict[str, Any], calls: list[str]) -> dict[str, Any]:
    value = decode(turn["value"])
    found = [
        call(item, len(calls) + i)
        for i, item in enumerate(value if isinstance(value, list) else [value], 1)
    ]
    calls += [item["id"] for item in found]
    message: dict[str, Any] = {
        "role": "assistant",
        "tool_calls": found,
        **_mark(turn),
    }
    return {**message, "content": turn["said"]} if turn.get("said") else message


def _mark(turn: dict[str, Any]) -> dict[str, bool]:
    """The mark of a turn that is context; nothing for any other."""
    return {"train": False} if turn.get("train") is False else {}


def _results(turn: dict[str, Any]) -> list[str]:
    return (
        [str(item) for item in decode(turn["value"])]
        if turn.get("results")
        else [turn["value"]]
    )
