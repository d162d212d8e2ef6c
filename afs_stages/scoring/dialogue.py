"""Whether a dialogue holds together: calls fit the tools' schemas, each has its
result, the answer is made from them, and tells it where all of them failed.

Earlier turns were samples of their own; only what the last turn did is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec

from afs_stages.core.sample import TrainingSample, turns

Message = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_ERROR = re.compile(
    r"\W*(?:[\w./-]+: ){0,3}(?:\w*(?:error|exception)\b|traceback\b|fatal\b|failed\b"
    r"|exit code:? ?[1-9]|time(?:d out|out)\b|command not found|permission denied"
    r"|(?:no such|not an?|cannot|could not|unknown|invalid) \w+)",
    re.IGNORECASE,
)
"""How a result begins that is none; programs put their name before it."""
_EXIT = re.compile(r"\bexit (?:status|code)\W{0,3}[1-9]\d*\W*\Z", re.IGNORECASE)
SHORT_RESULT = 200
"""Characters of a result that ends with a failure and is nothing but that: a longer
one, of a test run for instance, has something to say.
"""
_SPECIFIC = re.compile(
    r"`([^`\n]+)`|(\$?\w*\d[\w.:/-]*\w|\b[A-Za-z]+_\w+|\b[A-Za-z]*[a-z][A-Z]\w*)"
)
"""Numbers, times, names and quotations: what an answer can only have from somewhere."""
_CALL = re.compile(
    r'"name"\s*:\s*"([^"\n]+)"\s*,\s*"(?:arguments|parameters|input)"\s*:'
)
"""A call as the formats of tools write one."""
_WORDS = re.compile(r"[\w.$/-]{3,}")
_LETTERS = re.compile(r"[^\W\d_]{6,}")
"""Words long enough to mean something: `rejected`, `permission`."""
FEWEST_AGAIN = 6
"""Words of an answer that is no coincidence when it was given before."""
FEWEST_SPECIFIC = 3
"""Fewer say nothing about where an answer has them from."""


def broken(sample: TrainingSample) -> str:
    """What is broken in a sample's tool dialogue; empty where nothing is."""
    rows = sample.messages or []
    return next(_faults(rows, sample.tools or [], sample.output), "")


def _faults(
    rows: Sequence[Message], tools: Sequence[Any], output: str
) -> Iterator[str]:
    schemas = _schemas(tools)
    yield from _result_faults(rows)
    for call in _calls(rows):
        yield from _call_faults(call, schemas)
    results = last_results(rows)
    if results and all(map(failed, results)) and not _reported(rows, output):
        yield "all results failed"
    if rows and (rows[-1]["role"] != "assistant" or rows[-1].get("tool_calls")):
        yield "no answer at the end"
    elif rows and _text(rows[-1]).strip() != output.strip():
        yield "the answer is not the output"
    if _is_again(output, rows[:-1]):
        yield "an earlier answer again"
    if any(name in schemas for name in _written_calls(output)):
        yield "a call written as an answer"
    if any(crossed(*pair) for pair in _pairs_of_calls(rows)):
        yield "results under each other's calls"


def _reported(rows: Sequence[Message], output: str) -> bool:
    """Whether an answer tells what went wrong: it has a word of the failed results
    that neither the user nor a call had said before.
    """
    told = _long_words(" ".join(last_results(rows)))
    said = " ".join(_text(row) for row in rows if row["role"] == "user")
    for call in _calls(rows):
        said += f" {call.get('function')}"
    return bool(told & _long_words(output) - _long_words(said))


def _long_words(text: str) -> set[str]:
    return set(_LETTERS.findall(text.casefold()))


def _is_again(output: str, before: Sequence[Message]) -> bool:
    """Whether an answer of several words was given before in the dialogue."""
    words = output.split()
    if len(words) < FEWEST_AGAIN:
        return False
    said = [_text(row).split() for row in before if row["role"] == "assistant"]
    return words in said


def _written_calls(text: str) -> Iterator[str]:
    """The names of the calls that stand in a text as JSON."""
    for found in _CALL.finditer(text):
        yield found[1]


def _pairs_of_calls(rows: Sequence[Message]) -> Iterator[tuple[str, str, str, str]]:
    """(arguments, result, other arguments, other result) of two calls of one turn."""
    results = {}
    for row in rows:
        if row["role"] == "tool":
            results[str(row.get("tool_call_id"))] = _text(row)
    for row in rows:
        told = []
        for call in row.get("tool_calls") or ():
            asked = str((call.get("function") or {}).get("arguments"))
            told.append((asked, results.get(str(call.get("id")), "")))
        for mine, other in combinations(told, 2):
            yield *mine, *other


