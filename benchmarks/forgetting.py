"""Does rehearsal keep old knowledge? v1 learns one half of the domains, v2 the other
half, at several ratios.

    PYTHONPATH=. python benchmarks/forgetting.py data/scored/oracle.jsonl \\
        --output out/forgetting
    PYTHONPATH=. python benchmarks/forgetting_report.py out/forgetting \\
        --figure docs/rehearsal.svg

Base, v1 and every v2 are trained from the same rows with the project's own training.
Every cell leaves a file with the loss and the labelled tokens of each test row; a cell
whose file stands is not run again. Cells run seed by seed, `random` first, so that what
there is after a stop can be read.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from afs_stages.core import jsonl
from afs_stages.core.params.data import Policy
from afs_stages.core.params.model import BaseModelBlock, Train
from afs_stages.core.sample import TrainingSample
from afs_stages.dataset.policies import POLICIES as CHOICES
from afs_stages.dataset.policies import Samples

RATIOS = [0, 0.01, 0.05, 0.1, 0.25, 0.3]
POLICIES = ["random", "top_quality", "quality_diversity", "random_equal_text"]
"""The pipeline's, and a control: well-scored answers are longer, so that as many random
rows hold less text.
"""
Halves = dict[str, dict[str, list[TrainingSample]]]


@dataclass(frozen=True)
class Cell:
    """One v2: where it starts from, how much of the old it sees again, chosen how."""

    init: str
    ratio: float
    policy: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.init}-{self.ratio:g}-{self.policy}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "rows", type=Path, nargs="+", help="scored samples of at least two domains"
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS)
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    parser.add_argument(
        "--init", nargs="+", default=["base", "previous"], choices=["base", "previous"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows-per-half", type=int, default=300, help="at most")
    parser.add_argument(
        "--hidden-size",
        type=int,
        default=64,
        help="width of the base model, of 2 layers",
    )
    parser.add_argument("--vocab-size", type=int, default=1024)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--epochs", type=float, default=2)
    options = parser.parse_args()
    for seed in options.seeds:
        bench = Bench(options, seed, halves(options.rows, options.rows_per_half, seed))
        for cell in cells(options):
            bench.run(cell)
        print(f"seed {seed} is done", flush=True)


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """All cells of one seed, the most telling first."""
    for policy in options.policies:
        for init in options.init:
            for ratio in options.ratios:
                if ratio or policy == options.policies[0]:
                    yield Cell(init, ratio, policy if ratio else "none")


def halves(paths: list[Path], count: int, seed: int) -> Halves:
    """half -> part -> rows; domains alternate between the halves,
    groups never straddle train and test.
    """
    samples = [
        sample for path in paths for sample in jsonl.read_samples(path, jsonl.refuse)
    ]
    domains = sorted({sample.domain for sample in samples})
    out = {}
    for half, names in (("old", set(domains[::2])), ("new", set(domains[1::2]))):
        rows = sorted(
            (s for s in samples if s.domain in names),
            key=lambda s: hashed(s.sample_id, seed),
        )[:count]
        test = [s for s in rows if int(hashed(s.group, seed), 16) % 4 == 0]
        ids = {s.sample_id for s in test}
        out[half] = {"train": [s for s in rows if s.sample_id not in ids], "test": test}
    return out


@dataclass
class Bench:
    """The cells of one seed; base and v1 are made once."""

    options: argparse.Namespace
    seed: int
    data: Halves

    def run(self, cell: Cell) -> None:
        """Train and measure one cell, unless its file stands."""
        found = self.folder / f"{cell.name}.json"
        if found.is_file():
            return
        rows = rehearsed(self.data, cell.ratio, cell.policy, self.seed)
        start = self.v1 if cell.init == "previous" else None
        adapter = self.train(rows, self.folder / cell.name, start)
        self.note(
            found,
            adapter,
            {
                "init": cell.init,
                "ratio": cell.ratio,
                "policy": cell.policy,
                "rows": len(rows),
            },
        )
        shutil.rmtree(adapter)

    @property
    def folder(self) -> Path:
        """Where this seed's files lie."""
        return Path(self.options.output) / f"seed-{self.seed}"

    @cached_property
    def base(self) -> Any:
        """The base model, which has read the train rows of both
        halves as plain text.
        """
        from afs_stages.training.base_model import POINTER, resolve
        from afs_stages.training.tiny import pretrain

        folder = self.folder / "base"
        if not (folder / POINTER).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            block = BaseModelBlock(
                hidden_size=self.options.hidden_size,
                vocab_size=self.options.vocab_size,
                epochs=3,
                learning_rate=0.003,
                batch_tokens=2048,
            )
            pretrain(
                self.data["old"]["train"] + self.data["new"]["train"],
                block,
                self.seed,
                folder,
            )
            jsonl.write_json(
                folder / POINTER, {"kind": "tiny", "id": None, "revision": None}
            )
        return resolve(folder)

    @cached_property
    def v1(self) -> Path:
        """The adapter that has learnt the old half;
        it and the base are measured beside the cells.
        """
        adapter = self.folder / "v1"
        if not adapter.is_dir():
            self.train(self.data["old"]["train"], adapter, None)
        for name in ("base", "v1"):
            if not (self.folder / f"{name}.json").is_file():
                self.note(
                    self.folder / f"{name}.json", adapter, {"plain": name == "base"}
                )
        return adapter

    def train(
        self, rows: list[TrainingSample], output: Path, start: Path | None
    ) -> Path:
        """Train an adapter on rows as the pipeline does; returns its folder."""
        from afs_stages.training.train import TrainingRun
        from afs_stages.training.train import train as run

        path = output.with_suffix(".jsonl")
        with jsonl.open_write(path) as writer:
            for row in rows:
                writer.write(row)
        settings = Train(
            epochs=self.options.epochs,
            batch_size=2,
            gradient_accumulation_steps=1,
            learning_rate=0.005,
            max_length=self.options.max_length,
            save_steps=10_000,
        )
        run(
            TrainingRun(self.base, settings, self.seed, path, None, output, start),
            jsonl.refuse,
        )
        path.unlink()
        return output

    def note(self, path: Path, adapter: Path, facts: dict[str, Any]) -> None:
        """Write a cell's facts with the loss and the labelled tokens
        of every test row.
        """
        from contextlib import nullcontext

        from afs_stages.evaluation.losses import make_test_set, measure
        from afs_stages.training import lora
        from afs_stages.training.base_model import load_tokenizer
        from afs_stages.training.chat_rows import from_sample

        tokenizer = load_tokenizer(self.base)
        model, packed = lora.load_with_adapters(self.base, {"it": adapter})
        sets = [
            make_test_set(
                half,
                [from_sample(s) for s in parts["test"]],
                tokenizer,
                self.options.max_length,
            )
            for half, parts in self.data.items()
        ]
        with model.disable_adapter() if facts.get("plain") else nullcontext():
            measure(model, packed, sets, "it", 4096)
        halves = {
            tests.version: {
                "losses": [round(loss, 4) for loss in tests.losses["it"]],
                "tokens": tests.tokens,
            }
            for tests in sets
        }
        jsonl.write_json(
            path,
            {
                "seed": self.seed,
                "old_rows": len(self.data["old"]["train"]),
                **facts,
                **halves,
            },
        )


