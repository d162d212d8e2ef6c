"""A pool of workers: snippets in, results in the same order out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

from afs_stages.asm.opcode_table import AssemblyResult
from afs_stages.core.errors import UserError
from afs_stages.scoring.asar.find import FIX, find, worker_command
from afs_stages.scoring.asar.stubs import MAX_ROUNDS, Stubbed, only_outside
from afs_stages.scoring.asar.worker import Answer, Worker, WorkerLost

PROBE, PROBE_BYTES = "org $008000\nNOP\n", "ea"
PART = 32
"""Snippets sent to a worker at once: enough to keep it busy, few enough that all
workers end together.
"""
_UNTRIED = AssemblyResult("lost", 0, ())


class AsarPool:
    """asar in worker processes. `timeout` seconds are the deadline of one assembly."""

    def __init__(
        self,
        path: str = "",
        workers: int = 1,
        timeout: float = 2.0,
        command: Sequence[str] = (),
    ) -> None:
        """Find asar and prove it by assembling `NOP`.

        `command` runs another worker program instead. Raises `UserError` where there is
        no asar, or where what was found is not asar: other programs bear the name.
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
        (answer,) = self._workers[0].ask([PROBE])
        if isinstance(answer, WorkerLost):
            raise UserError(
                f"this is not the assembler asar: {answer}", where=self.name, fix=FIX
            )
        if not answer["ok"] or not str(answer.get("bytes", "")).startswith(PROBE_BYTES):
            self.close()
            raise UserError(
                "this is not the assembler asar: it did not assemble NOP",
                where=self.name,
                fix=FIX,
            )

    def assemble(
        self, codes: Sequence[str], known: frozenset[str] = frozenset()
    ) -> list[AssemblyResult]:
        """The results of snippets, in order; a snippet that cost a worker
        its life is `lost`.

        `known` names are the code base's own: they are stubbed too,
        and do not count as outside names.
        """
        results: list[AssemblyResult] = [_UNTRIED] * len(codes)
        trials = {index: _with_stubs(code, known) for index, code in enumerate(codes)}
        texts = {index: next(trial) for index, trial in trials.items()}
        while texts:
            answers = dict(zip(texts, self._ask(list(texts.values())), strict=True))
            texts = {}
            for index, answer in answers.items():
                if isinstance(answer, WorkerLost):
                    results[index] = AssemblyResult(
                        "lost", 0, (f"no result: {answer}",)
                    )
                    continue
                try:
                    texts[index] = trials[index].send(answer)
                except StopIteration as end:
                    results[index] = end.value
        return results

    def _ask(self, texts: list[str]) -> list[Answer | WorkerLost]:
        """Answers in order; the texts go to the workers a handful at a time,
        whoever is free next.
        """
        parts = [texts[start : start + PART] for start in range(0, len(texts), PART)]
        if len(self._workers) == 1 or len(parts) == 1:
            return [answer for part in parts for answer in self._part(part)]
        with ThreadPoolExecutor(len(self._workers)) as threads:
            return [
                answer
                for answers in threads.map(self._part, parts)
                for answer in answers
            ]

    def _part(self, texts: list[str]) -> list[Answer | WorkerLost]:
        worker = self._idle.get()
        try:
            return worker.ask(texts)
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


def _with_stubs(
    code: str, known: frozenset[str]
) -> Generator[str, Answer, AssemblyResult]:
    """Texts to try, answers in, the result at the end.

    First with the stubs that can be foreseen; failing that, with those asar asks for,
    one pass after another.
    """
    foreseen = Stubbed.foreseen(code)
    if foreseen.count:
        answer = yield foreseen.text()
        if answer["ok"] or only_outside(answer["errors"]):
            return _accepted(foreseen, answer["errors"], known)
    snippet = Stubbed(code)
    errors: list[str] = []
    for _ in range(MAX_ROUNDS + 1):
        answer = yield snippet.text()
        errors = answer["errors"]
        if answer["ok"] or only_outside(errors):
            return _accepted(snippet, errors, known)
        if answer.get("refused"):
            return AssemblyResult("lost", 0, tuple(errors))
        if not snippet.learn(errors):
            break
    return AssemblyResult(
        "error", snippet.outside(known), tuple(errors[:8]) or ("asar gave no reason",)
    )


def _accepted(
    snippet: Stubbed, errors: list[str], known: frozenset[str]
) -> AssemblyResult:
    outside = snippet.outside(known) + len(set(errors))
    return AssemblyResult("stubs" if outside else "ok", outside)