def crossed(mine: str, my_result: str, its: str, its_result: str) -> bool:
    """Whether what only one call asks for stands in the other's result, on both sides,
    and not in its own.
    """
    asked, other = set(_WORDS.findall(mine)), set(_WORDS.findall(its))
    only_mine, only_its = asked - other, other - asked
    own = any(one in my_result for one in only_mine)
    own = own or any(one in its_result for one in only_its)
    across = any(one in its_result for one in only_mine)
    across = across and any(one in my_result for one in only_its)
    return across and not own


def last_results(rows: Sequence[Message]) -> list[str]:
    """The results that the last turn had from its tools."""
    begins = turns([dict(row) for row in rows]) or [0]
    return [_text(row) for row in rows[begins[-1] :] if row["role"] == "tool"]


def failed(result: str) -> bool:
    """Whether a tool's result is none: empty, or nothing but an error."""
    if not result.strip():
        return True
    if result.lstrip()[0] == "{":
        try:
            found = msgspec.json.decode(result)
        except msgspec.DecodeError:
            return False
        error = found.get("error") or found.get("errors")
        return bool(error) and not found.get("response")
    if len(result) <= SHORT_RESULT and _EXIT.search(result):
        return True
    return _ERROR.match(result) is not None


def _calls(rows: Sequence[Message]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        yield from row.get("tool_calls") or ()


def _text(row: Message) -> str:
    content = row.get("content")
    return content if isinstance(content, str) else ""


def _result_faults(rows: Sequence[Message]) -> Iterator[str]:
    """Each call has one result after it and each result its call."""
    waiting: set[str] = set()
    for row in rows:
        if row["role"] == "tool":
            key = str(row.get("tool_call_id"))
            if key not in waiting:
                yield "a result without its call"
            waiting.discard(key)
            continue
        if waiting and row["role"] == "assistant":
            yield "a call without its result"
        for call in row.get("tool_calls") or ():
            waiting.add(str(call.get("id")))
    if waiting:
        yield "a call without its result"


def _schemas(tools: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Name -> parameters of each tool."""
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        parameters = function.get("parameters") or {}
        if isinstance(parameters, dict):
            found[str(function.get("name"))] = parameters
    return found


def _call_faults(
    call: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    function = call.get("function") or {}
    name = str(function.get("name") or "")
    if not name:
        yield "a call without a name"
    if schemas and name not in schemas:
        yield "a call of no listed tool"
    try:
        given = msgspec.json.decode(str(function.get("arguments") or "{}"))
    except msgspec.DecodeError:
        yield "arguments that are no JSON"
        return
    if not isinstance(given, dict):
        yield "arguments that are no object"
        return
    yield from _argument_faults(given, schemas.get(name, {}))


def _argument_faults(
    given: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    required = schema.get("required")
    if isinstance(required, list) and any(name not in given for name in required):
        yield "a required argument is missing"
    if not schema.get("additionalProperties") and set(given) - set(properties):
        yield "an argument the tool does not have"
    for name, value in given.items():
        about = properties.get(name)
        if isinstance(about, dict) and not _fits(value, about):
            yield "an argument of the wrong type"


def _fits(value: Any, about: Mapping[str, Any]) -> bool:
    choices = about.get("enum")
    if isinstance(choices, list) and value not in choices:
        return False
    kind = str(about.get("type") or "").lower()
    if kind in ("number", "integer"):
        whole = isinstance(value, int) or kind == "number"
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return kind not in _TYPES or isinstance(value, _TYPES[kind])


def grounded(sample: TrainingSample) -> float | None:
    """Share of an answer's numbers and names that stand in what it was given: the
    request, the input, the calls and their results; None where it has too few or
    nothing was given.
    """
    rows = sample.messages or []
    given = [sample.input, *(_text(row) for row in rows if row["role"] == "tool")]
    if not any(text.strip() for text in given):
        return None
    asked = [_text(row) for row in rows[:-1] if row["role"] != "tool"]
    called = [str(call.get("function")) for call in _calls(rows)]
    known = "\n".join([sample.instruction, *given, *asked, *called]).lower()
    told = {(a or b).lower() for a, b in _SPECIFIC.findall(sample.output)}
    if len(told) < FEWEST_SPECIFIC:
        return None
    return sum(one in known for one in told) / len(told)
