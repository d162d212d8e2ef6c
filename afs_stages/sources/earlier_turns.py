"""What earlier turns of a session a follow-up turn carries, within a budget.

A later request leans on what was said and on what was done ("change it to 43"). Of the
budget, requests and answers come first, newest turns first; what is left shows the
calls of those turns, again the newest first:

    budget 60:  turn 1 (ask+answer 20)  turn 2 (20, calls 30)  turn 3 (10, calls 15)
    carried:                            ask, answer            ask, calls, answer
"""

from __future__ import annotations

from collections import deque

from afs_stages.sources.toolcalls import ToolStep

CHARS_PER_TOKEN = 4
"""A common rule of thumb for English and code; only the context budget rests on it."""
OUTPUT_CHARS = 500
"""Of a tool's result in an earlier turn: enough to see what an edit found."""


class EarlierTurns:
    """The finished turns of a session, as far as the budget reaches."""

    def __init__(self, budget_tokens: int) -> None:
        self._budget = budget_tokens * CHARS_PER_TOKEN
        self._turns: deque[list[ToolStep]] = deque()

    def add(self, rows: list[ToolStep]) -> None:
        """Take the messages of a finished turn: the request first, the answer last."""
        self._turns.append([_shortened(row) for row in rows])
        while self._turns and sum(map(_bare_size, self._turns)) > self._budget:
            self._turns.popleft()

    def rows(self) -> list[ToolStep]:
        """The messages to carry, oldest first."""
        left = self._budget - sum(map(_bare_size, self._turns))
        carried: list[list[ToolStep]] = []
        for turn in reversed(self._turns):
            between, size = _fitting(turn[1:-1], left)
            left -= size
            carried.append([turn[0], *between, turn[-1]])
        return [row for turn in reversed(carried) for row in turn]


def _fitting(rows: list[ToolStep], room: int) -> tuple[list[ToolStep], int]:
    """The last of a turn's calls that fit, and their size; a call keeps its results."""
    kept: list[ToolStep] = []
    taken = 0
    group: list[ToolStep] = []
    for row in reversed(rows):
        group.insert(0, row)
        if row["role"] == "tool":
            continue
        size = sum(map(_size, group))
        if taken + size > room:
            break
        kept = group + kept
        taken += size
        group = []
    # A conversation cannot go on from the middle with the assistant's second message.
    while kept and "tool_calls" not in kept[0]:
        taken -= _size(kept.pop(0))
    return kept, taken


def _shortened(row: ToolStep) -> ToolStep:
    text = row.get("content") or ""
    if row["role"] != "tool" or len(text) <= OUTPUT_CHARS:
        return row
    more = len(text) - OUTPUT_CHARS
    return {**row, "content": f"{text[:OUTPUT_CHARS]}\n[… {more} more characters]"}


def _bare_size(turn: list[ToolStep]) -> int:
    return _size(turn[0]) + _size(turn[-1])


def _size(row: ToolStep) -> int:
    calls = row.get("tool_calls", ())
    arguments = sum(len(made["function"]["arguments"]) for made in calls)
    return len(row.get("content") or "") + arguments
