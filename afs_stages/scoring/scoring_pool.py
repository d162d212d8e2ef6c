"""Batches of rows scored by several processes, in order, with the same scores as one
process gives.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from afs_stages.core.sample import TrainingSample
from afs_stages.scoring.config import ScoringConfig
from afs_stages.scoring.context import Context
from afs_stages.scoring.peers import Peers
from afs_stages.scoring.scorer import QualityScore, QualityScorer, RowReading

Batch = tuple[Sequence[TrainingSample], Sequence[RowReading | None]]
"""Rows, and what is known already of each."""
Scored = tuple[list[QualityScore], list[RowReading]]
AHEAD = 2
"""Batches waiting for each process, so that none is idle and memory stays flat."""

_scorer: QualityScorer | None = None


def process_count(asked: int) -> int:
    """How many processes `workers` asks for; 0 is one for each processor."""
    return asked or len(os.sched_getaffinity(0))


def score_known(scorer: QualityScorer, batch: Batch) -> Scored:
    """Read the rows that are not known yet, and judge all."""
    samples, known = batch
    new = [sample for sample, one in zip(samples, known, strict=True) if one is None]
    fresh = iter(scorer.read_batch(new))
    readings = [one or next(fresh) for one in known]
    return scorer.judge(samples, readings), readings


def score_batches(
    scorer: QualityScorer, batches: Iterable[Batch], processes: int
) -> Iterator[tuple[Batch, Scored]]:
    """Each batch with its scores, in order."""
    if processes == 1:
        for batch in batches:
            yield batch, score_known(scorer, batch)
        return
    made_of = (scorer.config, scorer.context, scorer.peers)
    # started anew rather than forked: numerical libraries hold threads
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_start, initargs=made_of
    )
    waiting = deque[tuple[Batch, Future[Scored]]]()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(_work, batch)))
            if len(waiting) > processes * AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start(config: ScoringConfig, context: Context, peers: Peers | None) -> None:
    global _scorer
    _scorer = QualityScorer(config, context, peers)


def _work(batch: Batch) -> Scored:
    assert _scorer is not None
    return score_known(_scorer, batch)
