"""The parent's side of one worker process: send code, wait to a deadline, replace the worker when it fails."""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import msgspec

MAX_ANSWER = 2**20
MAX_CODE = 200_000
START_SECONDS = 20.0


class WorkerLost(Exception):
    """The worker died, answered nonsense or missed its deadline; its snippet has no result."""


class Worker:
    """A process that assembles one snippet at a time; started when first needed."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self.command, self.timeout = list(command), timeout
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, code: str) -> dict[str, Any]:
        """The worker's answer. Raises `WorkerLost`; the next call starts a new process."""
        data = code.encode("utf-8", "replace").replace(b"\0", b"")[:MAX_CODE]
        try:
            if not self._alive():
                self._start()
                # loading takes longer than assembling: a first, harmless snippet pays for it
                self._exchange(b"NOP\n", time.monotonic() + START_SECONDS)
            answer = self._exchange(data, time.monotonic() + self.timeout)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self.kill()
            raise WorkerLost(str(error) or type(error).__name__) from None
        return answer

    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _exchange(self, data: bytes, deadline: float) -> dict[str, Any]:
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise ValueError("the worker has no pipes")
        self._write(process.stdin.fileno(), struct.pack("<I", len(data)) + data, deadline)
        (size,) = struct.unpack("<I", self._read(process.stdout.fileno(), 4, deadline))
        if size > MAX_ANSWER:
            raise ValueError(f"an answer of {size} bytes")
        answer = msgspec.json.decode(self._read(process.stdout.fileno(), size, deadline))
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool) or not isinstance(errors, list):
            raise ValueError("not an answer")
        return {**answer, "errors": [str(error)[:300] for error in errors]}

    def _start(self) -> None:
        self.kill()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={}, cwd="/", bufsize=0, start_new_session=True,
        )  # fmt: skip
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

    def _wait(self, fd: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(fd, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"no answer within {self.timeout} s")

    def _read(self, fd: int, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(fd, selectors.EVENT_READ, deadline)
            chunk = os.read(fd, min(size - len(data), 65536))
            if not chunk:
                raise OSError("the worker ended")
            data += chunk
        return bytes(data)

    def _write(self, fd: int, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(fd, selectors.EVENT_WRITE, deadline)
            view = view[os.write(fd, view) :]

    def kill(self) -> None:
        """End the process and everything it started."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
