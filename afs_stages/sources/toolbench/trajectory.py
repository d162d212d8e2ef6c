"""What a ToolBench row holds: a query, the calls and results of its trajectory,
thoughts and an answer.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

import msgspec

_STEP = re.compile(
    r"Thought:[ \t]*(?P<thought>.*?)\n\s*Action:[ \t]*(?P<action>[^\n]*)\n\s*Action "
    r"Input:(?P<input>.*)\Z",
    re.S,
)
_SCHEMAS = "Specifically, you have access to the following APIs:"
MAX_LITERAL = 200_000
"""Characters of a list of tools printed as Python; a longer one is left out."""
TraceStep = tuple[Any, ...]
"""("call", id, tool, arguments) or ("result", id, text)"""


@dataclass(frozen=True)
class Trajectory:
    """One solved query."""

    query: str
    steps: list[TraceStep]
    thoughts: list[str]
    answer: str
    tools: list[dict[str, Any]]


def outline(row: dict[str, Any]) -> tuple[str, bool, int]:
    """(query, whether it ends in an answer, number of turns): enough to choose between
    rows of a query.
    """
    generated = row.get("answer_generation")
    if isinstance(generated, dict):
        messages = _last_chain(generated)
        return (
            str(generated.get("query") or ""),
            bool(generated.get("final_answer")),
            len(messages),
        )
    turns = _turns(row)
    last = turns[-1]["value"] if turns else ""
    return _query(row, turns), "give_answer" in last, len(turns)


def trajectory(row: dict[str, Any]) -> Trajectory | str:
    """The trajectory of a row, or the reason why it gives no sample."""
    generated = row.get("answer_generation")
    if isinstance(generated, dict):
        return _from_tree(generated)
    turns = _turns(row)
    query = _query(row, turns)
    if not query:
        return "empty_request"
    if not turns:
        return "query_without_answer"
    return _from_turns(query, turns)


def _turns(row: dict[str, Any]) -> list[dict[str, Any]]:
    listed = row.get("conversations")
    listed = listed if isinstance(listed, list) else []
    return [
        turn
        for turn in listed
        if isinstance(turn, dict) and isinstance(turn.get("value"), str)
    ]


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


def _from_turns(query: str, turns: list[dict[str, Any]]) -> Trajectory | str:
    steps: list[TraceStep] = []
    thoughts: list[str] = []
    for turn in turns:
        if turn.get("from") == "function":
            steps.append(("result", str(len(thoughts)), turn["value"]))
        if turn.get("from") != "assistant":
            continue
        step = _STEP.search(turn["value"])
        if step is None:
            return "malformed_step"
        thoughts.append(step["thought"].strip())
        action = step["action"].strip()
        if action == "Finish":
            answer = _final(_json(step["input"]))
            system = next((t["value"] for t in turns if t.get("from") == "system"), "")
            return answer[1] or Trajectory(
                query, steps, _said(thoughts), answer[0], _listed_tools(system)
            )
        steps.append(("call", str(len(thoughts)), action, _arguments(step["input"])))
    return "no_final_answer"


def _from_tree(generated: dict[str, Any]) -> Trajectory | str:
    query = str(generated.get("query") or "").strip()
    if not query:
        return "empty_request"
    answer, fault = _final(_json(str(generated.get("final_answer") or "")))
    if fault:
        return fault
    steps: list[TraceStep] = []
    thoughts: list[str] = []
    calls = 0
    for message in _last_chain(generated):
        content = message.get("content")
        called = message.get("function_call")
        if message.get("role") in ("function", "tool"):
            steps.append(
                ("result", str(calls), content if isinstance(content, str) else "")
            )
        elif message.get("role") == "assistant":
            thoughts.append(content.strip() if isinstance(content, str) else "")
            if isinstance(called, dict) and called.get("name") != "Finish":
                calls += 1
                arguments = _arguments(str(called.get("arguments") or "{}"))
                steps.append(
                    ("call", str(calls), str(called.get("name") or ""), arguments)
                )
    functions = generated.get("function")
    return Trajectory(query, steps, _said(thoughts), answer, _tools(functions))


def _last_chain(generated: dict[str, Any]) -> list[dict[str, Any]]:
    chains = generated.get("train_messages")
    last = chains[-1] if isinstance(chains, list) and chains else []
    return (
        [message for message in last if isinstance(message, dict)]
        if isinstance(last, list)
        else []
    )


def _final(value: Any) -> tuple[str, str]:
    """(the final answer, "") or ("", why there is none)."""
    if not isinstance(value, dict):
        return "", "malformed_step"
    if value.get("return_type") != "give_answer":
        return "", "gave_up"
    answer = value.get("final_answer")
    if not isinstance(answer, str) or not answer.strip():
        return "", "no_final_answer"
    return answer.strip(), ""


def _said(thoughts: list[str]) -> list[str]:
    return [thought for thought in thoughts if thought]


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
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return []
    return _tools(value)


def _tools(functions: Any) -> list[dict[str, Any]]:
    """Schemas in OpenAI's format; `Finish` is ToolBench's own and no tool."""
    listed = functions if isinstance(functions, list) else []
    named = [
        item
        for item in listed
        if isinstance(item, dict) and item.get("name") != "Finish"
    ]
    return [{"type": "function", "function": item} for item in named]
