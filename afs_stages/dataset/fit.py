"""Rows no longer than the model takes, counted by its own tokenizer
and chat template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UnusableRow, UserError
from afs_stages.core.params.data import Fit
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.shorten import (
    TOKENS_KEY,
    TURNS_KEY,
    TokenCounter,
    count_pieces,
    count_rows,
    shorten,
)

BINS = 16
CHARS_PER_TOKEN = 3
"""A first guess of how much a text must shrink; the tokenizer has the last word."""
BATCH_ROWS, BATCH_CHARS = 512, 2**20
"""Rows, or their characters, tokenised at a time: enough for the tokenizer's threads,
some tens of MB.
"""


def load_tokenizer(folder: Path) -> Any:
    """The model's tokenizer.
    Raises `UserError` where the folder holds none or no chat template.
    """
    from transformers import AutoTokenizer

    if (
        not (folder / "tokenizer.json").is_file()
        and not (folder / "tokenizer_config.json").is_file()
    ):
        raise UserError(
            "no tokenizer in this folder", where=str(folder), fix="dvc repro base-model"
        )
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    if not tokenizer.chat_template:
        raise UserError(
            "the tokenizer has no chat template",
            where=str(folder),
            fix="choose an instruct model",
        )
    return tokenizer


@dataclass
class Fitter:
    """Fits the rows of one model; `report` collects counts and the
    histogram of lengths.
    """

    tokens: TokenCounter
    params: Fit
    report: StageReport

    def __post_init__(self) -> None:
        self._histogram = [0] * BINS
        self._longest = self._total = 0
        self._truncated = 0
        self._shortened = {"rows": 0, "tokens": 0, "turns": 0}

    def file(
        self,
        source: Path,
        output: Path,
        sources: Iterable[str],
        dropped: jsonl.Writer,
        strict: bool,
    ) -> None:
        """Write the rows of the given sources that fit,
        shortened where the parameters say so.
        """
        wanted = set(sources)
        with (
            jsonl.open_rejects(output, strict) as rejects,
            jsonl.open_write(output) as writer,
        ):
            samples = jsonl.read_samples(source, rejects)
            own = (sample for sample in samples if sample.source in wanted)
            for batch in self._batches(own, dropped):
                for sample, tokens, fitted in self._fit(batch):
                    if fitted is not None:
                        writer.write(fitted)
                        continue
                    self._drop(dropped, sample, "over_long", tokens=tokens)
        self.report.rows_out += writer.count
        for reason, n in rejects.counts.items():
            self.report.rejected[reason] = self.report.rejected.get(reason, 0) + n

    def _batches(
        self, samples: Iterable[TrainingSample], dropped: jsonl.Writer
    ) -> Iterator[list[tuple[TrainingSample, list[str]]]]:
        """Samples and the pieces they are tokenised as, many at a time; those that the
        chat template does not take are dropped.
        """
        batch: list[tuple[TrainingSample, list[str]]] = []
        chars = 0
        for sample in samples:
            self.report.rows_in += 1
            try:
                pieces = self.tokens.pieces(sample)
            except UnusableRow as error:
                self._drop(dropped, sample, error.reason, detail=error.detail)
                continue
            batch.append((sample, pieces))
            chars += sum(map(len, pieces))
            if len(batch) == BATCH_ROWS or chars > BATCH_CHARS:
                yield batch
                batch, chars = [], 0
        if batch:
            yield batch

    def _drop(
        self, dropped: jsonl.Writer, sample: TrainingSample, reason: str, **facts: Any
    ) -> None:
        self.report.drop(reason)
        dropped.write({"sample_id": sample.sample_id, "reason": reason, **facts})

    def _fit(
        self, batch: list[tuple[TrainingSample, list[str]]]
    ) -> Iterator[tuple[TrainingSample, int, TrainingSample | None]]:
        """Each sample, its tokens, and what of it fits."""
        limit = self.params.max_tokens
        counts = count_pieces(self.tokens, [pieces for _, pieces in batch])
        long = [at for at, count in enumerate(counts) if count > limit]
        shorter = shorten(
            self.tokens,
            [batch[at][0] for at in long],
            [counts[at] for at in long],
            limit,
        )
        cut = dict(zip(long, shorter, strict=True))
        for at, (sample, _) in enumerate(batch):
            count = counts[at]
            self._measure(count)
            if count <= limit:
                yield sample, count, sample
                continue
            fitted = cut[at]
            if fitted is not None:
                self._shortened["rows"] += 1
                self._shortened["tokens"] += fitted.metadata.get(TOKENS_KEY, 0)
                self._shortened["turns"] += fitted.metadata.get(TURNS_KEY, 0)
            elif self.params.over_long == "truncate" and sample.messages is None:
                fitted = self._truncate(sample, count)
            yield sample, count, fitted

    def _measure(self, tokens: int) -> None:
        self._histogram[
            min(tokens * BINS // (2 * self.params.max_tokens), BINS - 1)
        ] += 1
        self._longest = max(self._longest, tokens)
        self._total += tokens

    def finish(self) -> None:
        """Put the lengths into the report, as the rows came; the histogram has equal
        bins over [0, 2 max_tokens).
        """
        self.report.values = {
            "tokens": self._total,
            "longest": self._longest,
            "max_tokens": self.params.max_tokens,
            "lengths": self._histogram,
            "truncated": self._truncated,
            "shortened": self._shortened,
        }

    def _truncate(self, sample: TrainingSample, tokens: int) -> TrainingSample | None:
        """The sample with as much of its answer as fits."""
        limit = self.params.max_tokens
        output = sample.output
        shorter = sample
        while tokens > limit and len(output) > CHARS_PER_TOKEN:
            guess = len(output) - (tokens - limit) * CHARS_PER_TOKEN
            output = output[: max(guess, len(output) // 2)].rstrip()
            shorter = msgspec.structs.replace(
                sample, output=output, metadata={**sample.metadata, "truncated": True}
            )
            tokens = count_rows(self.tokens, [shorter])[0]
        if tokens > limit:
            return None
        self._truncated += 1
        return shorter


def fit_model(
    model: str,
    sources: list[str],
    tokens: TokenCounter,
    params: Fit,
    strict: bool = False,
) -> StageReport:
    """Fit the split rows of a model's sources into data/fitted/<model>/."""
    report = StageReport("fit", model)
    fitter = Fitter(tokens, params, report)
    folder = layout.fitted(model, "train").parent
    with jsonl.open_write(folder / "dropped.jsonl") as dropped:
        for part in (*layout.PARTS, layout.RECALL_SET):
            fitter.file(
                layout.split(part), layout.fitted(model, part), sources, dropped, strict
            )
    fitter.finish()
    if not report.rows_out:
        report.warn(f"no rows left for {model}: its sources are {', '.join(sources)}")
    return report
