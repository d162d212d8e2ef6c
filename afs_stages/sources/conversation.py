"""From a session's events to samples: one per person's request and its final answer.

The rules that make a sample right stand here, once for all tools:

- The answer is the assistant's text that ends the turn. A turn that ends in a call, a
  result, an announcement or a text that was cut off has none (`no_final_answer`).
- A prompt typed while the model works, and "go on" after a turn that was stopped,
  belong to the running turn.
- What the tool itself says in the person's place is no request. Said after an answer it
  closes the turn, so that the model's reply to it never replaces the answer.
- Whatever is met is counted: turns met = samples + reasons.

Text is redacted as it comes in, so that a session of any length needs the memory of one
turn.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from afs_stages.core.params import Block
from afs_stages.core.sample import TrainingSample
from afs_stages.sources import events as at
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.earlier_turns import EarlierTurns
from afs_stages.sources.harness import HarnessReading, harness_of
from afs_stages.sources.redaction import LONGEST, Redactor
from afs_stages.sources.toolcalls import (
    ToolStep,
    arrange,
    call,
    is_text,
    numbered,
    result,
)
from afs_stages.sources.unexpected import guarded

MIN_ANSWER = 20
"""Characters. Shorter answers ("Done.", "ok") teach nothing."""
IN_CONTEXT = ("", "short_answer", "repeated")
"""Faults that do not keep a turn from standing before the next one."""
STOPPED = ("interrupted", "aborted", "api_error", "no_final_answer", "no_answer")
"""Faults that a person mends by asking the model to go on."""
_GO_ON = re.compile(
    r"(?:(?:ok|okay|yes|yeah|please|now|sorry|and)[,.!]?\s+)*"
    r"(?:go on|go ahead|continue|carry on|keep going|proceed|resume|try again|retry"
    r"|weiter|mach weiter|continuez?|contin[uú]a|继续|続けて)"
    r"(?:[,.]?\s+(?:please|now|then|working|from where you (?:left off|stopped)"
    r"|where you (?:left off|stopped)|with (?:it|that|this)))*\s*[.!…]*",
    re.I,
)
"""A whole request that asks for nothing but to go on."""


class ConversationOptions(Options):
    """Options of every source made of conversations."""

    redact: bool = True
    context_tokens: int = Field(
        default=512, ge=0, description="budget of earlier turns before a follow-up turn"
    )
    max_tool_output_chars: int = Field(
        default=2000, ge=0, description="longer tool results are cut, and say so"
    )


class SessionOptions(ConversationOptions):
    """Options of a tool that runs subagents."""

    include_subagents: bool = False


@dataclass
class Met:
    """What the sessions of a source have shown so far: the same turn in another file
    counts once.
    """

    keys: set[str] = field(default_factory=set)
    turns: set[bytes] = field(default_factory=set)


class SessionGenerator(BaseGenerator):
    """A source made of sessions: its reader yields them, this class takes them."""

    Options: ClassVar[type[Block]] = SessionOptions
    harness: ClassVar[str] = ""
    """The tool's file of harness text, such as `claude/harness.json`; empty: none."""
    options: SessionOptions

    def sessions(self) -> Iterator[at.Session]:
        """Yield the sessions in a stable order."""
        raise TypeError(f"{type(self).__name__} must define sessions()")

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per turn, session by session."""
        met = Met()
        for session in self.sessions():
            if session.subagent and not self.options.include_subagents:
                self.tally.met("subagent_file")
            else:
                with guarded(self.on_bad, session.file, 1):
                    yield from Conversation(self, session, met).samples()


@dataclass
class Turn:
    """A person's request and all that followed until the next one, redacted."""

    line: int
    requests: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    steps: list[ToolStep] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    fault: str = ""
    """Why the turn cannot be used (`interrupted`, `api_error`, …);
    empty when it can.
    """
    stopped: at.Stopped | None = None
    """How the model stopped last, where it had not answered."""
    only_context: bool = False

    @property
    def request(self) -> str:
        """What the person asked for, all that was typed."""
        return "\n\n".join(self.requests)

    @property
    def answered(self) -> bool:
        """Whether the turn ends in text of the assistant that was not cut off."""
        return bool(self.steps) and is_text(self.steps[-1]) and self.stopped is None

    def works(self) -> None:
        """The model goes on: what stopped it before is over."""
        self.stopped = None
        if self.fault == "api_error":
            self.fault = ""

    def fail(self, fault: str) -> None:
        """Mark the turn as unusable; the first reason stays."""
        self.fault = self.fault or fault


