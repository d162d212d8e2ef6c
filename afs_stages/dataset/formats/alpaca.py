"""Alpaca: instruction, input, output, with `system` and `history` as LLaMA-Factory reads them.

Tool calls have no place in it: they are rendered as text in the history.
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
        output = sample.output
        if sample.thinking and style.cot_mode == "embedded":
            output = embed(sample.thinking, output)
        row: dict[str, Any] = {"instruction": sample.instruction, "input": sample.input, "output": output}
        if system := style.system(sample):
            row["system"] = system
        if history := _history(sample):
            row["history"] = history
        if sample.thinking and style.cot_mode == "separate":
            row["thinking"] = sample.thinking
        return row

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample of a row; a history becomes messages."""
        embedded, output = unembed(row["output"])
        thinking = row.get("thinking") or embedded
        history = row.get("history") or []
        if not history:
            return TrainingSample(
                instruction=row["instruction"], input=row.get("input") or "", output=output, thinking=thinking
            )
        request = f"{row['instruction']}\n\n{row['input']}" if row.get("input") else row["instruction"]
        pairs = [*history, [request, output]]
        roles = ("user", "assistant")
        rows = [{"role": role, "content": text} for pair in pairs for role, text in zip(roles, pair, strict=True)]
        return sample_of(rows, thinking)


def _history(sample: TrainingSample) -> list[list[str]]:
    """Earlier [request, answer] pairs; what a tool was asked and said stands in the answer."""
    pairs: list[list[str]] = []
    for message in sample.messages or []:
        if message.role == "user":
            pairs.append([message.content or "", ""])
        elif pairs and message.role != "system":
            calls = [
                f"[call {call['function']['name']} {call['function']['arguments']}]"
                for call in message.tool_calls or []
            ]
            text = f"[result] {message.content}" if message.role == "tool" else message.content or ""
            pairs[-1][1] = "\n".join(part for part in (pairs[-1][1], text, *calls) if part)
    return pairs[:-1]
