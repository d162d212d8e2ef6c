"""One small valid folder of every session format,
each with every field its tool is known to write.

A folder is {path: content}: records for `.jsonl`, a value for `.json`, rows for
`.parquet`, else text.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow
import zstandard
from pyarrow import parquet
from support.source_files import ANSWER, claude, codex, codex_meta, event, gemini

Folder = dict[str, Any]


def write(folder: Folder, root: Path) -> None:
    """The folder on disk; a payload's `sha256` is that of the file beside it."""
    for name, content in folder.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            parquet.write_table(pyarrow.Table.from_pylist(content), path)
        else:
            path.write_bytes(_bytes(path, content))
    for path in sorted(root.glob("events_*.jsonl")):
        path.write_bytes(
            b"".join(
                _with_digest(path.parent, line)
                for line in path.read_bytes().splitlines()
            )
        )


def _bytes(path: Path, content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if path.suffix == ".json":
        return json.dumps(content).encode()
    lines = b"".join(
        (r if isinstance(r, str) else json.dumps(r)).encode() + b"\n" for r in content
    )
    return zstandard.compress(lines) if path.suffix == ".zst" else lines


def _with_digest(root: Path, line: bytes) -> bytes:
    record = json.loads(line)
    if isinstance(record, dict) and record.get("payload_sha256") == "right":
        target = root / str(record["payload_ref"])
        record["payload_sha256"] = (
            hashlib.sha256(target.read_bytes()).hexdigest()
            if target.is_file()
            else "gone"
        )
    return json.dumps(record).encode() + b"\n"


def _claude() -> Folder:
    common = {
        "cwd": "/src/game",
        "gitBranch": "main",
        "version": "2.1",
        "slug": "calm-tide",
        "requestId": "r",
        "entrypoint": "cli",
        "userType": "external",
        "timestamp": "2026-05-01T10:00:00Z",
    }
    use = {
        "type": "tool_use",
        "id": "t1",
        "name": "Bash",
        "input": {"command": "ls", "env": {"A": ["b"]}},
    }
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
    }
    given = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "a.asm"}, image],
    }
    queued = {
        "type": "queued_command",
        "prompt": "and the oil?",
        "commandMode": "prompt",
    }
    records = [
        {"type": "summary", "summary": "the lantern", "leafUuid": "a3"},
        claude(
            "u1",
            None,
            "user",
            [{"type": "text", "text": "Why is it dark?"}, image],
            **common,
        ),
        claude(
            "a1",
            "u1",
            "assistant",
            [{"type": "thinking", "thinking": "the oil", "signature": "c2ln"}],
            **common,
        ),
        claude(
            "a2",
            "a1",
            "assistant",
            [use],
            message={"id": "m", "model": "opus", "stop_reason": "x"},
        ),
        claude(
            "r1", "a2", "user", [given], toolUseResult={"stdout": "a.asm"}, **common
        ),
        claude("a3", "r1", "assistant", [{"type": "text", "text": ANSWER}], **common),
        {
            "type": "system",
            "subtype": "informational",
            "uuid": "y",
            "parentUuid": "a3",
            "content": "note",
        },
        {
            "type": "attachment",
            "uuid": "q",
            "parentUuid": "y",
            "sessionId": "s1",
            "attachment": queued,
        },
        claude(
            "a4",
            "q",
            "assistant",
            f"{ANSWER} queued",
            forkedFrom={"sessionId": "s0", "messageUuid": "z"},
        ),
        claude("x", "q", "user", "rewound", origin={"kind": "human"}),
        {"type": "file-history-snapshot", "snapshot": {"a.asm": "text"}},
        '{"type": "user", "uuid": "broken", "message": {"content": "words',
    ]
    agent = [
        claude("v1", None, "user", "sub?"),
        claude("v2", "v1", "assistant", f"{ANSWER} sub"),
    ]
    return {
        "projects/-src-game/s1.jsonl": records,
        "projects/-src-game/agent-1.jsonl": agent,
    }


