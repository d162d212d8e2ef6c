"""What a model is trained and tested on: conversations in OpenAI's messages format.

This reader needs nothing but `core`, so that training runs alone on a rented box.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import BadRow, OnBad, read_objects
from afs_stages.core.sample import TrainingSample, is_learnt, problem


class ChatTurn(msgspec.Struct):
    """What a message must have; it may have more."""

    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: str | None = None


class ChatObject(msgspec.Struct):
    """What a row of messages must have."""

    messages: Annotated[list[ChatTurn], msgspec.Meta(min_length=1)]
    tools: list[Any] | str | None = None


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
        return row_of(sample, sample.messages)
    request = sample.instruction
    if sample.input:
        request += f"\n\n{sample.input}"
    asked = {"role": "user", "content": request}
    return row_of(sample, [asked, {"role": "assistant", "content": sample.output}])


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
        try:
            if "instruction" in value:
                row = convert(TrainingSample.from_dict(value))
            else:
                row = _from_messages(value, f"{path.name}:{number}")
        except msgspec.ValidationError as error:
            on_bad(BadRow(path.name, number, "schema", problem(error)))
        except ValueError as error:
            on_bad(BadRow(path.name, number, "messages", str(error)))
        else:
            yield row


def _from_messages(value: dict[str, Any], name: str) -> ChatRow:
    """The row of a JSON object; a `ValueError` says what is wrong with one."""
    msgspec.convert(value, ChatObject)
    messages, tools = value["messages"], value.get("tools")
    if not any(is_learnt(message) for message in messages):
        raise ValueError("messages: no assistant turn to learn from")
    # They stand as JSON text in rows that are to be loaded as a table.
    if isinstance(tools, str) and tools:
        tools = msgspec.json.decode(tools, type=list)
    return ChatRow(
        messages=[_with_parsed_calls(message) for message in messages],
        tools=tools or None,
        domain=str(value.get("domain") or ""),
        source=str(value.get("source") or ""),
        name=name,
    )


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
    if isinstance(function.get("arguments"), str):
        # What is no JSON stays as the text that it is.
        with suppress(json.JSONDecodeError):
            function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}
