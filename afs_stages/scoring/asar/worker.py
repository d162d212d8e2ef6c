"""The parent's side of one worker process: send code, wait to a deadline, replace the
worker when it fails.
"""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

MAX_ANSWER = 2**20
MAX_CODE = 200_000
START_SECONDS = 20.0


Answer = dict[str, Any]
"""What a worker says of a snippet: `ok`, `errors`, `bytes`."""


class WorkerLost(Exception):
    """The worker died, answered nonsense or missed its deadline;
    its snippet has no result.
    """


class Worker:
    """A process that assembles one snippet at a time; started when first needed.

    Snippets are sent ahead and answers read as they come, so that neither side waits
    for the other between two snippets. The deadline is each snippet's own: it runs anew
    from the answer before.
    """

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self.command, self.timeout = list(command), timeout
        self.process: subprocess.Popen[bytes] | None = None

    def ask(
        self, codes: Sequence[str], most_losses: int = 1
    ) -> list[Answer | WorkerLost]:
        """The worker's answers, in order; a snippet that cost the worker its life has
        `WorkerLost` in its place. After `most_losses` of them no more are asked for.
        """
        answers: list[Answer | WorkerLost] = []
        losses = 0
        while len(answers) < len(codes) and losses < most_losses:
            try:
                if not self._alive():
                    self._start()
                    # loading takes longer than assembling: a first,
                    # harmless snippet pays for it
                    list(self._exchange([b"NOP\n"], START_SECONDS))
                waiting = [_plain(code) for code in codes[len(answers) :]]
                for answer in self._exchange(waiting, self.timeout):
                    # one by one: what came before a failure is kept
                    answers.append(answer)
            except (OSError, ValueError, msgspec.DecodeError) as error:
                self.kill()
                answers.append(WorkerLost(str(error) or type(error).__name__))
                losses += 1
        return answers

    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _exchange(self, codes: Sequence[bytes], timeout: float) -> Iterator[Answer]:
        """Each answer as it comes.
        Raises where the process ends, is late, or says what is no answer.
        """
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise ValueError("the worker has no pipes")
        source, target = process.stdout.fileno(), process.stdin.fileno()
        unsent = memoryview(
            b"".join(struct.pack("<I", len(code)) + code for code in codes)
        )
        unread, missing = bytearray(), len(codes)
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ)
            selector.register(target, selectors.EVENT_WRITE)
            while missing:
                ready = {
                    key.fd
                    for key, _ in selector.select(max(0.0, deadline - time.monotonic()))
                }
                if source in ready:
                    unread += _received(source)
                    for answer in _answers(unread, missing):
                        missing -= 1
                        deadline = time.monotonic() + timeout
                        yield answer
                if target in ready:
                    unsent = unsent[_sent(target, unsent) :]
                    if not unsent:
                        selector.unregister(target)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no answer within {timeout} s")
        if unread:
            # more answers than questions: nothing it says from here on belongs to
            # what it is asked
            self.kill()

    def _start(self) -> None:
        self.kill()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

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


def _plain(code: str) -> bytes:
    return code.encode("utf-8", "replace").replace(b"\0", b"")[:MAX_CODE]


def _sent(fd: int, data: memoryview) -> int:
    """Bytes taken; a process that has ended takes all, and what it answered before is
    still to be read.
    """
    try:
        return os.write(fd, data)
    except BrokenPipeError:
        return len(data)


def _received(fd: int) -> bytes:
    data = os.read(fd, 65536)
    if not data:
        raise OSError("the worker ended")
    return data


def _answers(unread: bytearray, most: int) -> Iterator[Answer]:
    """Take the whole frames, at most `most`, from what was read."""
    while most and len(unread) >= 4:
        (size,) = struct.unpack_from("<I", unread)
        if size > MAX_ANSWER:
            raise ValueError(f"an answer of {size} bytes")
        if len(unread) < 4 + size:
            return
        frame = bytes(unread[4 : 4 + size])
        del unread[: 4 + size]
        most -= 1
        yield _checked(msgspec.json.decode(frame))


def _checked(answer: Any) -> Answer:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get("ok"), bool)
        or not isinstance(errors, list)
    ):
        raise ValueError("not an answer")
    return {**answer, "errors": [str(error)[:300] for error in errors]}
