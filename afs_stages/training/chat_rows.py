"""What a model is trained and tested on: conversations in OpenAI's messages format.

This reader needs nothing but `core`, so that training runs alone on a rented box.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BadRow, OnBad, read_objects
from afs_stages.core.sample import TrainingSample, is_learnt, problem

ROLES = {"system", "user", "assistant", "tool", "developer"}


@dataclass(frozen=True)
class ChatRow:
    """One conversation; `name` says where it came from in messages to the user, `fact`
    which fact it teaches, where its source says so.

    Its answers are learnt but those marked `train: false` or `weight: 0`.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    domain: str = ""
    source: str = ""
    kind: str = ""
    name: str = ""
    fact: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The row as a file of messages rows holds it."""
        facts = {
            "messages": self.messages,
            "tools": self.tools,
            "domain": self.domain,
            "source": self.source,
        }
        return {key: value for key, value in facts.items() if value}


def from_sample(sample: TrainingSample) -> ChatRow:
    """The conversation of a training sample: its messages,
    or its request and answer.
    """
    if sample.messages:
        messages = sample.messages
    else:
        request = (
            f"{sample.instruction}\n\n{sample.input}"
            if sample.input
            else sample.instruction
        )
        messages = [
            {"role": "user", "content": request},
            {"role": "assistant", "content": sample.output},
        ]
    return row_of(sample, messages)


def row_of(sample: TrainingSample, messages: list[dict[str, Any]]) -> ChatRow:
    """The row of a sample whose conversation is given as OpenAI messages."""
    kind = str(sample.provenance.get("kind") or "")
    parsed = [_with_parsed_calls(message) for message in messages]
    fact = str(sample.metadata.get("fact") or "")
    return ChatRow(
        parsed, sample.tools, sample.domain, sample.source, kind, sample.sample_id, fact
    )


def read_chat_rows(
    path: Path,
    on_bad: OnBad,
    convert: Callable[[TrainingSample], ChatRow] = from_sample,
) -> Iterator[ChatRow]:
    """Yield the conversations of a file of `{"messages": [...], "tools": [...]}`
    rows or of samples.

    A row without messages, with an unknown role or without an assistant's answer
    goes to `on_bad`.
    """
    for number, value in read_objects(path, on_bad):
        if "instruction" in value:
            try:
                yield convert(TrainingSample.from_dict(value))
            except msgspec.ValidationError as error:
                on_bad(BadRow(path.name, number, "schema", problem(error)))
            except ValueError as error:
                on_bad(BadRow(path.name, number, "messages", str(error)))
            continue
        fault = _fault(value.get("messages")) or _fault_of_tools(value.get("tools"))
        if fault:
            on_bad(BadRow(path.name, number, "messages", fault))
            continue
        yield _from_messages(value, f"{path.name}:{number}")


def _from_messages(value: dict[str, Any], name: str) -> ChatRow:
    messages = [_with_parsed_calls(message) for message in value["messages"]]
    return ChatRow(
        messages=messages,
        tools=_tools(value.get("tools")),
        domain=str(value.get("domain") or ""),
        source=str(value.get("source") or ""),
        name=name,
    )


def _tools(value: Any) -> list[dict[str, Any]] | None:
    """Tool schemas, which stand as JSON text in rows that are to be loaded as a
    table.
    """
    found = json.loads(value) if isinstance(value, str) and value else value
    return found or None


def data_files(data: Path) -> tuple[Path, Path | None]:
    """(train file, val file or None) of `--data`,
    which is a file or a folder with `train.jsonl`.

    Raises `UserError` where neither stands.
    """
    if data.is_file():
        return data, None
    train, val = data / "train.jsonl", data / "val.jsonl"
    if not train.is_file():
        raise UserError(
            "no training rows here",
            where=str(data),
            fix="name a .jsonl file of messages rows, or a folder with train.jsonl and "
            "val.jsonl (`afs training convert --format messages` makes them)",
        )
    return train, val if val.is_file() else None


def _fault_of_tools(value: Any) -> str:
    try:
        found = _tools(value)
    except json.JSONDecodeError as error:
        return f"tools: no JSON ({error.msg})"
    ok = found is None or isinstance(found, list)
    return "" if ok else "tools: a list of schemas is needed"


def _fault(messages: Any) -> str:
    if not isinstance(messages, list) or not messages:
        return "messages: a list with at least one message is needed"
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"messages.{at}.role: one of {', '.join(sorted(ROLES))} is needed"
        if not isinstance(message.get("content"), str | None):
            return f"messages.{at}.content: text is needed"
    if not any(is_learnt(message) for message in messages):
        return "messages: no assistant turn to learn from"
    return ""


def _with_parsed_calls(message: dict[str, Any]) -> dict[str, Any]:
    """The message with a text, and with tool-call arguments as mappings, as chat
    templates read them.
    """
    told = {key: value for key, value in message.items() if value is not None}
    # Templates read the content of every turn, also of one that only calls.
    told.setdefault("content", "")
    if told.get("tool_calls"):
        told["tool_calls"] = [_parsed(call) for call in told["tool_calls"]]
    return told


def _parsed(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            function["arguments"] = json.loads(arguments)
        except json.JSONDecodeError:
            function["arguments"] = arguments
    return {**call, "function": function}
