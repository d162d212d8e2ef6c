"""asar in a worker process: snippets in, results in the same order out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Self

from afs_stages.asm.opcode_table import AssemblyResult
from afs_stages.core.errors import UserError
from afs_stages.scoring.asar.find import FIX, find, worker_command
from afs_stages.scoring.asar.stubs import MAX_ROUNDS, Stubbed, only_outside
from afs_stages.scoring.asar.worker import Answer, Worker, WorkerLost

PROBE, PROBE_BYTES = "org $008000\nNOP\n", "ea"
MOST_LOSSES = 3
"""Workers lost in one batch, after which the rest is not tried: then it is asar or the
machine that fails, not the code, and each loss can cost a whole deadline.
"""
_UNTRIED = AssemblyResult(
    "untried", 0, (f"not tried: {MOST_LOSSES} workers were lost",)
)


class AsarAssembler:
    """asar in a worker process. `timeout` seconds are the deadline of one assembly."""

    def __init__(
        self, path: str = "", timeout: float = 2.0, command: Sequence[str] = ()
    ) -> None:
        """Find asar and prove it by assembling `NOP`.

        `command` runs another worker program instead. Raises `UserError` where there is
        no asar, or where what was found is not asar: other programs bear the name.
        """
        self.name = str(command[-1]) if command else str(find(path))
        self.worker = Worker(list(command) or worker_command(find(path)), timeout)
        self._prove()

    def _prove(self) -> None:
        (answer,) = self.worker.ask([PROBE])
        if isinstance(answer, WorkerLost):
            what = str(answer)
        elif answer["ok"] and str(answer.get("bytes", "")).startswith(PROBE_BYTES):
            return
        else:
            what = "it did not assemble NOP"
        self.close()
        raise UserError(
            f"this is not the assembler asar: {what}", where=self.name, fix=FIX
        )

    def assemble(
        self, codes: Sequence[str], known: frozenset[str] = frozenset()
    ) -> list[AssemblyResult]:
        """The results of a batch, in order. A snippet that cost a worker its life is
        `lost`; after `MOST_LOSSES` of them the rest is `untried`.

        `known` names are the code base's own: they are stubbed too,
        and do not count as outside names.
        """
        results = [_UNTRIED] * len(codes)
        trials = {index: _with_stubs(code, known) for index, code in enumerate(codes)}
        texts = {index: next(trial) for index, trial in trials.items()}
        losses = 0
        while texts and losses < MOST_LOSSES:
            answers = self.worker.ask(list(texts.values()), MOST_LOSSES - losses)
            asked = list(texts)
            texts = {}
            for index, answer in zip(asked, answers, strict=False):
                if isinstance(answer, WorkerLost):
                    losses += 1
                    results[index] = AssemblyResult(
                        "lost", 0, (f"no result: {answer}",)
                    )
                    continue
                try:
                    texts[index] = trials[index].send(answer)
                except StopIteration as end:
                    results[index] = end.value
        return results

    def close(self) -> None:
        """End the worker."""
        self.worker.kill()

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
            return AssemblyResult("untried", 0, tuple(errors))
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
