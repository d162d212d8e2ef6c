"""A real server on this machine, asked over HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.greedy_answer import expected

QUESTION = [{"role": "user", "content": "Which address opens the gate in case 51-3?"}]


@pytest.fixture
def server(project: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `afs model serve veran`, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "afs_stages.cli", "model", "serve", "veran"]
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=file, stderr=file
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 200
        while True:
            try:
                ask(address, "/health")
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def ask(address: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address + path, data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        whole: bytes = answer.read()
    return whole


def test_the_version_in_use_answers_as_it_does_here(server: str) -> None:
    models = json.loads(ask(server, "/v1/models"))
    assert [one["id"] for one in models["data"]] == ["veran-v5"]
    body = {"model": "veran-v5", "messages": QUESTION, "max_tokens": 12}
    body["temperature"] = 0
    whole = json.loads(ask(server, "/v1/chat/completions", body))
    answer = whole["choices"][0]["message"]["content"]
    assert answer == expected("v5", QUESTION, 12)
    streamed = ask(server, "/v1/chat/completions", {**body, "stream": True})
    events = [
        line[6:] for line in streamed.decode().splitlines() if line[:6] == "data: "
    ]
    parts = [
        json.loads(event)["choices"][0]["delta"] for event in events if event[0] == "{"
    ]
    assert "".join(part.get("content") or "" for part in parts) == answer
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(server, "/v1/chat/completions", {**body, "model": "somebody/else"})
