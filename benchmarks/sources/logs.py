"""Generated logs for the benchmarks: every format, any size,
about a tenth of it text that is kept.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WORDS = """lantern oil tide beacon routine register sprite palette banks jump table
frame counter the a of when then LDA STA JSL RTL BNE CMP $7E0010 #$04 .loop why does it
how is where value read file""".split()  # noqa: SIM905
KEPT = 2200
"""Characters of a turn that are kept: request, answer and a tool's result."""


class Text:
    """Slices of one long made-up text, so that generating costs little."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.whole = " ".join(self.rng.choice(WORDS) for _ in range(400_000))

    def __call__(self, size: int) -> str:
        """A slice of so many characters."""
        start = self.rng.randrange(len(self.whole) - size)
        return self.whole[start : start + size]


def claude(text: Text, turn: int) -> Iterator[dict[str, Any]]:
    """A turn of Claude Code: a call, its result (twice, as the tool writes it), an
    answer, a snapshot.
    """
    names = [f"{turn:012x}-{n}" for n in range(4)]
    parent = f"{turn - 1:012x}-3" if turn else None
    contents: list[tuple[str, Any]] = [
        ("user", text(300)),
        (
            "assistant",
            [
                {
                    "type": "tool_use",
                    "id": f"t{turn}",
                    "name": "Read",
                    "input": {"path": text(20)},
                }
            ],
        ),
        (
            "user",
            [{"type": "tool_result", "tool_use_id": f"t{turn}", "content": text(1000)}],
        ),
        ("assistant", [{"type": "text", "text": text(900)}]),
    ]
    for name, (role, content) in zip(names, contents, strict=True):
        yield {
            "type": role,
            "uuid": name,
            "parentUuid": parent,
            "sessionId": "s1",
            "isSidechain": False,
            "message": {"role": role, "content": content},
            "toolUseResult": text(2200),
        }
        parent = name
    yield {"type": "file-history-snapshot", "snapshot": text(9000)}


def codex(text: Text, turn: int) -> Iterator[dict[str, Any]]:
    """A turn of Codex: items, the events that mirror them, a world state."""
    items: list[dict[str, Any]] = [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text(300)}],
        },
        {
            "type": "function_call",
            "name": "shell",
            "arguments": '{"command":["ls"]}',
            "call_id": f"c{turn}",
        },
        {"type": "function_call_output", "call_id": f"c{turn}", "output": text(1000)},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": text(900)}],
        },
    ]
    for item in items:
        yield {"timestamp": "t", "type": "response_item", "payload": item}
        yield {
            "timestamp": "t",
            "type": "event_msg",
            "payload": {"type": "mirror", "text": text(2000)},
        }
    yield {"timestamp": "t", "type": "world_state", "payload": {"state": text(10_000)}}


def gemini(text: Text, turn: int) -> Iterator[dict[str, Any]]:
    """A turn of Gemini CLI: a call with its result, written three times while it grew,
    then the answer.
    """
    call = {
        "id": "x",
        "name": "read",
        "args": {"p": 1},
        "result": text(1000),
        "resultDisplay": text(4000),
    }
    yield {"id": f"{turn}u", "type": "user", "content": text(300)}
    for _ in range(3):
        yield {
            "id": f"{turn}c",
            "type": "gemini",
            "content": "",
            "toolCalls": [call],
            "tokens": {},
        }
    yield {"id": f"{turn}a", "type": "gemini", "content": text(900), "tokens": {}}
    yield {"$set": {"memoryScratchpad": text(1000)}}


def memory(text: Text, turn: int) -> Iterator[dict[str, Any]]:
    """A memory entry with keys that no sample needs."""
    yield {
        "prompt": text(500),
        "response": text(1700),
        "context": text(20_000),
        "confidence": 0.5,
    }


def history(text: Text, turn: int) -> Iterator[dict[str, Any]]:
    """A model event and the file events around it."""
    payload = {"prompt": text(500), "response": text(1700)}
    yield {
        "id": f"e{turn}",
        "type": "model",
        "payload": payload,
        "metadata": {"raw": text(10_000)},
    }
    yield {
        "id": f"f{turn}",
        "type": "fs",
        "payload": {"path": "x"},
        "metadata": {"raw": text(10_000)},
    }


PLACES = {
    "claude": "projects/-src/s{}.jsonl",
    "codex": "sessions/rollout-2026-05-09T10-00-00-{}.jsonl",
    "gemini": "tmp/p/chats/session-{}.jsonl",
    "memory": "entries{}.jsonl",
    "history": "events_{}.jsonl",
}
MAKERS: dict[str, Callable[[Text, int], Iterator[dict[str, Any]]]] = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
    "memory": memory,
    "history": history,
}


def write(kind: str, root: Path, megabytes: int) -> int:
    """One log of about `megabytes`; returns its bytes."""
    if kind == "toolbench":
        return toolbench(root, megabytes)
    path = root / PLACES[kind].format(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    text, written, turn = Text(1), 0, 0
    with path.open("wb") as file:
        while written < megabytes * 10**6:
            data = b"".join(
                json.dumps(record).encode() + b"\n"
                for record in MAKERS[kind](text, turn)
            )
            file.write(data)
            written, turn = written + len(data), turn + 1
    return written


def toolbench(root: Path, megabytes: int) -> int:
    """The released file: growing prefixes of trajectories of six steps."""
    root.mkdir(parents=True, exist_ok=True)
    text, written, query = Text(1), 0, 0
    with (root / "toolllama_G123_dfs_train.json").open("wb") as file:
        file.write(b"[")
        while written < megabytes * 10**6:
            asked = f"{query} {text(300)}"
            turns = [
                {"from": "system", "value": text(1500)},
                {"from": "user", "value": f"\n{asked}\nBegin!\n"},
            ]
            for step in range(6):
                final = json.dumps(
                    {"return_type": "give_answer", "final_answer": text(600)}
                )
                action = (
                    f"Finish\nAction Input: {final}"
                    if step == 5
                    else 'look\nAction Input: {"q": 1}'
                )
                turns.append(
                    {
                        "from": "assistant",
                        "value": f"\nThought: {text(80)}\nAction: {action}",
                    }
                )
                row = {"id": f"Step {step}: {asked}", "conversations": turns}
                data = json.dumps(row).encode()
                file.write(data if not written else b"," + data)
                written += len(data)
                turns.append({"from": "function", "value": text(500)})
            query += 1
        file.write(b"]")
    return written
