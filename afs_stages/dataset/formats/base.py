"""What a format is, and what all of them share: the conversation of a sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from afs_stages.core.sample import Message, TrainingSample

CotMode = Literal["separate", "embedded", "drop"]
OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class Style:
    """How samples are rendered: where the thinking goes, and the system prompt of each domain."""

    cot_mode: CotMode = "separate"
    system_prompt: str = ""
    system_prompts: dict[str, str] = field(default_factory=dict)

    def system(self, sample: TrainingSample) -> str:
        """The system prompt of a sample."""
        return self.system_prompts.get(sample.domain, self.system_prompt)


class Format:
    """One format: a row for a sample, and a sample for a row."""

    name: ClassVar[str] = ""

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row of a sample."""
        raise TypeError(f"{type(self).__name__} must define render()")

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample a row describes. Raises KeyError, TypeError or ValueError for a row of another shape."""
        raise TypeError(f"{type(self).__name__} must define parse()")


def messages(sample: TrainingSample, style: Style) -> list[dict[str, Any]]:
    """The whole conversation as OpenAI messages; thinking is embedded in the last answer if asked for."""
    if sample.messages is not None:
        rows = [message.model_dump(exclude_none=True) for message in sample.messages]
    else:
        request = f"{sample.instruction}\n\n{sample.input}" if sample.input else sample.instruction
        rows = [{"role": "user", "content": request}, {"role": "assistant", "content": sample.output}]
    if sample.thinking and style.cot_mode == "embedded":
        last = max(i for i, row in enumerate(rows) if row["role"] == "assistant")
        rows[last] = {**rows[last], "content": embed(sample.thinking, rows[last].get("content") or "")}
    system = style.system(sample)
    if system and rows[0]["role"] != "system":
        rows.insert(0, {"role": "system", "content": system})
    return rows


def embed(thinking: str, answer: str) -> str:
    """The thinking before the answer, between marks that reading back removes."""
    return f"{OPEN}\n{thinking}\n{CLOSE}\n\n{answer}"


def unembed(text: str) -> tuple[str | None, str]:
    """(thinking, answer) of a text made by `embed`; (None, text) of any other."""
    head = f"{OPEN}\n"
    if not text.startswith(head) or f"\n{CLOSE}\n\n" not in text:
        return None, text
    thinking, _, answer = text[len(head) :].partition(f"\n{CLOSE}\n\n")
    return thinking, answer


def sample_of(rows: list[dict[str, Any]], thinking: str | None = None, **fields: Any) -> TrainingSample:
    """The sample of a conversation; one request and one answer become its single-turn form."""
    body = rows[1:] if rows and rows[0]["role"] == "system" else rows
    asked = [row for row in body if row["role"] == "user"]
    answered = [row for row in body if row["role"] == "assistant" and row.get("content")]
    if not asked or not answered:
        raise ValueError("the conversation has no request or no answer")
    embedded, answer = unembed(answered[-1]["content"])
    if embedded is not None:
        body = [{**row, "content": answer} if row is answered[-1] else row for row in body]
    simple = [row["role"] for row in body] == ["user", "assistant"] and not body[1].get("tool_calls")
    return TrainingSample(
        instruction=asked[-1]["content"],
        output=answer,
        thinking=thinking or embedded,
        messages=None if simple else [Message.model_validate(row) for row in body],
        **fields,
    )
