"""What other programs need beside a GGUF file: Ollama's Modelfile.

Ollama has templates of its own and does not run the file's. The parts of its template
are read off the tokenizer's: a conversation with marked texts is rendered, and what
stands between the marks is the frame of each turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SYSTEM, FIRST, ANSWER, SECOND = "@s@", "@u1@", "@a@", "@u2@"
"""Marks that stand for the texts of a conversation."""


@dataclass(frozen=True)
class Frames:
    """What a chat template writes around the texts of a conversation.

    `opening` stands before all without a system text; `system` before and after one;
    `user` and `answer` before and after theirs.
    """

    opening: str
    system: tuple[str, str]
    user: tuple[str, str]
    answer: tuple[str, str]

    def render(self, texts: list[str], system: str = "") -> str:
        """A conversation of requests and answers in turn, up to where the next answer
        begins.
        """
        out = self.system[0] + system + self.system[1] if system else self.opening
        for at, text in enumerate(texts):
            before, after = self.answer if at % 2 else self.user
            out += before + text + after
        return out + self.answer[0]


def frames(tokenizer: PreTrainedTokenizerBase) -> Frames | None:
    """The frames of a tokenizer's chat template; None where they are not the same in
    every turn.
    """
    from jinja2 import TemplateError

    turns = [
        {"role": "user", "content": FIRST},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": SECOND},
    ]
    system = {"role": "system", "content": SYSTEM}
    try:
        plain = _text(tokenizer, turns, prompt=True)
        closed = _text(tokenizer, turns, prompt=False)
        with_system = _text(tokenizer, [system, *turns], prompt=True)
    except TemplateError:
        return None
    if not all(mark in plain for mark in (FIRST, ANSWER, SECOND)):
        return None
    if SYSTEM not in with_system or not plain.startswith(closed):
        return None
    before_answer = plain[len(closed) :]
    opening, rest = plain.split(FIRST)
    to_answer, rest = rest.split(ANSWER)
    to_user, _ = rest.split(SECOND)
    before_user = _common_end(opening, to_user)
    head, rest = with_system.split(SYSTEM)
    after_system = rest.split(FIRST)[0]
    found = Frames(
        opening.removesuffix(before_user),
        (head, after_system.removesuffix(before_user)),
        (before_user, to_answer.removesuffix(before_answer)),
        (before_answer, to_user.removesuffix(before_user)),
    )
    told = [FIRST, ANSWER, SECOND]
    is_true = found.render(told) == plain and found.render(told, SYSTEM) == with_system
    return found if is_true else None


def modelfile(
    file: str, tokenizer: PreTrainedTokenizerBase, lora_base: str = ""
) -> str:
    """A Modelfile for `ollama create`, for a GGUF beside it.

    With `lora_base` the file is an adapter for that model.
    """
    lines = (
        [f"FROM {lora_base}", f"ADAPTER ./{file}"] if lora_base else [f"FROM ./{file}"]
    )
    found = frames(tokenizer)
    if found is not None:
        lines.append(f'TEMPLATE """{_go_template(found)}"""')
    if isinstance(tokenizer.eos_token, str):
        lines.append(f'PARAMETER stop "{tokenizer.eos_token}"')
    lines.append("PARAMETER temperature 0")
    return "\n".join(lines) + "\n"


def _go_template(parts: Frames) -> str:
    """The frames in the language of Ollama's templates."""
    before, after = parts.system
    system = f"{{{{ if .System }}}}{before}{{{{ .System }}}}{after}{{{{ else }}}}"
    user = f"{parts.user[0]}{{{{ .Content }}}}{parts.user[1]}"
    answer = f"{parts.answer[0]}{{{{ .Content }}}}{parts.answer[1]}"
    return (
        f"{system}{parts.opening}{{{{ end }}}}"
        "{{ range .Messages }}"
        f'{{{{ if eq .Role "user" }}}}{user}'
        f'{{{{ else if eq .Role "assistant" }}}}{answer}'
        f"{{{{ end }}}}{{{{ end }}}}{parts.answer[0]}"
    )


def _text(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], prompt: bool
) -> str:
    text: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=prompt
    )
    return text


def _common_end(one: str, two: str) -> str:
    size = 0
    while size < min(len(one), len(two)) and one[-1 - size] == two[-1 - size]:
        size += 1
    return one[len(one) - size :]
