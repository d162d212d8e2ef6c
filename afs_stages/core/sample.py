"""`TrainingSample`: the one record that every stage reads and writes.

Reads what the predecessor wrote (uuid ids, `kg_entities`, `teacher_model`, any unknown key: kept in
`_metadata`) and writes one form, with keys in a fixed order.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_REDACTION_NUMBER = re.compile(r"<REDACTED:([a-z0-9-]+?)-\d+>")
_TRAILING_SPACE = re.compile(r"[ \t]+\n")


class Message(BaseModel):
    """One message of a conversation, in OpenAI's chat format."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class TrainingSample(BaseModel):
    """One thing a model is taught: a request, its answer, and where they come from.

    `messages` (with `tools`, the tool schemas in OpenAI's format) carries the whole conversation of
    a multi-turn or tool-using sample; `instruction` and `output` are then its single-turn view.
    `source` is the short name of a source block in params.yaml; file, line and kind are in
    `_metadata["provenance"]`. `quality_score` is in [0, 1], or None before scoring.
    """

    model_config = ConfigDict(populate_by_name=True, validate_assignment=False)

    sample_id: str = ""
    instruction: str
    input: str = ""
    output: str
    thinking: str | None = None
    messages: list[Message] | None = None
    tools: list[dict[str, Any]] | None = None
    domain: str = ""
    source: str = ""
    quality_score: float | None = Field(default=None, ge=0.0, le=1.0)
    metadata: dict[str, Any] = Field(default_factory=dict, alias="_metadata")

    @model_validator(mode="before")
    @classmethod
    def _unknown_keys_to_metadata(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        extra = {key: value for key, value in data.items() if key not in _KNOWN}
        if not extra:
            return data
        known = {key: value for key, value in data.items() if key in _KNOWN}
        metadata = known.pop("_metadata", None) or known.pop("metadata", None) or {}
        if not isinstance(metadata, dict):
            extra["metadata"], metadata = metadata, {}
        return {**known, "_metadata": {**extra, **metadata}}

    @field_validator("metadata", mode="before")
    @classmethod
    def _metadata_is_a_mapping(cls, value: Any) -> Any:
        if value is None:
            return {}
        return value if isinstance(value, dict) else {"metadata": value}

    @field_validator("input", "domain", "source", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @model_validator(mode="after")
    def _fill_id(self) -> Self:
        if not self.sample_id:
            self.sample_id = content_id(self)
        return self

    @property
    def group(self) -> str:
        """The unit that must not straddle a split; the sample's own id where its source named none."""
        return str(self.metadata.get("group") or self.sample_id)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the sample comes from: file, line, kind, session, commit; empty when unknown."""
        value = self.metadata.get("provenance")
        return value if isinstance(value, dict) else {}

    def to_dict(self) -> dict[str, Any]:
        """The record as written to JSONL: fixed key order, empty optional fields left out."""
        record: dict[str, Any] = {
            "sample_id": self.sample_id,
            "instruction": self.instruction,
            "input": self.input,
            "output": self.output,
        }
        if self.thinking is not None:
            record["thinking"] = self.thinking
        if self.messages is not None:
            record["messages"] = [message.model_dump(exclude_none=True) for message in self.messages]
        if self.tools is not None:
            record["tools"] = self.tools
        record |= {"domain": self.domain, "source": self.source, "quality_score": self.quality_score}
        record["_metadata"] = self.metadata
        return record

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The sample a decoded JSON object describes.

        Raises `pydantic.ValidationError` when `instruction` or `output` is missing or a type is wrong.
        """
        return cls.model_validate(data)


_KNOWN = {*TrainingSample.model_fields, "_metadata"}


def normalise(text: str) -> str:
    """Text as identity sees it: NFC, `\\n` line ends, no trailing blanks, redaction marks unnumbered."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if " \n" in text or "\t\n" in text:
        text = _TRAILING_SPACE.sub("\n", text)
    return _REDACTION_NUMBER.sub(r"<REDACTED:\1>", text).strip()


def content_id(sample: TrainingSample) -> str:
    """32 hex digits of the normalised content (not of domain, source, score or metadata)."""
    parts = [sample.instruction, sample.input, sample.output, sample.thinking or ""]
    if sample.messages is not None:
        rows = [message.model_dump(exclude_none=True) for message in sample.messages]
        parts.append(msgspec.json.encode(rows, order="sorted").decode())
    if sample.tools is not None:
        parts.append(msgspec.json.encode(sample.tools, order="sorted").decode())
    payload = "\x1f".join(normalise(part) for part in parts)
    return hashlib.blake2b(payload.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
