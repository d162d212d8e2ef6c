"""From a session, told event by event, to samples:
one per request and its final answer.

What happened between (tool calls and results) stays in `messages`; a follow-up turn
carries the turns before it, newest first kept, within a token budget. Text is redacted
as it comes in, so that a session of any length needs the memory of one turn.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from afs_stages.core.sample import TrainingSample
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.redaction import LONGEST, Redactor
from afs_stages.sources.toolcalls import ToolStep, arrange, call, result

CHARS_PER_TOKEN = 4
"""A common rule of thumb for English and code; only the context budget rests on it."""
MIN_ANSWER = 20
"""Characters. Shorter answers ("Done.", "ok") teach nothing."""
IN_CONTEXT = ("", "short_answer", "repeated")
"""Faults that do not keep a turn from standing before the next one."""


class ConversationOptions(Options):
    """Options of every source made of conversations."""

    redact: bool = True
    context_tokens: int = Field(
        default=512, ge=0, description="budget of earlier turns before a follow-up turn"
    )
    max_tool_output_chars: int = Field(
        default=2000, ge=0, description="longer tool results are cut, and say so"
    )


@dataclass
class Turn:
    """A person's request and all that followed until the next one, redacted."""

    request: str
    line: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    fault: str = ""
    """Why the turn cannot be used (`interrupted`, `api_error`, …);
    empty when it can.
    """


class Dialogue:
    """One session.
    `ask` opens a turn and gives back the sample of the one before,
    `close` the last one's.

    `session` is what its samples are grouped by; `repeats`, when given, holds the turns
    met so far: one met again is left out as `repeated`, yet stays in the context of the
    turns after it.
    """

    def __init__(
        self,
        generator: BaseGenerator,
        session: str,
        file: str,
        options: ConversationOptions,
        kind: str = "turn",
    ) -> None:
        self.redact = Redactor(options.redact)
        self.generator, self.options, self.kind = generator, options, kind
        self.session, self.file = self.redact(session), self.redact(file)
        self.turn: Turn | None = None
        self.repeats: set[bytes] | None = None
        self.forked = False
        self._context: deque[tuple[str, str]] = deque()
        self._counted: dict[str, int] = {}

    def ask(self, request: str, line: int, fault: str = "") -> TrainingSample | None:
        """Open a turn; returns the sample of the turn before it, if it makes one."""
        finished = self.close()
        self.turn = Turn(self.redact(clean(request)), line, fault=fault)
        return finished

    def say(self, text: str) -> None:
        """Take text of the assistant."""
        if self.turn and text.strip():
            self.turn.steps.append(
                {"role": "assistant", "content": self.redact(clean(text))}
            )

    def think(self, text: str) -> None:
        """Take reasoning of the assistant."""
        if self.turn and text.strip():
            self.turn.thinking.append(self.redact(clean(text)))

    def call(self, id: str, name: str, arguments: Any) -> None:
        """Take a tool call; `arguments` is the decoded value,
        or text where it was no JSON.
        """
        if self.turn:
            self.turn.steps.append(
                call(id, self.redact(name), self.redact.value(arguments))
            )

    def result(self, id: str, text: str) -> None:
        """Take the result of a call."""
        if self.turn:
            self.turn.steps.append(result(id, self._cut(clean(text))))

    def fail(self, fault: str) -> None:
        """Mark the open turn as unusable; the first reason stays."""
        if self.turn:
            self.turn.fault = self.turn.fault or fault

    def mend(self, fault: str) -> None:
        """Take a fault back: the tool tried again and succeeded."""
        if self.turn and self.turn.fault == fault:
            self.turn.fault = ""

    def close(self) -> TrainingSample | None:
        """End the open turn: its sample, or None and a reason counted in the tally."""
        turn, self.turn = self.turn, None
        if turn is None:
            return None
        self.generator.tally.seen += 1
        rows = arrange(turn.steps)
        answer = final_answer(turn.steps, rows)
        fault = (
            turn.fault or self._repeated(turn.request, answer) or _fault(turn, answer)
        )
        redactions = self._new_redactions()
        if fault:
            self.generator.tally.drop(fault)
        sample = None if fault else self._sample(turn, rows, answer, redactions)
        if turn.request and answer and fault in IN_CONTEXT:
            self._remember(turn.request, answer)
        return sample

    def _repeated(self, request: str, answer: str) -> str:
        if self.repeats is None:
            return ""
        key = hashlib.blake2b(
            f"{request}\x1f{answer}".encode(), digest_size=12
        ).digest()
        known = key in self.repeats
        self.repeats.add(key)
        return "repeated" if known and self.forked else ""

    def _new_redactions(self) -> dict[str, int]:
        """Redactions since the last turn, by kind;
        they are counted in the tally too.
        """
        counts = self.redact.counts
        new = {
            kind: n - self._counted.get(kind, 0) for kind, n in sorted(counts.items())
        }
        self._counted = dict(counts)
        new = {kind: n for kind, n in new.items() if n}
        self.generator.tally.redacted(new)
        return new

    def _remember(self, request: str, answer: str) -> None:
        self._context.append((request, answer))
        budget = self.options.context_tokens * CHARS_PER_TOKEN
        while self._context and sum(len(a) + len(b) for a, b in self._context) > budget:
            self._context.popleft()

    def _cut(self, text: str) -> str:
        """A tool result, redacted, at most as long as the options say; never cut
        through a secret.
        """
        limit = self.options.max_tool_output_chars
        head = self.redact(text[: limit + 2 * LONGEST])
        if len(text) > limit + 2 * LONGEST:
            head = head[:-LONGEST]
        return (
            head
            if len(head) <= limit
            else f"{head[:limit]}\n[… {len(text) - limit} more characters]"
        )

    def _sample(
        self,
        turn: Turn,
        rows: list[dict[str, Any]],
        answer: str,
        redactions: dict[str, int],
    ) -> TrainingSample:
        messages: list[dict[str, Any]] = []
        for request, reply in self._context:
            messages.append({"role": "user", "content": request})
            messages.append({"role": "assistant", "content": reply})
        messages += [{"role": "user", "content": turn.request}, *rows]
        provenance = {
            "file": self.file,
            "line": turn.line,
            "kind": self.kind,
            "session": self.session,
        }
        metadata: dict[str, Any] = {
            "provenance": provenance,
            "group": f"{self.generator.name}:session:{self.session}",
        }
        if redactions:
            metadata["redactions"] = redactions
        return TrainingSample(
            instruction=turn.request,
            output=answer,
            thinking="\n\n".join(turn.thinking) or None,
            messages=None if len(messages) == 2 else messages,
            domain=self.generator.domain,
            source=self.generator.name,
            metadata=metadata,
        )


def final_answer(steps: list[ToolStep], rows: list[ToolStep]) -> str:
    """The assistant's text that ends a turn; empty where the turn ends in a call or in
    a tool's result.

    `steps` are the turn's events as they were told, `rows` the same as messages. The
    steps decide: a call without a result is no message, and what was said before it
    only announced it.
    """
    if not steps or "content" not in steps[-1] or steps[-1]["role"] != "assistant":
        return ""
    return str(rows[-1]["content"])


def _fault(turn: Turn, answer: str) -> str:
    if not turn.request:
        return "empty_request"
    if not answer:
        return "no_final_answer" if turn.steps else "no_answer"
    return "short_answer" if len(answer) < MIN_ANSWER else ""


def clean(text: str) -> str:
    """Text without surrounding blanks, NUL characters and lone surrogates,
    which no file can hold.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    return (
        text.strip()
        if text.isascii()
        else text.encode("utf-8", "replace").decode().strip()
    )