def rehearsed(
    data: Halves, ratio: float, policy: str, seed: int
) -> list[TrainingSample]:
    """The new rows with old ones, as many as make `ratio` of the whole."""
    new, old = data["new"]["train"], data["old"]["train"]
    count = min(len(old), round(ratio / (1 - ratio) * len(new)))
    return [*new, *choose(old, count, policy, seed)] if count else new


def choose(
    rows: list[TrainingSample], count: int, policy: str, seed: int
) -> list[TrainingSample]:
    """Rows by a policy; `random_equal_text` takes as many random ones as hold the text
    of `top_quality`'s answers.
    """
    if policy != "random_equal_text":
        return choose_by(policy, rows, count, seed)
    text = answers(choose_by("top_quality", rows, count, seed))
    chosen: list[TrainingSample] = []
    while answers(chosen) < text and len(chosen) < len(rows):
        chosen = choose_by("random", rows, len(chosen) + 1, seed)
    return chosen


def choose_by(
    policy: Policy, rows: list[TrainingSample], count: int, seed: int
) -> list[TrainingSample]:
    """Rows by one of the pipeline's policies."""
    found = Samples.of(rows)
    return found.at(CHOICES[policy](found, found.rows, count, seed, 0.5))


def hashed(text: str, seed: int) -> str:
    """A key that puts texts into an order that only the seed decides."""
    return hashlib.blake2b(f"{seed}\x1f{text}".encode(), digest_size=8).hexdigest()


def answers(rows: list[TrainingSample]) -> int:
    """Characters of all answers."""
    return sum(len(row.output) for row in rows)


if __name__ == "__main__":
    main()
