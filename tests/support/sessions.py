"""Samples of tool-using turns, and tokens counted as words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from support.rows import text

from afs_stages.core.errors import UnusableRow
from afs_stages.core.sample import TrainingSample

_WORD = re.compile(r"\s*\S+")


class WordTokens:
    """A model whose tokens are words; its template escapes tool output if asked to."""

    def __init__(self, escaped: bool = False, ends_known: bool = True) -> None:
        self.escaped, self.ends_known = escaped, ends_known
        self.calls = 0

    def pieces(self, sample: TrainingSample) -> list[str]:
        """One piece for each message."""
        if "<refused>" in sample.instruction:
            raise UnusableRow("chat_template", "the template has no such role")
        if sample.messages is None:
            return [sample.instruction, sample.output]
        return [self._rendered(row) for row in sample.messages]

    def _rendered(self, row: dict[str, Any]) -> str:
        said = row.get("content") or ""
        if self.escaped and row["role"] == "tool":
            said = said.replace("\n", " \\n ")
        return f"{row['role']} {said} {row.get('tool_calls') or ''}"

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        self.calls += 1
        return [len(_WORD.findall(one)) for one in texts]

    def ends(self, texts: Sequence[str]) -> list[list[int]] | None:
        """Ends of the words."""
        if not self.ends_known:
            return None
        return [[word.end() for word in _WORD.finditer(one)] for one in texts]


def call(name: str, number: int) -> dict[str, Any]:
    """The message that calls a tool."""
    function = {"name": name, "arguments": f'{{"at": {number}}}'}
    id = f"call_{number}"
    calls = [{"id": id, "type": "function", "function": function}]
    return {"role": "assistant", "tool_calls": calls}


def tool_turn(name: str, outputs: Sequence[str], **fields: Any) -> TrainingSample:
    """A request, calls with these outputs, and an answer."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"mend {name}"}]
    for number, output in enumerate(outputs):
        messages.append(call("Read", number))
        result = {"role": "tool", "tool_call_id": f"call_{number}", "content": output}
        messages.append(result)
    answer = text(name, 20)
    messages.append({"role": "assistant", "content": answer})
    fields = {"source": "alpha", "domain": "one"} | fields
    return TrainingSample(
        instruction=f"mend {name}", output=answer, messages=messages, **fields
    )


def lines(name: str, words: int, width: int = 8) -> str:
    """Text of so many words in lines of so many."""
    found = text(name, words).split()
    rows = [found[at : at + width] for at in range(0, words, width)]
    return "\n".join(" ".join(row) for row in rows)
