"""A conversation in the terminal with a version, or with two side by side.

One base is loaded, with every adapter on it; who speaks is whose adapter is active.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from afs_stages.core.console import warn
from afs_stages.evaluation.generation import stop_ids
from afs_stages.evaluation.losses import BASE
from afs_stages.training import attention, lora
from afs_stages.training.base_model import Base, load_tokenizer

if TYPE_CHECKING:
    from peft import PeftModel
    from rich.console import Console
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

ANEW = "/new"
"""What is typed to begin a new conversation."""
BROKEN = "\ufffd"
"""What a decoder writes for the first bytes of a character that is not whole yet."""


@dataclass(frozen=True)
class Manner:
    """How answers are made: at most so many tokens, the likeliest one each (temperature
    0) or drawn by seed.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    system: str = ""


@dataclass
class Speaker:
    """One of those who answer: its name, and the conversation as it knows it."""

    name: str
    messages: list[dict[str, str]] = field(default_factory=list)


class Dialogue:
    """One or two speakers on one loaded model."""

    def __init__(
        self, base: Base, adapters: dict[str, Path], names: Sequence[str], how: Manner
    ) -> None:
        self.tokenizer = load_tokenizer(base)
        self.model, _ = lora.load_with_adapters(base, adapters)
        self.how = how
        self.speakers = [Speaker(name) for name in names]
        self.begin()

    def begin(self) -> None:
        """Forget what was said."""
        lead = [{"role": "system", "content": self.how.system}]
        for speaker in self.speakers:
            speaker.messages = list(lead) if self.how.system else []

    def ask(self, text: str) -> Iterator[list[str]]:
        """The answers as far as they are, one a speaker, after each token."""
        for speaker in self.speakers:
            speaker.messages.append({"role": "user", "content": text})
        with attention.standard(self.model):
            yield from self._answers()

    def _answers(self) -> Iterator[list[str]]:
        streams = [self._stream(speaker) for speaker in self.speakers]
        texts = [""] * len(streams)
        running = set(range(len(streams)))
        while running:
            for at in sorted(running):
                with self._speaks(self.speakers[at].name):
                    found = next(streams[at], None)
                if found is None:
                    running.discard(at)
                else:
                    texts[at] = found
            yield list(texts)
        for speaker, text in zip(self.speakers, texts, strict=True):
            speaker.messages.append({"role": "assistant", "content": text})

    def _stream(self, speaker: Speaker) -> Iterator[str]:
        """An answer's text, longer after each token."""
        ids = _within(
            self.tokenizer,
            speaker,
            self.model.config.max_position_embeddings - self.how.max_new_tokens,
        )
        new: list[int] = []
        for token in tokens(
            self.model, ids, self.how, stop_ids(self.model, self.tokenizer)
        ):
            new.append(token)
            text = self.tokenizer.decode(new, skip_special_tokens=True)
            if not text.endswith(BROKEN):
                yield text

    @contextmanager
    def _speaks(self, name: str) -> Iterator[None]:
        if name == BASE:
            with self.model.disable_adapter():
                yield
        else:
            self.model.set_adapter(name)
            yield


def tokens(
    model: PeftModel, ids: list[int], how: Manner, ends: Sequence[int]
) -> Iterator[int]:
    """The tokens of one answer, one after the other, without the one that ends it."""
    import torch

    device = next(model.parameters()).device
    drawn = torch.Generator(device=device).manual_seed(how.seed)
    step = torch.tensor([ids], device=device)
    cache: Any = None
    for _ in range(how.max_new_tokens):
        with torch.inference_mode():
            out = model(
                input_ids=step, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            token = _next(out.logits[0, -1], how.temperature, drawn)
        cache, step = out.past_key_values, token.view(1, 1)
        if int(token) in ends:
            return
        yield int(token)


def _next(logits: Tensor, temperature: float, drawn: Any) -> Tensor:
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    chances = (logits.float() / temperature).softmax(-1)
    return torch.multinomial(chances, 1, generator=drawn)[0]


def _within(
    tokenizer: PreTrainedTokenizerBase, speaker: Speaker, limit: int
) -> list[int]:
    """The conversation as token ids; the oldest turns leave it where it is too long."""
    while True:
        text = tokenizer.apply_chat_template(
            speaker.messages, tokenize=False, add_generation_prompt=True
        )
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        first = 1 if speaker.messages[0]["role"] == "system" else 0
        if len(ids) <= limit or len(speaker.messages) - first < 3:
            return ids
        del speaker.messages[first : first + 2]
        warn(f"{speaker.name}: the oldest turn left the context")


def talk(conversation: Dialogue, source: TextIO) -> None:
    """Answer every line of `source` until it ends; on a terminal as the tokens come."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=len(conversation.speakers) == 1)
    asks = source.isatty()
    if asks:
        console.print(f"{ANEW} begins anew, Ctrl-D ends", style="dim")
    while (line := _read(console, source, asks)) is not None:
        if line == ANEW:
            conversation.begin()
        elif line:
            show = _columns if len(conversation.speakers) > 1 else _plain
            show(console, conversation, line)


def _read(console: Console, source: TextIO, asks: bool) -> str | None:
    if asks:
        try:
            return input("> ").strip()
        except EOFError:
            console.print()
            return None
    line = source.readline()
    return line.strip() if line else None


def _plain(console: Console, conversation: Dialogue, line: str) -> None:
    shown = ""
    for (text,) in conversation.ask(line):
        console.out(text[len(shown) :], end="", highlight=False)
        console.file.flush()
        shown = text
    console.out("")


def _columns(console: Console, conversation: Dialogue, line: str) -> None:
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    def table(texts: Sequence[str]) -> Table:
        grid = Table(expand=True)
        for speaker in conversation.speakers:
            grid.add_column(speaker.name, ratio=1, overflow="fold")
        grid.add_row(*(Text(text) for text in texts))
        return grid

    if not console.is_terminal:
        whole = list(conversation.ask(line))[-1]
        console.print(table(whole))
        return
    nothing = [""] * len(conversation.speakers)
    with Live(table(nothing), console=console, refresh_per_second=12) as live:
        for texts in conversation.ask(line):
            live.update(table(texts))
