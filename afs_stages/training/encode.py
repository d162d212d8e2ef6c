"""Conversations to token ids and labels: loss on the answers that the row teaches.

A conversation is rendered by the model's own chat template and cut at the borders of
the answers that are learnt; the pieces are tokenised one by one, so that a border never
lies inside a token and training sees exactly the ids that generation will see.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from afs_stages.core.errors import UnusableRow
from afs_stages.core.sample import is_learnt
from afs_stages.training.chat_rows import ChatRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORE = -100
"""The label of a token that carries no loss."""

DATE = "26 Jul 2024"
"""The date for templates that tell the model one: today's would change every row from
one day to the next. This one is what Llama 3.1 tells where none is given.
"""


MARK = re.compile(r"<[^<>]*>\s*")
"""A mark of a template, with the space behind it."""


@dataclass(frozen=True)
class Encoded:
    """One sample: token ids, and as labels the same ids or `IGNORE`;
    both of the same length.
    """

    ids: list[int]
    labels: list[int]
    name: str = ""

    @property
    def targets(self) -> int:
        """How many tokens carry loss (the first token can't: nothing precedes it)."""
        return sum(label != IGNORE for label in self.labels[1:])


def render(
    tokenizer: PreTrainedTokenizerBase,
    row: ChatRow,
    upto: int | None = None,
    prompt: bool = False,
) -> str:
    """The text of the first `upto` messages; with `prompt`,
    up to where the assistant would begin.

    A developer's message is a system prompt, under the name that every template knows
    (some pass over the other one in silence). A template that knows no system role gets
    the prompt at the head of the first request. Raises `UnusableRow` where it does not
    take the conversation.
    """
    messages = [
        {**message, "role": "system"} if message["role"] == "developer" else message
        for message in row.messages[:upto]
    ]
    try:
        return _apply(tokenizer, messages, row.tools, prompt)
    except UnusableRow:
        if [message["role"] for message in messages[:2]] != ["system", "user"]:
            raise
    system, request, *rest = messages
    text = f"{system['content']}\n\n{request['content']}"
    messages = [{**request, "content": text}, *rest]
    return _apply(tokenizer, messages, row.tools, prompt)


def _apply(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    prompt: bool,
) -> str:
    from jinja2 import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            tools=tools,
            tokenize=False,
            add_generation_prompt=prompt,
            date_string=DATE,
        )
    # What a template raises where a message has not the shape it expects.
    except (TemplateError, TypeError, KeyError, AttributeError, ValueError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableRow("chat_template", detail) from None
    return text


def pieces(
    tokenizer: PreTrainedTokenizerBase, row: ChatRow, completion_only: bool = True
) -> list[tuple[str, bool]]:
    """The rendered conversation as (text, carries loss) pieces in order.

    Answers marked as context carry none: each was, or was refused as, a row of its own.
    Where the template does not render a conversation's beginning as a beginning of the
    whole (some drop earlier thinking), the turns it changes carry no loss, unless it
    drops nothing but empty marks.

    Raises `UnusableRow` where the template does not take the conversation, or where its
    text lacks a tool, a call or an answer.
    """
    full = render(tokenizer, row)
    _check_tools(tokenizer, row, full)
    out: list[tuple[str, bool]] = []
    at = 0
    for index, message in enumerate(row.messages):
        if not is_learnt(message):
            continue
        before = render(tokenizer, row, index, prompt=True)
        # What is rendered up to the last message is the whole.
        is_last = index == len(row.messages) - 1
        after = (full if is_last else render(tokenizer, row, index + 1)).rstrip()
        shared = commonprefix([before, after])  # noqa: RUF071 - of characters
        answer = after[len(shared) :]
        _check_answer(message, answer)
        answer = _kept(answer, full[len(before) :])
        is_beginning = full.startswith(before) and after.startswith(before)
        if len(before) < at or not is_beginning or not answer:
            continue
        out += [(full[at : len(before)], False), (answer, True)]
        at = len(before) + len(answer)
    if not completion_only:
        return [(full, True)]
    out.append((full[at:], False))
    return [(text, loss) for text, loss in out if text]


def _kept(answer: str, rest: str) -> str:
    """What the rest of the whole text begins with of an answer; empty where words of
    it were dropped.

    Qwen 3 puts `<think>\\n\\n</think>` before the last answer alone, so that a call
    in the middle is rendered without.
    """
    mark = MARK.match(answer)
    while mark and not rest.startswith(answer):
        answer = answer[mark.end() :]
        mark = MARK.match(answer)
    return answer if rest.startswith(answer) else ""


def _check_tools(tokenizer: PreTrainedTokenizerBase, row: ChatRow, full: str) -> None:
    """Raise `UnusableRow` where the template shows the model no tools.

    Names may stand in the conversation as well, so they are counted against the text
    that the same conversation has without tools.
    """
    if not row.tools:
        return
    bare = render(tokenizer, replace(row, tools=None))
    for tool in row.tools:
        name = str(tool.get("function", tool).get("name", ""))
        if full.count(name) <= bare.count(name):
            detail = f"the chat template does not show the tool '{name}'"
            raise UnusableRow("tool_not_rendered", detail)


def _check_answer(message: dict[str, Any], answer: str) -> None:
    """Raise `UnusableRow` where the text that would be learnt is not the answer."""
    said = (message.get("content") or "").strip()
    calls = message.get("tool_calls") or []
    if not said and not calls:
        raise UnusableRow("empty_answer", "an answer has neither text nor a call")
    # A call's name may stand in what is said beside it.
    beside = answer.replace(said, "", 1) if said else answer
    names = [str(call["function"]["name"]) for call in calls]
    for name in names:
        # Some templates show the first of several calls alone.
        if beside.count(name) < names.count(name):
            detail = f"the chat template does not show the call of '{name}'"
            raise UnusableRow("call_not_rendered", detail)
    # Templates may cut an answer's thinking or its edges, hardly its last word.
    if not calls and said.split()[-1] not in answer:
        raise UnusableRow("answer_not_rendered", "the chat template drops an answer")


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of a text that holds its marks already."""
    encoded = tokenizer(text, add_special_tokens=False, verbose=False)
    ids: list[int] = encoded["input_ids"]
    return ids


def encode_row(
    tokenizer: PreTrainedTokenizerBase, row: ChatRow, completion_only: bool = True
) -> Encoded:
    """Token ids and labels of one conversation."""
    ids: list[int] = []
    labels: list[int] = []
    for text, loss in pieces(tokenizer, row, completion_only):
        piece = token_ids(tokenizer, text)
        ids += piece
        labels += piece if loss else [IGNORE] * len(piece)
    return Encoded(ids, labels, row.name)


def encode_rows(
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[ChatRow],
    max_length: int,
    completion_only: bool = True,
) -> tuple[list[Encoded], dict[str, int]]:
    """Every row that fits, and how many were left out by reason (`over_long`,
    `no_target`).

    Over-long rows are dropped, never cut: half an answer is not an answer. Rows that
    the chat template does not take, or takes only in part, are left out by the reason
    that `pieces` gives.
    """
    kept: list[Encoded] = []
    dropped: Counter[str] = Counter()
    for row in rows:
        try:
            item = encode_row(tokenizer, row, completion_only)
        except UnusableRow as error:
            dropped[error.reason] += 1
            continue
        if len(item.ids) > max_length:
            dropped["over_long"] += 1
        elif not item.targets:
            dropped["no_target"] += 1
        else:
            kept.append(item)
    return kept, dropped
