"""ToolBench's trajectories (`toolllama_G123_dfs_{train,eval}.json`): one sample per query.

The file's rows are growing prefixes of one trajectory; the longest of a query is kept. It is a JSON
array of gigabytes, so it is read element by element; memory is bounded by the rows of one query.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from afs_stages.core import jsonl
from afs_stages.core.jsonl import BadRow
from afs_stages.core.sample import Message, TrainingSample
from afs_stages.sources.base import BaseGenerator, Options
from afs_stages.sources.conversation import tool_call
from afs_stages.sources.files import walk
from afs_stages.sources.json_array import elements
from afs_stages.sources.redaction import Redactor

_STEP = re.compile(
    r"Thought:\s*(?P<thought>.*?)\n\s*Action:\s*(?P<action>[^\n]*)\n\s*Action Input:\s*(?P<input>.*)\Z", re.S
)
Trajectory = tuple[list[dict[str, Any]], list[str], str]
"""Tool messages, thoughts, final answer."""
_SCHEMAS = "Specifically, you have access to the following APIs:"


class ToolBenchOptions(Options):
    """Options of a `toolbench` source block."""

    redact: bool = True
    split: Literal["train", "validation", "all"] = "all"


class ToolBenchGenerator(BaseGenerator):
    """Samples from a ToolBench data folder."""

    Options = ToolBenchOptions
    default_domain = "toolbench_api"
    home = "~/data/toolbench"
    options: ToolBenchOptions

    def generate(self) -> Iterator[TrainingSample]:
        """Yield one sample per query whose longest trajectory ends in an answer."""
        for name, path in walk(self.roots, (".json",)):
            if not path.name.startswith("toolllama_"):
                continue
            if self.options.split != "all" and ("eval" in path.name) != (self.options.split == "validation"):
                continue
            for number, row in self._longest(path):
                self.tally.seen += 1
                sample = self._sample(name, number, row)
                if sample is not None:
                    yield sample

    def _longest(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        """(number, row) of the longest trajectory of each query; a query's rows stand together."""
        best: tuple[str, int, dict[str, Any]] | None = None
        for number, raw in elements(path, self.on_bad):
            row = jsonl.parse(path.name, number, raw)
            if isinstance(row, BadRow):
                self.on_bad(row)
                continue
            query = str(row.get("id", "")).partition(": ")[2] or str(number)
            if best and best[0] == query:
                if len(row.get("conversations") or []) < len(best[2].get("conversations") or []):
                    row, number = best[2], best[1]
            elif best:
                yield best[1], best[2]
            best = (query, number, row)
        if best:
            yield best[1], best[2]

    def _sample(self, name: str, number: int, row: dict[str, Any]) -> TrainingSample | None:
        turns = [t for t in row.get("conversations") or [] if isinstance(t, dict) and isinstance(t.get("value"), str)]
        query = next((_query(t["value"]) for t in turns if t.get("from") == "user"), "")
        trajectory = _trajectory(turns)
        if not query:
            self.tally.drop("empty_request")
            return None
        if isinstance(trajectory, str):
            self.tally.drop(trajectory)
            return None
        redact = Redactor(self.options.redact)
        rows, thoughts, answer = trajectory
        messages = [{"role": "user", "content": query}, *rows, {"role": "assistant", "content": answer}]
        digest = hashlib.blake2b(query.encode(), digest_size=8).hexdigest()
        sample = TrainingSample(
            instruction=redact(query),
            output=redact(answer),
            thinking=redact("\n".join(thoughts)) or None,
            messages=[Message.model_validate(redact.value(message)) for message in messages],
            tools=redact.value(_tools(turns)) or None,
            domain=self.domain,
            source=self.name,
            _metadata={
                "provenance": {"file": redact(name), "line": number, "kind": "trajectory"},
                "group": f"{self.name}:query:{digest}",
            },
        )
        for kind, count in redact.counts.items():
            self.tally.redactions[kind] = self.tally.redactions.get(kind, 0) + count
        return sample


def _query(text: str) -> str:
    return text.strip().removesuffix("Begin!").strip()


def _trajectory(turns: list[dict[str, Any]]) -> Trajectory | str:
    """(tool messages, thoughts, final answer), or the reason there is none."""
    rows: list[dict[str, Any]] = []
    thoughts: list[str] = []
    for number, turn in enumerate(turns):
        if turn.get("from") == "function" and rows:
            rows.append({"role": "tool", "tool_call_id": f"call_{len(rows) // 2}", "content": turn["value"]})
        if turn.get("from") != "assistant":
            continue
        step = _STEP.search(turn["value"])
        if step is None:
            return "malformed_step"
        if step["thought"].strip():
            thoughts.append(step["thought"].strip())
        if step["action"].strip() == "Finish":
            return _finish(step["input"], rows, thoughts)
        if number + 1 < len(turns):
            rows.append(tool_call(f"call_{len(rows) // 2 + 1}", step["action"].strip(), _arguments(step["input"])))
    return "no_final_answer"


def _finish(text: str, rows: list[dict[str, Any]], thoughts: list[str]) -> Trajectory | str:
    value = _json(text)
    if not isinstance(value, dict):
        return "malformed_step"
    if value.get("return_type") != "give_answer":
        return "gave_up"
    answer = value.get("final_answer")
    if not isinstance(answer, str) or not answer.strip():
        return "no_final_answer"
    return rows, thoughts, answer.strip()


def _arguments(text: str) -> str:
    """The call's arguments as JSON text; what is no JSON object is kept whole under `input`."""
    value = _json(text)
    return msgspec.json.encode(value if isinstance(value, dict) else {"input": text.strip()}).decode()


def _json(text: str) -> Any:
    try:
        return jsonl.decode(text.strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _tools(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tool schemas in the system text, in OpenAI's format."""
    system = next((t["value"] for t in turns if t.get("from") == "system"), "")
    _, marker, listed = system.partition(_SCHEMAS)
    start = listed.find("[") if marker else -1
    if start < 0:
        return []
    value = _literal(listed[start : listed.rfind("]") + 1])
    return [{"type": "function", "function": item} for item in value if isinstance(item, dict)]


def _literal(text: str) -> list[Any]:
    """ToolBench prints the list as Python; some editions as JSON. Anything else is no list of tools."""
    import ast

    value = _json(text)
    if value is None and len(text) < 200_000:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return []
    return value if isinstance(value, list) else []
