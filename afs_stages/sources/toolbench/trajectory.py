"""What a ToolBench row holds: a query, the calls and results of its trajectory,
thoughts and an answer, as events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from afs_stages.sources.events import (
    Called,
    Event,
    Prompt,
    Returned,
    Said,
    Thought,
    dicts,
)
from afs_stages.sources.toolbench.literals import literal, nearly_json

_ACTION = re.compile(
    r"^[^\S\n]*Action:[ \t]*(?P<action>[^\n]*)\n\s*+Action Input:", re.M
)
_SCHEMAS = "Specifically, you have access to the following APIs:"
_RETURN = re.compile(r"""["']return_type["']\s*:\s*["'](\w+)["']""")
_ANSWER = re.compile(r"""["']final_answer["']\s*:\s*(?P<quote>["'])""")
_APOLOGY = re.compile(
    r"(?:i(?:'m| am)\s+(?:\w+\s+)?|we(?:'re| are)\s+)?(?:sorry|unfortunately)\b"
    r"|(?:i|we)\s+(?:sincerely\s+)?apologi[sz]e\b|(?:my|our)\s+apologies\b|apologies\b",
    re.I,
)
_UNABLE = re.compile(
    r"\b(?:unable|cannot|can't|could(?: not|n't)|was(?: not|n't) able|no longer|failed"
    r"|not (?:available|possible|find|able|have)|unavailable|error|issue|difficult)",
    re.I,
)
_YET = re.compile(
    r"\b(?:however|here (?:is|are)|instead)\b|^[^\S\n]*[-*\d]", re.I | re.M
)
"""Where an answer that begins with an apology goes on to answer."""
MAX_LITERAL = 200_000
"""Characters of a list of tools printed as Python; a longer one is left out."""
MAX_NODES = 1000
"""Steps of one answer; a tree that goes deeper is cut there."""
_SPEAKERS = {
    "human": "user",
    "gpt": "assistant",
    "tool": "function",
    "observation": "function",
}
"""Names of speakers in other editions."""


class Step(NamedTuple):
    """What the model wrote in one turn: `Thought: … Action: … Action Input: …`."""

    thought: str
    action: str
    input: str


@dataclass(frozen=True)
class Trajectory:
    """One solved query."""

    events: list[Event]
    tools: list[dict[str, Any]]


def outline(row: dict[str, Any]) -> tuple[str, bool, int]:
    """(query, whether it gives a sample, number of turns): enough to choose between
    rows of a query.
    """
    generated = row.get("answer_generation")
    turns = _turns(row)
    if isinstance(generated, dict):
        query, length = _query(generated, []), len(_last_chain(generated))
    elif isinstance(row.get("answer"), dict):
        query, length = _query(row, turns), len(list(_nodes(row["answer"])))
    else:
        query, length = _query(row, turns), len(turns)
    return query, not isinstance(_events_of(row), str), length


def trajectory(row: dict[str, Any]) -> Trajectory | str:
    """The trajectory of a row, or the reason why it gives no sample."""
    events = _events_of(row)
    return events if isinstance(events, str) else Trajectory(events, _tools_of(row))


def _events_of(row: dict[str, Any]) -> list[Event] | str:
    """What happens in a row, whichever edition it is of, or why it gives no sample."""
    generated = row.get("answer_generation")
    if isinstance(generated, dict):
        return _from_tree(generated)
    turns = _turns(row)
    query = _query(row, turns)
    if not query:
        return "empty_request"
    if isinstance(row.get("answer"), dict):
        return _from_nodes(query, row["answer"])
    if not turns:
        return "query_without_answer"
    return _from_turns(query, turns)


def _tools_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of the tools that a row gives the model."""
    generated = row.get("answer_generation")
    if isinstance(generated, dict):
        return _tools(generated.get("function"))
    if isinstance(row.get("answer"), dict):
        return _tools(row.get("available_tools"))
    said = (turn["value"] for turn in _turns(row) if turn["from"] == "system")
    return _listed_tools(next(said, ""))


def _turns(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns of a row, their speakers by ToolBench's names."""
    turns = []
    for turn in dicts(row.get("conversations")):
        if isinstance(turn.get("value"), str):
            sender = str(turn.get("from"))
            turn = {"from": _SPEAKERS.get(sender, sender), "value": turn["value"]}
            turns.append(turn)
    return turns


def _query(row: dict[str, Any], turns: list[dict[str, Any]]) -> str:
    """The person's words; of the id (`Step N: <query>`) where the
    conversation lacks them.
    """
    said = next((turn["value"] for turn in turns if turn.get("from") == "user"), "")
    text = (
        said
        or str(row.get("query") or "")
        or str(row.get("id") or "").partition(": ")[2]
    )
    return text.strip().removesuffix("Begin!").strip()


def _step(text: str) -> Step | None:
    """The step that a text of the model is; None where it names no action."""
    action = _ACTION.search(text)
    if action is None:
        return None
    thought = text[: action.start()].strip().removeprefix("Thought:").strip()
    return Step(thought, action["action"].strip(), text[action.end() :])


def _from_turns(query: str, turns: list[dict[str, Any]]) -> list[Event] | str:
    events: list[Event] = []
    thoughts: list[str] = []
    for turn in turns:
        if turn["from"] == "function":
            events.append(Returned(str(len(thoughts)), turn["value"]))
        if turn["from"] != "assistant":
            continue
        step = _step(turn["value"])
        if step is None:
            return "malformed_step"
        thoughts.append(step.thought)
        if step.action == "Finish":
            return _finished(query, events, thoughts, step.input)
        arguments = _arguments(step.input)
        events.append(Called(str(len(thoughts)), step.action, arguments))
    return "no_final_answer"


