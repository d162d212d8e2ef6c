"""What a format is, and what all of them share: the conversation of a sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from afs_stages.core.sample import TrainingSample, is_learnt

CotMode = Literal["separate", "embedded", "drop"]
OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class Style:
    """How samples are rendered: where the thinking goes,
    and the system prompt of each domain.
    """

    cot_mode: CotMode = "separate"
    system_prompt: str = ""
    system_prompts: dict[str, str] = field(default_factory=dict)

    def system(self, sample: TrainingSample) -> str:
        """The system prompt of a sample: the one it came with, else its domain's, else
        the general one.
        """
        own = sample.metadata.get("system")
        return (
            own
            if isinstance(own, str)
            else self.system_prompts.get(sample.domain, self.system_prompt)
        )


class Format:
    """One format: a row for a sample, and a sample for a row."""

    name: ClassVar[str] = ""

    def render(self, sample: TrainingSample, style: Style) -> dict[str, Any]:
        """The row of a sample."""
        raise TypeError(f"{type(self).__name__} must define render()")

    def parse(self, row: dict[str, Any]) -> TrainingSample:
        """The sample a row describes.
        Raises KeyError, TypeError or ValueError for a row of another shape.
        """
        raise TypeError(f"{type(self).__name__} must define parse()")


def messages(sample: TrainingSample, style: Style) -> list[dict[str, Any]]:
    """The whole conversation as OpenAI messages, context marked `train: false`;
    thinking is embedded in the last answer if asked for.
    """
    if sample.messages is not None:
        rows = list(sample.messages)
    else:
        request = (
            f"{sample.instruction}\n\n{sample.input}"
            if sample.input
            else sample.instruction
        )
        rows = [
            {"role": "user", "content": request},
            {"role": "assistant", "content": sample.output},
        ]
    if not any(is_learnt(row) for row in rows):
        raise ValueError("the conversation has no answer to learn")
    if sample.thinking and style.cot_mode == "embedded":
        last = last_answer(rows)
        rows[last] = {
            **rows[last],
            "content": embed(sample.thinking, rows[last].get("content") or ""),
        }
    system = style.system(sample)
    if system and rows[0]["role"] != "system":
        rows.insert(0, {"role": "system", "content": system})
    return rows


def all_learnt(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages of a format in which an answer without a mark is learnt.

    A record takes earlier answers for context, so here they are marked as learnt.
    """
    return [
        {"train": True, **row} if row["role"] == "assistant" else row for row in rows
    ]


def last_answer(rows: list[dict[str, Any]]) -> int:
    """The place of the last answer that has a text;
    of the last answer where none has.
    """
    answers = [i for i, row in enumerate(rows) if row["role"] == "assistant"]
    return max((i for i in answers if rows[i].get("content")), default=answers[-1])


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


def sample_of(
    rows: list[dict[str, Any]], thinking: str | None = None, **fields: Any
) -> TrainingSample:
    """The sample of a conversation; one request and one answer become its
    single-turn form.

    The system prompt of a longer one stays its first message, that of a single turn
    goes to `_metadata.system`. Raises ValueError where nothing is asked or learnt.
    """
    body = rows[1:] if rows and rows[0]["role"] == "system" else rows
    asked = [row for row in body if row["role"] == "user"]
    if not asked or not any(is_learnt(row) for row in body):
        raise ValueError("the conversation has no request or no answer to learn")
    last = body[last_answer(body)]
    embedded, answer = unembed(last.get("content") or "")
    if embedded is not None:
        rows = [{**row, "content": answer} if row is last else row for row in rows]
    simple = [row["role"] for row in body] == ["user", "assistant"] and not body[1].get(
        "tool_calls"
    )
    metadata = (
        {"system": rows[0]["content"]} if simple and len(rows) > len(body) else {}
    )
    return TrainingSample(
        instruction=asked[-1]["content"],
        output=answer,
        thinking=thinking or embedded,
        messages=None if simple else rows,
        metadata=metadata,
        **fields,
    )
