"""Rows no longer than the model takes, counted by its own tokenizer
and chat template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Fit
from afs_stages.core.sample import TrainingSample
from afs_stages.core.stage_report import StageReport
from afs_stages.dataset.formats import Style
from afs_stages.dataset.formats.openai import OpenAI

Count = Callable[[TrainingSample], int]
"""Tokens of a rendered sample."""
BINS = 16
CHARS_PER_TOKEN = 3
"""A first guess of how much a text must shrink; the tokenizer has the last word."""


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


def counter(tokenizer: Any, style: Style) -> Count:
    """A function that counts the tokens of a sample as it will be trained on."""
    render = OpenAI().render

    def count(sample: TrainingSample) -> int:
        row = render(sample, style)
        text = tokenizer.apply_chat_template(
            row["messages"], tools=row.get("tools"), tokenize=False
        )
        return len(
            tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        )

    return count


@dataclass
class Fitter:
    """Fits the rows of one model; `report` collects counts and the
    histogram of lengths.
    """

    count: Count
    params: Fit
    report: StageReport

    def __post_init__(self) -> None:
        self._histogram = [0] * BINS
        self._longest = self._total = 0

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
            for sample in jsonl.read_samples(source, rejects):
                if sample.source not in wanted:
                    continue
                self.report.rows_in += 1
                tokens = self.count(sample)
                self._measure(tokens)
                fitted = self._fit(sample, tokens)
                if fitted is None:
                    self.report.drop("over_long")
                    dropped.write(
                        {
                            "sample_id": sample.sample_id,
                            "reason": "over_long",
                            "tokens": tokens,
                        }
                    )
                else:
                    writer.write(fitted)
        self.report.rows_out += writer.count
        for reason, n in rejects.counts.items():
            self.report.rejected[reason] = self.report.rejected.get(reason, 0) + n

    def _measure(self, tokens: int) -> None:
        self._histogram[
            min(tokens * BINS // (2 * self.params.max_tokens), BINS - 1)
        ] += 1
        self._longest = max(self._longest, tokens)
        self._total += tokens

    def finish(self) -> None:
        """Put the lengths into the report; the histogram has equal bins over [0,
        2 max_tokens).
        """
        self.report.values = {
            "tokens": self._total,
            "longest": self._longest,
            "max_tokens": self.params.max_tokens,
            "lengths": self._histogram,
            "truncated": self.report.values.get("truncated", 0),
        }

    def _fit(self, sample: TrainingSample, tokens: int) -> TrainingSample | None:
        limit = self.params.max_tokens
        if tokens <= limit:
            return sample
        if self.params.over_long == "drop" or sample.messages is not None:
            return None
        output = sample.output
        while tokens > limit and len(output) > CHARS_PER_TOKEN:
            output = output[
                : max(
                    len(output) - (tokens - limit) * CHARS_PER_TOKEN, len(output) // 2
                )
            ].rstrip()
            shorter = msgspec.structs.replace(
                sample, output=output, metadata={**sample.metadata, "truncated": True}
            )
            tokens = self.count(shorter)
        if tokens > limit:
            return None
        self.report.values["truncated"] = self.report.values.get("truncated", 0) + 1
        return shorter


def fit_model(
    model: str, sources: list[str], count: Count, params: Fit, strict: bool = False
) -> StageReport:
    """Fit the split rows of a model's sources into data/fitted/<model>/."""
    report = StageReport("fit", model)
    fitter = Fitter(count, params, report)
    folder = layout.fitted(model, "train").parent
    with jsonl.open_write(folder / "dropped.jsonl") as dropped:
        for part in layout.PARTS:
            fitter.file(
                layout.split(part), layout.fitted(model, part), sources, dropped, strict
            )
    fitter.finish()
    if not report.rows_out:
        report.warn(f"no rows left for {model}: its sources are {', '.join(sources)}")
    return report
