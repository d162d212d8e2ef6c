"""Alpaca: instruction, input, output, with `system` and `history` as
LLaMA-Factory reads them.

Tool calls have no place in it: they stand as text, a call in the answer, its result in
the next request.
"""

from __future__ import annotations

from typing import Any

from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.formats.base import Format, Style, embed, sample_of, unembed


class Alpaca(Format):
    """One row per sample: the last request and answer, earlier turns in `history`."""

    name = "alpaca"

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row; `thinking` stands in a column of its own when kept separate."""
        if sample.messages is None and not sample.thinking:
            row: dict[str, Any] = {
                "instruction": sample.instruction,
                "input": sample.input,
                "output": sample.output,
            }
            if system := style.system(sample):
                row["system"] = system
            return row
        pairs = _pairs(sample)
        request, output = pairs[-1] if pairs else (sample.instruction, sample.output)
        if sample.thinking and style.cot_mode == "embedded":
            output = embed(sample.thinking, output)
        row = {
            "instruction": request,
            "input": "" if pairs else sample.input,
            "output": output,
        }
        own = [
            message.get("content") or ""
            for message in (sample.messages or [])[:1]
            if message["role"] == "system"
        ]
        if system := (own or [style.system(sample)])[0]:
            row["system"] = system
        if pairs[:-1]:
            row["history"] = pairs[:-1]
        if sample.thinking and style.cot_mode == "separate":
            row["thinking"] = sample.thinking
        return row

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; a history becomes messages."""
        embedded, output = unembed(row["output"])
        thinking = row.get("thinking") or embedded
        history = row.get("history") or []
        system = row.get("system") or ""
        if not history:
            return TrainingSample(
                instruction=row["instruction"],
                input=row.get("input") or "",
                output=output,
                thinking=thinking,
                metadata={"system": system} if system else {},
            )
        request = (
            f"{row['instruction']}\n\n{row['input']}"
            if row.get("input")
            else row["instruction"]
        )
        pairs = [*history, [request, output]]
        roles = ("user", "assistant")
        rows = [
            {"role": role, "content": text}
            for pair in pairs
            for role, text in zip(roles, pair, strict=True)
        ]
        return sample_of(
            [{"role": "system", "content": system}, *rows] if system else rows, thinking
        )


def _pairs(sample: TrainingSample) -> list[list[str]]:
    """[request, answer] of each turn.
    A tool's result is part of a request: no answer must be taught to make it up.
    """
    pairs: list[list[str]] = []
    for message in sample.messages or []:
        role, content = message["role"], message.get("content") or ""
        if role == "assistant":
            calls = [
                f"[call {call['function']['name']} {call['function']['arguments']}]"
                for call in message.get("tool_calls", ())
            ]
            side, text = 1, "\n".join(part for part in (content, *calls) if part)
        else:
            side, text = 0, content
            text = f"[result] {text}" if role == "tool" else text
        if role == "system":
            continue
        if not pairs or (side == 0 and pairs[-1][1]):
            pairs.append(["", ""])
        pairs[-1][side] = f"{pairs[-1][side]}\n{text}" if pairs[-1][side] else text
    return pairs
