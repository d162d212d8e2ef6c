"""A pool of workers: snippets in, results in the same order out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

from afs_stages.core.errors import UserError
from afs_stages.quality.asar.find import FIX, find, worker_command
from afs_stages.quality.asar.stubs import MAX_ROUNDS, Stubbed, only_outside
from afs_stages.quality.asar.worker import Worker, WorkerLost
from afs_stages.quality.table import AssemblyResult

PROBE, PROBE_BYTES = "org $008000\nNOP\n", "ea"


class AsarPool:
    """asar in worker processes. `timeout` seconds are the deadline of one assembly."""

    def __init__(self, path: str = "", workers: int = 1, timeout: float = 2.0, command: Sequence[str] = ()) -> None:
        """Find asar and prove it by assembling `NOP`.

        `command` runs another worker program instead. Raises `UserError` where there is no asar, or
        where what was found is not asar: other programs bear the name.
        """
        self.command = list(command) or worker_command(place := find(path))
        self.name = str(command[-1]) if command else str(place)
        self.timeout = timeout
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._workers = [Worker(self.command, timeout) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put(worker)
        self._prove()

    def _prove(self) -> None:
        try:
            answer = self._workers[0].ask(PROBE)
        except WorkerLost as error:
            raise UserError(f"this is not the assembler asar: {error}", where=self.name, fix=FIX) from None
        if not answer["ok"] or not str(answer.get("bytes", "")).startswith(PROBE_BYTES):
            self.close()
            raise UserError("this is not the assembler asar: it did not assemble NOP", where=self.name, fix=FIX)

    def assemble(self, codes: Sequence[str], known: frozenset[str] = frozenset()) -> list[AssemblyResult]:
        """The results of snippets, in order; a snippet that cost a worker its life is `lost`.

        `known` names are the code base's own: they are stubbed too, and do not count as outside names.
        """
        if len(self._workers) == 1:
            return [self._one(code, known) for code in codes]
        with ThreadPoolExecutor(len(self._workers)) as threads:
            return list(threads.map(lambda code: self._one(code, known), codes))

    def _one(self, code: str, known: frozenset[str]) -> AssemblyResult:
        worker = self._idle.get()
        try:
            return _with_stubs(worker, code, known)
        except WorkerLost as error:
            return AssemblyResult("lost", 0, (f"no result: {error}",))
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _with_stubs(worker: Worker, code: str, known: frozenset[str]) -> AssemblyResult:
    """Try with the stubs that can be foreseen; failing that, with those asar asks for, one pass after another."""
    foreseen = Stubbed.foreseen(code)
    if foreseen.count:
        answer = worker.ask(foreseen.text())
        if answer["ok"] or only_outside(answer["errors"]):
            return _accepted(foreseen, answer["errors"], known)
    snippet = Stubbed(code)
    errors: list[str] = []
    for _ in range(MAX_ROUNDS + 1):
        answer = worker.ask(snippet.text())
        errors = answer["errors"]
        if answer["ok"] or only_outside(errors):
            return _accepted(snippet, errors, known)
        if answer.get("refused"):
            return AssemblyResult("lost", 0, tuple(errors))
        if not snippet.learn(errors):
            break
    return AssemblyResult("error", snippet.outside(known), tuple(errors[:8]) or ("asar gave no reason",))


def _accepted(snippet: Stubbed, errors: list[str], known: frozenset[str]) -> AssemblyResult:
    outside = snippet.outside(known) + len(set(errors))
    return AssemblyResult("stubs" if outside else "ok", outside)
