"""`TrainingSample`: the one record that every stage reads and writes.

It reads what the predecessor wrote (uuid ids, `kg_entities`, `teacher_model`, any
unknown key: kept in `_metadata`) and writes one form, with keys in a fixed order.
`jsonl.read_samples` is the way in and `to_dict` the way out; `SampleKeys` is a view for
steps that decide about rows and copy their bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Annotated, Any, Self

import msgspec

ROLES = ("system", "user", "assistant", "tool")
RECALL = "recall"
"""`_metadata.wording` of a row that asks for a fact and is never trained on."""
_MESSAGE_KEYS = {
    "content": str,
    "tool_calls": list,
    "tool_call_id": str,
    "name": str,
    "train": bool,
}
"""Keys of a message after its role, in the order they are written, and their types."""
_REDACTION_NUMBER = re.compile(r"<REDACTED:([a-z0-9-]+?)-\d+>")
_TRAILING_SPACE = re.compile(r"[ \t]+\n")

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TrainingSample(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing a model is taught: a request, its answer, and where they come from.

    `messages` (with `tools`, the tool schemas in OpenAI's format) carries the whole
    conversation of a multi-turn or tool-using sample; `instruction` and `output` are
    then its single-turn view. Answers before the turn that is taught carry
    `train: false` (`_mark_context`). `source` is the short name of a source block in
    params.yaml; file, line and kind are in `metadata["provenance"]`. `quality_score` is
    in [0, 1], or None before scoring.

    A new field is added here, with a default. It is written where it stands in this
    list; a field named in `_OPTIONAL` is left out of the file while it is None. Types
    are checked where a row is read.
    """

    sample_id: str = ""
    instruction: str
    input: str = ""
    output: str
    thinking: str | None = None
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    domain: str = ""
    source: str = ""
    quality_score: Score | None = None
    metadata: dict[str, Any] = msgspec.field(name="_metadata", default_factory=dict)

    def __post_init__(self) -> None:
        """Bring messages into their one form and fill the id; raises `ValueError` for a
        message that is none.
        """
        if self.messages is not None:
            self.messages = [
                message(row, f"messages[{at}]") for at, row in enumerate(self.messages)
            ]
            _mark_context(self.messages)
        if not self.sample_id:
            self.sample_id = content_id(self)

    @property
    def group(self) -> str:
        """The unit that must not straddle a split;
        the sample's own id where its source named none.
        """
        return str(self.metadata.get("group") or self.sample_id)

    @property
    def fact(self) -> str:
        """The fact it teaches, by its name; its own id where it names none."""
        return str(self.metadata.get("fact") or self.sample_id)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the sample comes from: file, line, kind, session, commit;
        empty when unknown.
        """
        value = self.metadata.get("provenance")
        return value if isinstance(value, dict) else {}

    def to_dict(self) -> dict[str, Any]:
        """The record as written to JSONL: fixed key order,
        empty optional fields left out.
        """
        record: dict[str, Any] = {}
        for key, name in _KEYS.items():
            value = getattr(self, name)
            if value is not None or name not in _OPTIONAL:
                record[key] = value
        return record

    def checked(self) -> Self:
        """The sample with its types checked, which a constructor does not do; raises as
        `from_dict` does.
        """
        return self.from_dict(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The sample a decoded JSON object describes, whoever wrote it.

        Raises `msgspec.ValidationError` when `instruction` or `output` is missing or
        a type is wrong.
        """
        return msgspec.convert(_in_our_form(data), cls)


_OPTIONAL = ("thinking", "messages", "tools")
"""Fields that are left out of a file where they are None."""
_KEYS = {
    field.encode_name: field.name for field in msgspec.structs.fields(TrainingSample)
}
"""Key in a file -> field, in the order they are written."""
_decode = msgspec.json.Decoder(TrainingSample).decode


class SampleMetadata(msgspec.Struct):
    """What steps decide by of a row's `_metadata`."""

    group: Any = None
    fact: Any = None
    wording: Any = None
    origin_version: str | None = None
    rehearsal_version: str | None = None


class SampleKeys(msgspec.Struct):
    """A view of a row on disk: what steps decide by, and the text they compare.
    The row itself stays as it is.
    """

    instruction: str
    output: str
    input: str | None = ""
    sample_id: str = ""
    domain: str | None = ""
    source: str | None = ""
    quality_score: Score | None = None
    metadata: SampleMetadata | None = msgspec.field(name="_metadata", default=None)

    @property
    def group(self) -> str:
        """As `TrainingSample.group`."""
        group = self.metadata.group if self.metadata else None
        return str(group or self.sample_id)

    @property
    def fact(self) -> str:
        """The fact a row teaches, by its name; of a row that names none its own id."""
        fact = self.metadata.fact if self.metadata else None
        return str(fact or self.sample_id)

    @property
    def names_fact(self) -> bool:
        """Whether it says which fact it teaches."""
        return bool(self.metadata and self.metadata.fact)

    @property
    def wording(self) -> str:
        """Which wording of its fact a row is; `recall` is never trained on."""
        wording = self.metadata.wording if self.metadata else None
        return "" if wording is None else str(wording)

    @property
    def version(self) -> str:
        """The version the row was first trained in; empty for a new row."""
        if self.metadata is None:
            return ""
        return self.metadata.origin_version or self.metadata.rehearsal_version or ""

    @property
    def text(self) -> str:
        """What similarity is measured on."""
        return comparable_text(self)


_decode_keys = msgspec.json.Decoder(SampleKeys).decode


NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoders raise; `msgspec.ValidationError`, a `DecodeError`, where the line
is JSON and no sample.
"""


def decode_own(line: bytes) -> TrainingSample:
    """A line in the form this project writes, in one step; any other, even a sound one,
    raises `NOT_DECODED`.

    `jsonl.read_samples` takes every form; it tries this one first,
    since it is several times as fast.
    """
    return _decode(line)


def decode_keys(line: bytes) -> SampleKeys:
    """The view of the sample on a line, with the id of its content where it carries
    none; raises `NOT_DECODED`.
    """
    keys = _decode_keys(line)
    if not keys.sample_id:
        keys.sample_id = TrainingSample.from_dict(msgspec.json.decode(line)).sample_id
    return keys


def message(row: dict[str, Any], where: str = "message") -> dict[str, Any]:
    """One message of a conversation, in OpenAI's chat format, with its keys in the
    order they are written.

    Keys that the format does not know are kept behind the others. Raises `ValueError`
    naming the key whose value is wrong.
    """
    if row.get("role") not in ROLES:
        raise ValueError(f"{where}.role: one of {', '.join(ROLES)} is needed")
    ordered = {"role": row["role"]}
    for key, kind in _MESSAGE_KEYS.items():
        value = row.get(key)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise ValueError(
                f"{where}.{key}: {kind.__name__} is needed, not {type(value).__name__}"
            )
        ordered[key] = value
    if not all(isinstance(call, dict) for call in ordered.get("tool_calls", ())):
        raise ValueError(f"{where}.tool_calls: a list of mappings is needed")
    others = {
        key: value
        for key, value in row.items()
        if key not in ordered and value is not None
    }
    return {**ordered, **others}


def is_learnt(message: dict[str, Any]) -> bool:
    """Whether a message carries loss: the assistant's, unless its mark says otherwise.

    The mark is `train: false` in our records and in axolotl's, `weight: 0` in OpenAI's.
    """
    if message["role"] != "assistant":
        return False
    return message.get("train") is not False and message.get("weight") != 0


def turns(messages: list[dict[str, Any]]) -> list[int]:
    """Where each turn that has an answer or a call begins: at the request that opens
    the conversation or follows an answer. The last one is the running turn.

    A request typed while the model works follows a call or its result and opens
    nothing: it belongs to the turn that runs.
    """
    begins: list[int] = []
    request = 0
    answered = True
    for at, row in enumerate(messages):
        if row["role"] == "user" and answered:
            request, answered = at, False
        elif row["role"] == "assistant":
            answered = not row.get("tool_calls")
            if not begins or begins[-1] != request:
                begins.append(request)
    return begins


def _mark_context(messages: list[dict[str, Any]]) -> None:
    """Mark what is only context, in place, so that no answer is taught twice.

    A sample teaches one turn: the running one. Every earlier answer is (or was refused
    as) a sample of its own. A mark that a message came with is honoured; one that only
    repeats this rule is left out, so that a conversation has one form:

        user, assistant,              user, assistant (call), tool, assistant
              train: false by the rule      learnt, no mark         learnt, no mark
    """
    begins = turns(messages)
    for at, row in enumerate(messages):
        mark = row.pop("train", None)
        if row["role"] != "assistant":
            continue
        in_turn = at >= begins[-1]
        learnt = in_turn if mark is None else mark
        if not (learnt and in_turn):
            row["train"] = learnt


def problem(error: msgspec.ValidationError) -> str:
    """What is wrong with a row as `field: message`; never the value,
    which may be secret.
    """
    what, _, path = str(error).partition(" - at `$")
    missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
    if missing:
        return f"{missing[1]}: field required"
    field = path.strip("`.")
    if not field:
        return what
    return f"{field}: {what[:1].lower()}{what[1:].replace('`', '')}"


def _in_our_form(data: dict[str, Any]) -> dict[str, Any]:
    """A row of another writer: unknown keys go to `_metadata`,
    null is the empty text.
    """
    row = {key: value for key, value in data.items() if key in _KEYS}
    extra = {key: value for key, value in data.items() if key not in _KEYS}
    metadata = row.pop("_metadata", None)
    if metadata is None:
        metadata = extra.pop("metadata", None)
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        metadata = {"metadata": metadata}
    for key in ("input", "domain", "source", "sample_id"):
        if row.get(key, "") is None:
            row[key] = ""
    return {**row, "_metadata": {**extra, **metadata}}


def comparable_text(row: TrainingSample | SampleKeys) -> str:
    """What of a row is compared with others: the request, its input and the answer."""
    return f"{row.instruction}\n{row.input or ''}\n{row.output}"


def normalise(text: str) -> str:
    """Text as identity sees it: NFC, `\\n` line ends, no trailing blanks, redaction
    marks unnumbered.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if " \n" in text or "\t\n" in text:
        text = _TRAILING_SPACE.sub("\n", text)
    return _REDACTION_NUMBER.sub(r"<REDACTED:\1>", text).strip()


def content_id(sample: TrainingSample) -> str:
    """32 hex digits of the normalised content (not of domain, source,
    score or metadata).

    Marks are no content: a conversation is the same row, and held out as such,
    whichever of its answers carry loss.
    """
    parts = [sample.instruction, sample.input, sample.output, sample.thinking or ""]
    if sample.messages is not None:
        said = [_without_mark(row) for row in sample.messages]
        parts.append(msgspec.json.encode(said, order="sorted").decode())
    if sample.tools is not None:
        parts.append(msgspec.json.encode(sample.tools, order="sorted").decode())
    payload = "\x1f".join(normalise(part) for part in parts)
    return hashlib.blake2b(
        payload.encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


def _without_mark(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "train"}