def _codex(file: str) -> Folder:
    arguments = json.dumps({"command": ["bash", "-lc", "ls"], "workdir": "/src"})
    items: list[dict[str, Any]] = [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "look"}],
            "encrypted_content": "gAAA",
        },
        {
            "type": "function_call",
            "name": "shell",
            "namespace": "n",
            "arguments": arguments,
            "call_id": "c1",
        },
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": json.dumps({"output": "a", "metadata": {"m": "x"}}),
        },
        {
            "type": "custom_tool_call",
            "name": "apply_patch",
            "input": "*** Begin",
            "call_id": "c2",
        },
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "done"}],
        },
        {
            "type": "local_shell_call",
            "call_id": "c3",
            "action": {"type": "exec", "command": ["ls"], "env": {"A": "b"}},
        },
        {"type": "local_shell_call_output", "call_id": "c3", "output": "b.asm"},
        {"type": "web_search_call", "action": {"query": "tides"}},
    ]
    git = {"branch": "main", "commit_hash": "abc", "repository_url": "ssh://host/x"}
    source: dict[str, Any] = {"subagent": {"thread_spawn": {"agent": "w"}}}
    records = [
        codex_meta(
            "s",
            git=git,
            originator="cli",
            base_instructions={"text": "be brief"},
            forked_from_id="p",
        ),
        {"type": "turn_context", "payload": {"cwd": "/src", "model": "m"}},
        {"type": "world_state", "payload": {"state": {"cwd": "/src"}}},
        codex("developer", "be careful"),
        codex("user", "<environment_context>cwd</environment_context>"),
        event("user_message", message="List"),
        codex("user", "List the files"),
        *(
            {"timestamp": "t", "type": "response_item", "payload": item}
            for item in items
        ),
        codex("assistant", ANSWER, phase="final_answer"),
        event("agent_message", message=ANSWER),
        {
            "type": "compacted",
            "payload": {
                "message": "m",
                "replacement_history": [codex("user", "List")["payload"]],
            },
        },
        codex("user", "again"),
        codex("assistant", f"{ANSWER} again"),
        event("thread_rolled_back", num_turns=1),
        event("turn_aborted", reason="interrupted"),
        (
            '{"type": "response_item", "payload": {"type": "message", "role": "user", '
            '"content": "wor'
        ),
    ]
    return {
        f"sessions/2026/05/09/{file}": records,
        "archived_sessions/rollout-9.jsonl": [codex_meta("t", source=source)],
    }


def _codex_bare() -> Folder:
    message = (
        codex("user", "bare question")["payload"],
        codex("assistant", ANSWER)["payload"],
    )
    header = {
        "id": "b",
        "timestamp": "2025-08-01",
        "instructions": "be brief",
        "git": {"branch": "main"},
    }
    return {
        "sessions/rollout-2025-08-01-b.jsonl": [
            header,
            {"record_type": "state"},
            *message,
        ]
    }


def _codex_document() -> Folder:
    items = [
        codex("user", "old question")["payload"],
        codex("assistant", ANSWER)["payload"],
    ]
    session = {"id": "a", "instructions": "be brief"}
    return {"sessions/rollout-2025-04-01-a.json": {"session": session, "items": items}}


def _gemini() -> list[dict[str, Any]]:
    result = [
        {"functionResponse": {"id": "x", "name": "read", "response": {"output": "LDA"}}}
    ]
    call = {
        "id": "x",
        "name": "read",
        "args": {"path": "a", "l": ["b"]},
        "result": result,
        "status": "success",
        "resultDisplay": "shown",
        "agentId": "g",
    }
    other = {
        **call,
        "id": "y",
        "result": [
            {"functionResponse": {"response": {"rows": ["z"]}}},
            {"text": "more"},
        ],
    }
    thought = {"subject": "Oil", "description": "count", "timestamp": "t"}
    return [
        gemini(
            "1",
            "user",
            [{"text": "Explain @a"}, "inlined"],
            displayContent="Explain @a",
        ),
        gemini(
            "2", "gemini", "", thoughts=[thought], toolCalls=[call, other], model="pro"
        ),
        gemini("5", "error", "quota"),
        gemini(
            "3",
            "gemini",
            [
                {"text": "hidden", "thought": True},
                {"functionCall": {"name": "f"}},
                {"text": ANSWER},
            ],
        ),
        gemini("4", "info", "a note"),
    ]


def _gemini_jsonl() -> Folder:
    head = {
        "sessionId": "s",
        "projectHash": "p",
        "startTime": "t",
        "kind": "main",
        "directories": ["/src"],
    }
    replaced = {
        "$set": {
            "messages": [
                gemini("6", "user", "replaced"),
                gemini("7", "gemini", ANSWER),
            ],
            "summary": "s",
        }
    }
    path = "tmp/saltmere/chats/session-2026-05-21T19-30-7d21c0f4.jsonl"
    return {
        path: [head, *_gemini(), {"$rewindTo": "4"}, '{"id": "broken'],
        path.replace("7d21", "8d21"): [head, replaced],
    }


def _history() -> Folder:
    inline = {
        "prompt": "inline?",
        "system": "be brief",
        "response": {"content": ANSWER},
    }
    messages = [
        {"role": "user", "content": [{"text": "listed?"}]},
        {"role": "assistant", "content": ANSWER},
    ]
    common = {
        "type": "model",
        "source": "cli",
        "op": "ask",
        "context_root": "/src",
        "metadata": {"model": "m"},
    }
    events = [
        {"id": "1", **common, "payload": inline},
        {
            "id": "2",
            **common,
            "payload_ref": "payloads/p.json",
            "payload_preview": "lis",
            "payload_sha256": "right",
        },
        {"id": "3", **common, "payload_ref": "../out.json", "payload_sha256": "right"},
        {
            "id": "4",
            **common,
            "payload_ref": "payloads/p.json",
            "payload_sha256": "wrong",
        },
        {"id": "5", **common, "type": "tool", "payload": {"args": "x"}},
        {
            "id": "6",
            **common,
            "payload_ref": "payloads/bad.json",
            "payload_sha256": "right",
        },
    ]
    return {
        "events_20260502.jsonl": events,
        "payloads/p.json": {"messages": messages},
        "payloads/bad.json": "[words",
    }