def _from_tree(generated: dict[str, Any]) -> list[Event] | str:
    query = _query(generated, [])
    if not query:
        return "empty_request"
    thoughts: list[str] = []
    events: list[Event] = []
    for message in _last_chain(generated):
        events.extend(_chain_events(message, thoughts))
    final = str(generated.get("final_answer") or "")
    return _finished(query, events, thoughts, final)


def _chain_events(message: dict[str, Any], thoughts: list[str]) -> Iterator[Event]:
    """The events of a message; a result without an id answers the call before it."""
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    if message.get("role") in ("function", "tool"):
        yield Returned(str(message.get("tool_call_id") or len(thoughts)), text)
    elif message.get("role") == "assistant":
        thoughts.append(text.strip())
        calls = dicts(message.get("tool_calls"))
        for made in [*calls, {"function": message.get("function_call")}]:
            called = made.get("function")
            if isinstance(called, dict) and called.get("name") != "Finish":
                id = str(made.get("id") or len(thoughts))
                arguments = _arguments(str(called.get("arguments") or "{}"))
                yield Called(id, str(called.get("name") or ""), arguments)


def _nodes(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of an evaluated answer, down the last branch of its tree."""
    below = dicts(answer.get("answer_details"))
    for _ in range(MAX_NODES):
        if not below:
            break
        yield below[-1]
        below = dicts(below[-1].get("next"))


def _from_nodes(query: str, answer: dict[str, Any]) -> list[Event] | str:
    events: list[Event] = []
    thoughts: list[str] = []
    for node in _nodes(answer):
        said = node.get("message")
        if node.get("role") == "assistant":
            thoughts.append(str(said or "").strip())
        if node.get("role") != "tool":
            continue
        made = said if isinstance(said, dict) else nearly_json(str(said))
        if made.get("name") != "Finish":
            id, given = str(len(events)), made.get("arguments") or {}
            arguments = _arguments(given) if isinstance(given, str) else given
            events.append(Called(id, str(made.get("name") or ""), arguments))
            events.append(Returned(id, str(made.get("response") or "")))
    final = str(answer.get("final_answer") or "")
    if not isinstance(_json(final), dict):
        final = json.dumps({"return_type": "give_answer", "final_answer": final})
    return _finished(query, events, thoughts, final)


def _finished(
    query: str, events: list[Event], thoughts: list[str], final: str
) -> list[Event] | str:
    """The events of a trajectory that ends in `Finish` with this input."""
    answer, fault = _final(final)
    if fault:
        return fault
    thought = Thought("\n".join(text for text in thoughts if text))
    return [Prompt([query]), *events, thought, Said(answer)]


def _last_chain(generated: dict[str, Any]) -> list[dict[str, Any]]:
    chains = generated.get("train_messages")
    return dicts(chains[-1]) if isinstance(chains, list) and chains else []


def _final(text: str) -> tuple[str, str]:
    """(the final answer, "") or ("", why there is none)."""
    value = _json(text)
    if not isinstance(value, dict):
        value = _broken_final(text)
    if "return_type" not in value:
        return "", "malformed_step"
    if value["return_type"] != "give_answer":
        return "", "gave_up"
    answer = value.get("final_answer")
    if not isinstance(answer, str) or not answer.strip():
        return "", "no_final_answer"
    return ("", "gave_up") if _apologises(answer) else (answer.strip(), "")


def _broken_final(text: str) -> dict[str, Any]:
    """What `Finish` was given, in JSON with raw line ends, as Python, or nearly so."""
    value = nearly_json(text)
    if value:
        return value
    kind = _RETURN.search(text)
    found = {"return_type": kind[1]} if kind else {}
    # The answer goes to the quote that ends the text, whatever quotes are within.
    body = text.rstrip().removesuffix("}").rstrip()
    for answer in _ANSWER.finditer(body):
        if answer.end() < len(body) and body[-1] == answer["quote"]:
            return {**found, "final_answer": body[answer.end() : -1]}
    return found


def _apologises(answer: str) -> bool:
    """Whether an answer is an apology and nothing else."""
    said = answer.strip()
    begins = _APOLOGY.match(said)
    return bool(begins and _UNABLE.search(said[:300]) and not _YET.search(said))


def _arguments(text: str) -> Any:
    value = _json(text)
    return value if isinstance(value, dict) else text.strip()


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _listed_tools(system: str) -> list[dict[str, Any]]:
    """The tool schemas in a system text: a list printed as Python,
    in some editions as JSON.
    """
    _, marker, listed = system.partition(_SCHEMAS)
    start = listed.find("[") if marker else -1
    text = listed[start : listed.rfind("]") + 1] if start >= 0 else ""
    value = _json(text)
    if value is None and 0 < len(text) <= MAX_LITERAL:
        value = literal(text)
    return _tools(value)


def _tools(functions: Any) -> list[dict[str, Any]]:
    """Schemas in OpenAI's format; `Finish` is ToolBench's own and no tool."""
    named = [item for item in dicts(functions) if item.get("name") != "Finish"]
    return [{"type": "function", "function": item} for item in named]
