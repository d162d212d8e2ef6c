"""From the turns of a conversation to samples: one per request and its final answer.

What happened between (tool calls and results) stays in `messages`; a follow-up turn carries the turns
before it, newest first kept, within a token budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from afs_stages.core.sample import Message, TrainingSample
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.redaction import Redactor

CHARS_PER_TOKEN = 4
"""A common rule of thumb for English and code; only the context budget rests on it."""
MIN_ANSWER = 20
"""Shorter answers ("Done.", "ok") teach nothing."""


class ConversationOptions(Options):
    """Options of every source made of conversations."""

    redact: bool = True
    context_tokens: int = Field(default=2048, ge=0)
    max_tool_output_chars: int = Field(default=2000, ge=0)


@dataclass
class Turn:
    """A person's request and all that followed until the next one."""

    request: str
    line: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    fault: str = ""
    """Why the turn cannot be used (`interrupted`, `api_error`, …); empty when it can."""

    @property
    def answer(self) -> str:
        """The text after the last tool result; empty when the turn ended in a call."""
        parts: list[str] = []
        for step in self.steps:
            if step["role"] == "tool" or step.get("tool_calls"):
                parts = []
            elif step["role"] == "assistant" and step.get("content"):
                parts.append(step["content"])
        return "\n\n".join(parts).strip()


@dataclass
class Conversation:
    """One session: its id (its group), the file it came from, its turns in order."""

    session: str
    file: str
    turns: list[Turn] = field(default_factory=list)


def samples(
    generator: BaseGenerator, conversation: Conversation, options: ConversationOptions
) -> Iterator[TrainingSample]:
    """The samples of a conversation; every turn left out is counted in the generator's tally."""
    redact = Redactor(options.redact)
    context: list[tuple[str, str]] = []
    for turn in conversation.turns:
        generator.tally.seen += 1
        before = dict(redact.counts)
        request = redact(turn.request.strip())
        steps = [_clean(step, redact, options.max_tool_output_chars) for step in turn.steps]
        answer = redact(turn.answer)
        fault = _fault(turn, request, answer)
        if fault:
            generator.tally.drop(fault)
        else:
            yield _sample(generator, conversation, turn, request, answer, steps, context, redact, before, options)
        if answer and fault in ("", "short_answer"):
            context.append((request, answer))
    for kind, count in redact.counts.items():
        generator.tally.redactions[kind] = generator.tally.redactions.get(kind, 0) + count


def _fault(turn: Turn, request: str, answer: str) -> str:
    if turn.fault:
        return turn.fault
    if not request:
        return "empty_request"
    if not answer:
        return "no_final_answer" if turn.steps else "no_answer"
    return "short_answer" if len(answer) < MIN_ANSWER else ""


def _sample(
    generator: BaseGenerator,
    conversation: Conversation,
    turn: Turn,
    request: str,
    answer: str,
    steps: list[dict[str, Any]],
    context: list[tuple[str, str]],
    redact: Redactor,
    before: dict[str, int],
    options: ConversationOptions,
) -> TrainingSample:
    history = _history(context, options.context_tokens * CHARS_PER_TOKEN)
    rows = [*history, {"role": "user", "content": request}, *steps]
    simple = len(rows) == 2 and not rows[1].get("tool_calls")
    redactions = {kind: n - before.get(kind, 0) for kind, n in redact.counts.items() if n > before.get(kind, 0)}
    metadata: dict[str, Any] = {
        "provenance": {
            "file": redact(conversation.file),
            "line": turn.line,
            "kind": "turn",
            "session": redact(conversation.session),
        },
        "group": f"{generator.name}:session:{redact(conversation.session)}",
    }
    if redactions:
        metadata["redactions"] = dict(sorted(redactions.items()))
    return TrainingSample(
        instruction=request,
        output=answer,
        thinking=redact("\n\n".join(turn.thinking).strip()) or None,
        messages=None if simple else [Message.model_validate(row) for row in rows],
        domain=generator.domain,
        source=generator.name,
        _metadata=metadata,
    )


def _history(context: list[tuple[str, str]], budget: int) -> list[dict[str, Any]]:
    """The newest earlier turns whose text fits the budget, in their order."""
    kept: list[dict[str, Any]] = []
    for request, answer in reversed(context):
        budget -= len(request) + len(answer)
        if budget < 0:
            break
        kept[:0] = [{"role": "user", "content": request}, {"role": "assistant", "content": answer}]
    return kept


def _clean(step: dict[str, Any], redact: Redactor, limit: int) -> dict[str, Any]:
    cleaned = dict(step)
    if step.get("content") is not None:
        text = redact(step["content"])
        if step["role"] == "tool" and len(text) > limit:
            text = f"{text[:limit]}\n[… {len(text) - limit} more characters]"
        cleaned["content"] = text
    if step.get("tool_calls"):
        cleaned["tool_calls"] = redact.value(step["tool_calls"])
    return cleaned


def tool_call(id: str, name: str, arguments: str) -> dict[str, Any]:
    """An assistant step that calls one tool, in OpenAI's format; `arguments` is JSON text."""
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "tool_calls": [call]}