def _memory() -> Folder:
    entries = [
        {
            "instruction": "one",
            "input": "given",
            "output": ANSWER,
            "thinking": "hm",
            "tags": ["a"],
            "source": "x",
        },
        {
            "prompt": "two",
            "response": f"{ANSWER} 2",
            "labels": "b, c",
            "domain": "d",
            "context": {"k": "v"},
        },
        {"user": "three", "assistant": f"{ANSWER} 3", "tag": "z", "confidence": 0.5},
        {"title": "four", "content": f"{ANSWER} 4", "tags": ["allow_raw"]},
        '{"prompt": "broken',
    ]
    return {
        "entries.jsonl": entries,
        "list.json": {
            "entries": [{"prompt": "five", "response": f"{ANSWER} 5"}, "bare"]
        },
        "lantern.md": f"---\ntags: [allow_raw, lamp]\n---\n# The lantern\n\n{ANSWER} 6",
        "oil.txt": f"tags: allow_raw, oil\n{ANSWER} 7",
    }


FINAL = json.dumps(
    {"return_type": "give_answer", "final_answer": f"Low water at four. {ANSWER}"}
)
SYSTEM = "Specifically, you have access to the following APIs: [{'name': 'tide', 'description': 'tides', 'parameters': {'type': 'object', 'properties': {'port': {'description': 'name'}}}}]"  # noqa: E501


def _turns() -> list[dict[str, str]]:
    return [
        {"from": "system", "value": SYSTEM},
        {"from": "user", "value": "\nWhen is low water?\nBegin!\n"},
        {
            "from": "assistant",
            "value": '\nThought: try\nAction: tide\nAction Input: {"q": '
            '{"port": "Ellery"}}',
        },
        {"from": "function", "value": '{"low": "four"}'},
        {
            "from": "assistant",
            "value": f"\nThought: done\nAction: Finish\nAction Input: {FINAL}",
        },
    ]


def _toolbench_tree() -> Folder:
    call = {"name": "tide", "arguments": '{"port": "Ellery"}'}
    messages = [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": "look", "function_call": call},
        {"role": "function", "name": "tide", "content": '{"low": 16}'},
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "Finish", "arguments": FINAL},
        },
    ]
    functions = [
        {
            "name": "tide",
            "description": "d",
            "parameters": {"properties": {"port": {"description": "p"}}},
        }
    ]
    generated = {
        "query": "When?",
        "final_answer": FINAL,
        "function": functions,
        "train_messages": [messages],
    }
    queries = [
        {
            "query": "only asked",
            "api_list": [{"tool_name": "t"}],
            "relevant APIs": [["t", "u"]],
        }
    ]
    return {
        "answer/G1_answer/1_ChatGPT_DFS_woFilter_w2.json": {
            "answer_generation": generated,
            "tree": {"tree": "x"},
        },
        "instruction/G1_query.json": queries,
    }


def every_format() -> dict[str, tuple[str, Folder]]:
    """Name of the format -> (source type, folder)."""
    row = {"id": "Step 1: When is low water?", "conversations": _turns()}
    lists = {
        "from": [t["from"] for t in _turns()],
        "value": [t["value"] for t in _turns()],
    }
    document = {
        "sessionId": "s",
        "projectHash": "p",
        "summary": "x",
        "messages": _gemini(),
    }
    return {
        "claude": ("claude", _claude()),
        "codex-envelope": ("codex", _codex("rollout-2026-05-09T10-00-00-1.jsonl")),
        "codex-zst": ("codex", _codex("rollout-2026-05-09T10-00-00-1.jsonl.zst")),
        "codex-bare": ("codex", _codex_bare()),
        "codex-document": ("codex", _codex_document()),
        "gemini-json": ("gemini", {"tmp/p/chats/session-1.json": document}),
        "gemini-jsonl": ("gemini", _gemini_jsonl()),
        "history": ("history", _history()),
        "memory": ("memory", _memory()),
        "toolbench-json": ("toolbench", {"toolllama_G123_dfs_train.json": [row]}),
        "toolbench-tree": ("toolbench", _toolbench_tree()),
        "toolbench-parquet": (
            "toolbench",
            {"data/train-0.parquet": [{"id": row["id"], "conversations": lists}]},
        ),
    }