class Conversation:
    """One session, taken event by event."""

    def __init__(
        self, generator: BaseGenerator, session: at.Session, met: Met | None = None
    ) -> None:
        options: Any = generator.options
        self.redact = Redactor(options.redact)
        self.turn: Turn | None = None
        self._generator, self._session = generator, session
        self._tally = generator.tally
        self._harness = harness_of(getattr(generator, "harness", ""))
        self._met = met or Met()
        self._own: set[str] = set()
        self._file, self._group = self.redact(session.file), self.redact(session.id)
        # A source without these options has nothing to cut, and no earlier turns.
        self._limit: int = getattr(options, "max_tool_output_chars", sys.maxsize)
        self._earlier = EarlierTurns(getattr(options, "context_tokens", 0))
        self._goes_on_from_here = False
        self._begun = self._running = False
        self._system = ""
        self._tools = self.redact.value(session.tools) or None
        self._counted: Counter[str] = Counter()

    def samples(self) -> Iterator[TrainingSample]:
        """Yield a sample for each turn that makes one."""
        for event in self._session.events:
            sample = self._guarded(self._take, event)
            if sample is not None:
                yield sample
        sample = self._guarded(self._close)
        if sample is not None:
            yield sample
        self._met.keys |= self._own

    def _guarded(
        self, take: Callable[..., TrainingSample | None], *event: at.Event
    ) -> TrainingSample | None:
        """What `take` gives; an event that cannot be taken ends no export."""
        line = self.turn.line if self.turn else 1
        with guarded(self._generator.on_bad, self._session.file, line):
            return take(*event)
        # The event may have opened a turn: what follows is no answer to the open one.
        if self.turn is not None:
            self.turn.fail("unreadable_event")
        return None

    def _take(self, event: at.Event) -> TrainingSample | None:
        match event:
            case at.Prompt():
                return self._prompt(event)
            case at.Began():
                self._begun, self._running = True, False
            case at.Ended():
                self._begun = self._running = False
            case at.Instructed():
                self._system = self.redact(clean(event.text))
            case at.LeftOut():
                self._left_out(event)
            case at.Lost():
                return self._close() if self.turn and self.turn.answered else None
            case _ if self.turn is not None:
                self._follow(self.turn, event)
        return None

    def _follow(self, turn: Turn, event: at.Event) -> None:
        """Take what happens within a turn."""
        match event:
            case at.Said():
                self._said(turn, event)
            case at.Thought() if event.text.strip():
                turn.thinking.append(self.redact(clean(event.text)))
            case at.Called():
                turn.works()
                arguments = self.redact.value(event.arguments)
                turn.steps.append(call(event.id, self.redact(event.name), arguments))
            case at.Returned():
                turn.steps.append(result(event.id, self._cut(clean(event.text))))
            case at.Stopped():
                turn.stopped = event
            case at.Attached() if event.text.strip():
                self._attached(turn, event)
            case at.Faulted():
                turn.fail(event.fault)
            case at.Noticed():
                if self._harness.meaning("notice", event.text) == "interrupt":
                    turn.fail("interrupted")

    def _prompt(self, prompt: at.Prompt) -> TrainingSample | None:
        """Open a turn, join the running one, or take what the tool itself said."""
        reading = self._reading(prompt)
        if reading.means == "interrupt" and self.turn:
            self.turn.fail("interrupted")
        if reading.unknown and not prompt.from_tool:
            self._tally.met("unknown_harness")
            self._tally.unknown_tag(self.redact(reading.unknown))
            return None if prompt.joins else self._close()
        asks_without_words = not prompt.parts or reading.means == "unwrap"
        if prompt.from_tool or not (reading.request or asks_without_words):
            return self._tool_text(prompt, reading.means)
        return self._request(prompt, reading)

    def _reading(self, prompt: at.Prompt) -> HarnessReading:
        sent = self._harness.read(prompt.sent)
        if sent.means and not sent.request:
            return sent
        return self._harness.read(prompt.parts)

    def _tool_text(self, prompt: at.Prompt, means: str) -> TrainingSample | None:
        if not any(part.strip() for part in prompt.parts):
            return None
        # An interrupt is counted by the turn that it ends.
        if means != "interrupt" or self.turn is None:
            self._tally.met("harness_text")
        if prompt.joins or self.turn is None:
            return None
        if means == "resume":
            self.turn.stopped = at.Stopped(aside=True)
        elif means == "close" or (means != "interrupt" and self.turn.answered):
            return self._close()
        return None

    def _request(
        self, prompt: at.Prompt, reading: HarnessReading
    ) -> TrainingSample | None:
        request = self.redact(clean(reading.request))
        words = reading.request
        goes_on = len(words) < 100 and bool(_GO_ON.fullmatch(words))
        sample = None
        if prompt.key:
            self._own.add(prompt.key)
        if self.turn is None or not self._joins(self.turn, prompt, goes_on):
            sample = self._close()
            self.turn = Turn(prompt.line, fault=self._fault_before(prompt, goes_on))
            self.turn.only_context = prompt.only_context
            self._running, self._begun = self._begun, False
        elif goes_on and self.turn.fault in STOPPED:
            self.turn.fault = ""
        self.turn.stopped = None
        if request:
            self.turn.requests.append(request)
            self.turn.steps.append({"role": "user", "content": request})
        if reading.attached:
            self._attached(self.turn, at.Attached("", reading.attached))
        return sample

    def _joins(self, turn: Turn, prompt: at.Prompt, goes_on: bool) -> bool:
        """Whether a prompt belongs to the open turn."""
        if goes_on and self._is_stopped(turn):
            return True
        by_person = turn.fault in ("interrupted", "aborted")
        return (prompt.joins or self._running) and not by_person

    @staticmethod
    def _is_stopped(turn: Turn) -> bool:
        """Whether a turn stopped without an answer and can go on."""
        if turn.fault:
            return turn.fault in STOPPED
        return bool(turn.requests) and not turn.answered

    def _fault_before(self, prompt: at.Prompt, goes_on: bool) -> str:
        """Why the turn that a prompt opens cannot be used, whatever is answered."""
        if prompt.line in self._session.retracted:
            return "rolled_back"
        if prompt.key in self._met.keys:
            return "repeated"
        alone = goes_on and not self._goes_on_from_here
        return "nothing_to_go_on_from" if alone else ""

    def _said(self, turn: Turn, said: at.Said) -> None:
        text = clean(said.text)
        if not text or self._harness.meaning("model", text):
            return
        if turn.stopped and turn.stopped.aside and is_text(turn.steps[-1]):
            turn.steps[-1]["aside"] = True
        turn.works()
        turn.steps.append({"role": "assistant", "content": self.redact(text)})

    def _attached(self, turn: Turn, attached: at.Attached) -> None:
        # Behind an answer or a call a file is the tool's reminder, not the person's.
        if turn.steps and turn.steps[-1]["role"] == "user":
            name = f"{attached.name}:\n\n" if attached.name else ""
            text = self.redact(name) + self._cut(clean(attached.text))
            turn.attached.append(text)
            turn.steps.append({"role": "user", "content": text})

    def _left_out(self, prompt: at.LeftOut) -> None:
        known = prompt.key in self._met.keys or prompt.key in self._own
        if not known and self._harness.read(prompt.parts).request:
            self._tally.met(prompt.reason)

    def _close(self) -> TrainingSample | None:
        """End the open turn: its sample, or None and a reason counted in the tally."""
        turn, self.turn = self.turn, None
        self._running = False
        if turn is None:
            return None
        rows = arrange(turn.steps)
        answer = str(rows[-1]["content"]) if turn.answered else ""
        fault = self._fault_of(turn, answer)
        if not fault and self._repeated(turn.request, answer):
            fault = "repeated"
        redactions = self.new_redactions()
        kept = not fault and not turn.only_context
        sample = self._sample(turn, rows, answer, redactions) if kept else None
        if not turn.only_context:
            self._tally.met(fault)
        self._goes_on_from_here = bool(turn.request and answer and fault in IN_CONTEXT)
        if self._goes_on_from_here:
            self._earlier.add(rows)
        return sample

    def _fault_of(self, turn: Turn, answer: str | None = None) -> str:
        if turn.fault:
            return turn.fault
        if not turn.request:
            return "empty_request"
        if not turn.answered:
            worked = any(step["role"] != "user" for step in turn.steps)
            return "no_final_answer" if worked else "no_answer"
        return "" if answer is None or len(answer) >= MIN_ANSWER else "short_answer"

    def _repeated(self, request: str, answer: str) -> bool:
        """Whether another session had this turn; only a fork's can be its copies."""
        text = f"{request}\x1f{answer}".encode()
        key = hashlib.blake2b(text, digest_size=12).digest()
        known = key in self._met.turns
        self._met.turns.add(key)
        return known and self._session.forked

    def new_redactions(self) -> dict[str, int]:
        """Redactions since the last call, by kind; they are counted in the tally."""
        counts = Counter(self.redact.counts)
        new = dict(sorted((counts - self._counted).items()))
        self._counted = counts
        self._tally.redacted(new)
        return new

    def _cut(self, text: str) -> str:
        """A tool result, redacted, at most as long as the options say; never cut
        through a secret. What is left out is said.
        """
        limit = self._limit
        # A secret that begins here is found whole in what is read.
        taken = min(len(text), limit + LONGEST)
        head = self.redact.head(text[: taken + LONGEST], taken)
        if len(head) > limit:
            return f"{head[:limit]}\n[… {len(text) - limit} more characters]"
        more = len(text) - taken
        return f"{head}\n[… {more} more characters]" if more else head

    def _sample(
        self,
        turn: Turn,
        rows: list[ToolStep],
        answer: str,
        redactions: dict[str, int],
    ) -> TrainingSample:
        first = [{"role": "system", "content": self._system}] if self._system else []
        messages = numbered([*first, *self._earlier.rows(), *rows])
        metadata = self._origin(turn.line)
        if redactions:
            metadata["redactions"] = redactions
        alone = len(messages) == 2 and not self._tools
        thinking = "\n\n".join(turn.thinking)
        return TrainingSample(
            instruction=turn.request,
            input="\n\n".join(turn.attached),
            output=answer,
            thinking=thinking or None,
            messages=None if alone else messages,
            tools=self._tools,
            domain=self._generator.domain,
            source=self._generator.name,
            metadata=metadata,
        )

    def _origin(self, line: int) -> dict[str, Any]:
        """Where a turn comes from, and what it must not be parted from."""
        name, session = self._generator.name, self._group
        kind = self._session.kind
        provenance = {"file": self._file, "line": line, "kind": kind}
        group = f"{name}:{self._file}:{line}"
        if session:
            provenance["session"] = session
            group = f"{name}:session:{session}"
        return {"provenance": provenance, "group": group}


def retracted_lines(session: at.Session, harness_file: str) -> set[int]:
    """Lines of the prompts of a session that a later `RolledBack` took back."""
    harness = harness_of(harness_file)
    asked: list[int] = []
    taken: set[int] = set()
    for event in session.events:
        if isinstance(event, at.Prompt) and harness.read(event.parts).request:
            asked.append(event.line)
        elif isinstance(event, at.RolledBack):
            kept = max(len(asked) - max(event.turns, 0), 0)
            taken.update(asked[kept:])
            del asked[kept:]
    return taken


def clean(text: str) -> str:
    """Text without surrounding blanks, NUL characters and lone surrogates,
    which no file can hold.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text.strip()
    return text.encode("utf-8", "replace").decode().strip()
