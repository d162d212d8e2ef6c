"""Does a model keep what it knew? A chain of versions learns one set of facts after the
other, with and without rehearsal, from the base and from the version before.

    PYTHONPATH=. python benchmarks/evidence/model/chain.py ROWS.jsonl \\
        --base models/base --name smollm2 [--seeds 1 2] [--ratios 0 0.3] [--facts 60]

`ROWS.jsonl` are samples of a codebase as `export` or `score` writes them; `--base` is
any folder or hub id@revision. Every training sees `--tokens` tokens, with rehearsal or
without: what is rehearsed takes the place of repetitions of the new. Each version is
asked for the facts of all versions, in wordings nobody trained. A version's file holds
which questions it answered right, and no text of the codebase; a version whose file
stands is not trained again unless a later one starts from it. `run.py` prints the
tables.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path[:1] = [str(ROOT)]

from afs_stages.core import jsonl  # noqa: E402
from afs_stages.core.hashes import file_hash, value_hash  # noqa: E402
from afs_stages.core.params.model import Evaluate, Train  # noqa: E402
from afs_stages.core.sample import TrainingSample  # noqa: E402
from afs_stages.training.chat_rows import ChatRow  # noqa: E402
from benchmarks.evidence.model.facts import (  # noqa: E402
    Fact,
    divided,
    hashed,
    read_facts,
)

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Condition:
    """How versions after the first are trained."""

    init: str
    ratio: float

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"{self.init}-{self.ratio:g}"


def main(words: Sequence[str] | None = None) -> None:
    """Run every condition of every seed, the most telling first."""
    options = parsed(words)
    facts = read_facts(options.rows, options.wordings, options.shortest)
    facts = short_enough(facts, options)
    for seed in options.seeds:
        sets = divided(facts, options.versions, options.facts, seed)
        chain = Chain(options, seed, sets)
        chain.measure_base()
        for init in options.init:
            for ratio in options.ratios:
                chain.run(Condition(init, ratio))
        print(f"seed {seed} is done", flush=True)


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path, nargs="+", help="samples of a codebase")
    parser.add_argument("--base", required=True, help="folder or hub id@revision")
    parser.add_argument("--name", required=True, help="folder of the results")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, default=Path("out/evidence-model"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ratios", type=float, nargs="+", default=[0, 0.3])
    parser.add_argument(
        "--init", nargs="+", default=["previous", "base"], choices=["base", "previous"]
    )
    parser.add_argument("--versions", type=int, default=3)
    parser.add_argument("--facts", type=int, default=60, help="of each version")
    parser.add_argument("--wordings", type=int, default=4, help="of each direction")
    parser.add_argument(
        "--shortest", action="store_true", help="the shortest wordings of a fact"
    )
    parser.add_argument("--system", default="", help="system prompt of every row")
    parser.add_argument("--tokens", type=int, default=60_000, help="of each training")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument(
        "--anchor", type=float, default=0.0, help="share of the base's own text, on top"
    )
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--batch-tokens", type=int, default=4096)
    return parser.parse_args(words)


def chats(system: str) -> Callable[[TrainingSample], ChatRow]:
    """How rows are shown: as `convert` does, with this system prompt."""
    from afs_stages.core.params.data import Convert
    from afs_stages.training.style import as_converted

    return as_converted(Convert(system_prompt=system))


def short_enough(facts: list[Fact], options: argparse.Namespace) -> list[Fact]:
    """The facts without the rows that do not fit `--max-length` tokens; a fact that
    keeps no row is left out. Says how many of each.
    """
    from afs_stages.training.base_model import load_tokenizer, resolve
    from afs_stages.training.encode import encode_rows

    as_chat = chats(options.system)
    tokenizer = load_tokenizer(resolve(options.base))
    rows = 0
    for fact in facts:
        before = len(fact.trained)
        fact.trained = [
            row
            for row in fact.trained
            if not encode_rows(tokenizer, [as_chat(row)], options.max_length)[1]
        ]
        rows += before - len(fact.trained)
    kept = [fact for fact in facts if fact.trained]
    if rows:
        lost = len(facts) - len(kept)
        print(f"too long: {rows} rows, and with them {lost} facts", flush=True)
    return kept


@dataclass
class Chain:
    """The versions of one seed; `sets` are the facts that each of them learns."""

    options: argparse.Namespace
    seed: int
    sets: list[list[Fact]]
    adapters: dict[str, Path] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        """Where this seed's files lie."""
        return Path(self.options.output) / self.options.name / f"seed-{self.seed}"

    @property
    def work(self) -> Path:
        """Where adapters and training rows lie; nothing there is kept."""
        return Path(self.options.work) / self.options.name / f"seed-{self.seed}"

    @cached_property
    def base(self) -> Any:
        """The base model."""
        from afs_stages.training.base_model import resolve

        return resolve(self.options.base)

    def run(self, condition: Condition) -> None:
        """Train and measure the versions of one condition; the first is everyone's."""
        before = ""
        for number in range(1, len(self.sets) + 1):
            name = "v1" if number == 1 else f"{condition.name}-v{number}"
            start = before if number > 1 and condition.init == "previous" else ""
            later = number < len(self.sets) and condition.init == "previous"
            self.version(name, number, condition.ratio, start, later)
            before = name

    def version(
        self, name: str, number: int, ratio: float, start: str, later: bool
    ) -> None:
        """Train and measure one version, unless its file stands and no later version
        needs its adapter.
        """
        path = self.results / f"{name}.json"
        adapter = self.work / name
        has_adapter = (adapter / "training.json").is_file()
        if path.is_file() and (has_adapter or not later):
            return
        rows = self.rows_of(number, ratio if number > 1 else 0.0)
        facts = self.train(rows, adapter, self.work / start if start else None)
        if not path.is_file():
            self.note(path, adapter, number, ratio, rows, facts)

    def measure_base(self) -> None:
        """What the base knows without any adapter. It is asked with the first version's
        adapter switched off.
        """
        path = self.results / "base.json"
        if path.is_file():
            return
        self.version("v1", 1, 0.0, "", True)
        jsonl.write_json(
            path, {**self.about(), "right": self.ask(self.work / "v1", False)}
        )

    def rows_of(self, number: int, ratio: float) -> list[TrainingSample]:
        """The new rows with as many of earlier versions as make `ratio` of the whole,
        drawn at random.
        """
        new = [row for fact in self.sets[number - 1] for row in fact.trained]
        old = [
            row
            for facts in self.sets[: number - 1]
            for fact in facts
            for row in fact.trained
        ]
        count = min(len(old), round(ratio / (1 - ratio) * len(new)))
        old.sort(key=lambda row: hashed(row.sample_id, self.seed))
        return new + old[:count]

    def train(
        self, rows: list[TrainingSample], output: Path, start: Path | None
    ) -> dict[str, Any]:
        """Train an adapter on rows for as many tokens as every other; returns its
        training.json.
        """
        from afs_stages.training.base_model import load_tokenizer
        from afs_stages.training.encode import encode_rows
        from afs_stages.training.train import TrainingRun
        from afs_stages.training.train import train as run

        if output.is_dir():
            shutil.rmtree(output)
        length = self.options.max_length
        as_chat = chats(self.options.system)
        encoded = [as_chat(row) for row in rows]
        items, dropped = encode_rows(load_tokenizer(self.base), encoded, length)
        if dropped:
            raise SystemExit(f"rows that do not fit {length} tokens: {dropped}")
        once = sum(len(item.ids) for item in items)
        path = output.with_suffix(".jsonl")
        with jsonl.open_write(path) as writer:
            writer.write_many(chat.to_dict() for chat in encoded)
        settings = Train(
            epochs=self.options.tokens / once,
            r=self.options.rank,
            alpha=2 * self.options.rank,
            batch_size=1,
            gradient_accumulation_steps=1,
            learning_rate=self.options.learning_rate,
            max_length=length,
            dtype=self.options.dtype,
            anchor={"share": self.options.anchor},
            save_steps=100,
        )
        job = TrainingRun(self.base, settings, self.seed, path, None, output, start)
        return run(job, jsonl.refuse)

    def ask(self, adapter: Path, switched_on: bool = True) -> dict[str, list[Any]]:
        """Version -> [fact, whether the answer is right] of every question for its
        facts; the fact as a hash, so that no text of the codebase is kept.
        """
        from contextlib import nullcontext

        from afs_stages.evaluation import knowledge
        from afs_stages.training import lora
        from afs_stages.training.base_model import load_tokenizer

        as_chat = chats(self.options.system)
        model, _ = lora.load_with_adapters(self.base, {"it": adapter})
        quizzes = []
        for number, facts in enumerate(self.sets, 1):
            rows = [as_chat(row) for fact in facts for row in fact.asked]
            quizzes.append(
                knowledge.make_quiz(f"v{number}", rows, len(rows), self.seed)
            )
        params = Evaluate(batch_tokens=self.options.batch_tokens)
        with nullcontext() if switched_on else model.disable_adapter():
            knowledge.ask(model, load_tokenizer(self.base), quizzes, "it", params)
        return {quiz.version: list(_told(quiz)) for quiz in quizzes}

    def note(
        self,
        path: Path,
        adapter: Path,
        number: int,
        ratio: float,
        rows: list[TrainingSample],
        facts: dict[str, Any],
    ) -> None:
        """Write what a version was trained on and what it knows."""
        told = {
            **self.about(),
            "version": number,
            "ratio": ratio,
            "rows": len(rows),
            "tokens": facts["tokens_seen"],
            "steps": facts["steps"],
            "last_loss": facts["loss"]["last"],
            "right": self.ask(adapter),
        }
        jsonl.write_json(path, told)
        print(f"{path}: {counted(told['right'])}", flush=True)

    def about(self) -> dict[str, Any]:
        """What all files of a seed have in common; rows by hash, not by name."""
        options = vars(self.options)
        kept = ("facts", "wordings", "rank", "learning_rate", "max_length", "dtype")
        kept += ("system", "shortest")
        return {
            "seed": self.seed,
            "base": value_hash([self.base.hash])[:12],
            "inputs": [file_hash(path)[:12] for path in self.options.rows],
            **{key: options[key] for key in kept},
            "anchor": options["anchor"],
            "token_budget": self.options.tokens,
        }


def _told(quiz: Any) -> Iterator[list[Any]]:
    for question, right in zip(quiz.questions, quiz.right("it"), strict=True):
        yield [hashed(question.fact, 0)[:8], int(right)]


def counted(right: dict[str, list[Any]]) -> str:
    """`v1 40/48, v2 0/48`."""
    return ", ".join(
        f"{name} {sum(hit for _, hit in rows)}/{len(rows)}"
        for name, rows in right.items()
    )


if __name__ == "__main__":
    main()
