"""Why does ELECTRA from scratch learn so little?
One trial on the first fold, its settings as options.

    python benchmarks/discriminator/trials.py --code PATH_OF_A_CHECKOUT --epochs 12 \\
        --fresh --loss both

`--overfit 64` trains and tests on 64 real routines with one corruption each: whether
network and loss can learn at all. `--extra PATH…` adds the routines of other folders to
pre-training and training, but for those that share an eighth-unit run in ten with a
held-out routine.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from harder import foreign, runs
from measures import row

from afs_stages.scoring.corruptions import KINDS, corrupt
from afs_stages.scoring.discriminator import network
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.electra import edited_units
from afs_stages.scoring.discriminator.pairs import (
    Pair,
    file_folds,
    make_pairs,
    real_blocks,
)
from afs_stages.scoring.discriminator.tokens import Vocabulary, tokenise

SEED, FOLDS, PER_ROUTINE = 1, 5, 3
NEIGHBOURS = 7
"""Units mixed before attention with `--front`:
the one in question and three on each side.
"""
Example = tuple[list[int], list[int], bool]
"""(units with the class token, 1 where a unit is edited, genuine)"""


class Trial:
    """One network on one set of real routines and their corruptions."""

    def __init__(
        self, train: list[Pair], extra: list[str], given: argparse.Namespace
    ) -> None:
        self.train, self.extra, self.given = train, extra, given
        self.rng = random.Random(SEED)
        self.vocabulary = Vocabulary.of(
            [tokenise(p.code) for p in train if p.real] + [tokenise(c) for c in extra]
        )
        self.net = network.build(
            len(self.vocabulary.tokens), given.hidden, given.layers
        )
        if given.front:
            self.net.encoder = _mixed(self.net.encoder)
        _spread(self.net, given.std)

    def pretrain(self) -> None:
        """Replaced-token detection on the real code."""
        texts = [pair.code for pair in self.train if pair.real] + self.extra
        rows = [self.vocabulary.encode(tokenise(code)) for code in texts]
        width = network.MAX_UNITS - 1
        windows = [
            [network.CLS, *r[at : at + width]]
            for r in rows
            for at in range(0, len(r), width)
        ]
        network.pretrain(
            self.net,
            windows,
            self.given.pretrain,
            self.given.budget,
            self.given.rate,
            SEED,
        )

    def couples(self, epoch: int) -> Iterator[tuple[Example, Example]]:
        """Real routines beside corruptions of them;
        drawn anew each epoch with `--fresh`.
        """
        known: dict[str, list[str]] = {}
        for pair in self.train:
            if not pair.real:
                known.setdefault(pair.of, []).append(pair.code)
        sources = [(pair.code, pair.of) for pair in self.train if pair.real]
        sources += [
            (code, str(at))
            for at, code in enumerate(
                self.rng.sample(self.extra, min(len(self.extra), 1200))
            )
        ]
        for code, of in sources:
            least = 1 if self.given.overfit else PER_ROUTINE
            bad = (
                list(self._fresh(code, of, epoch))
                if self.given.fresh
                else known.get(of, [])
            )
            for made in self.rng.sample(bad, min(least, len(bad))):
                yield self._examples(code, made)

    def _fresh(self, code: str, of: str, epoch: int) -> Iterator[str]:
        for kind in self.rng.sample(KINDS, PER_ROUTINE):
            if made := corrupt(code, kind, f"{epoch}:{of}"):
                yield made

    def _examples(self, real: str, made: str) -> tuple[Example, Example]:
        units, other = tokenise(real), tokenise(made)
        marks = edited_units(units, other)
        at = next((i for i, mark in enumerate(marks) if mark), 0)
        return self._window(units, [0] * len(units), at, True), self._window(
            other, marks, at, False
        )

    def _window(
        self, units: list[str], marks: list[int], at: int, real: bool
    ) -> Example:
        width = network.MAX_UNITS
        start = max(0, min(len(units) - width, at - width // 2))
        ids = self.vocabulary.encode(units)
        return (
            [network.CLS, *ids[start : start + width]],
            [0, *marks[start : start + width]],
            real,
        )

    def finetune(self) -> None:
        """Learn from couples, all epochs."""
        parameters = list(self.net.parameters())
        count = sum(1 for _ in self._batches(0))
        optimizer, schedule = network._optimizer(
            parameters, self.given.rate, (count + 2) * self.given.epochs
        )
        self.net.train()
        for epoch in range(self.given.epochs):
            for batch in self._batches(epoch):
                network._step(self._loss(batch), optimizer, schedule, parameters)

    def _batches(self, epoch: int) -> Iterator[list[Example]]:
        couples = list(self.couples(epoch))
        sizes = [2 * max(len(example[0]) for example in couple) for couple in couples]
        groups = list(network.batches(sizes, self.given.budget))
        random.Random(epoch).shuffle(groups)
        for group in groups:
            yield [example for i in group for example in couples[i]]

    def _loss(self, batch: list[Example]) -> Any:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits as against
        from torch.nn.functional import logsigmoid

        ids, mask = network.pad([example[0] for example in batch])
        marks, _ = network.pad([[1 + mark for mark in example[1]] for example in batch])
        units, snippet = self.net(ids, mask)
        if self.given.head == "units":
            snippet = -units.masked_fill(mask == 0, -30).amax(1)
        edited = (marks == 2).float()
        loss = 2.0 * against(
            units[mask == 1], edited[mask == 1], pos_weight=torch.tensor(10.0)
        )
        if self.given.loss in ("pair", "both"):
            loss = loss - logsigmoid(snippet[0::2] - snippet[1::2]).mean()
        if self.given.loss in ("point", "both"):
            loss = loss + against(
                snippet, torch.tensor([float(example[2]) for example in batch])
            )
        return loss

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """Log-odds of each text, that of its worst window."""
        scores, rows, owner = [float("inf")] * len(pairs), [], []
        for index, pair in enumerate(pairs):
            ids = self.vocabulary.encode(tokenise(pair.code)) or [0]
            for at in range(0, len(ids), network.MAX_UNITS):
                rows.append([network.CLS, *ids[at : at + network.MAX_UNITS]])
                owner.append(index)
        for group in network.batches([len(made) for made in rows], 4096):
            for at, value in zip(
                group, self._judged([rows[i] for i in group]), strict=True
            ):
                scores[owner[at]] = min(scores[owner[at]], value)
        return scores

    def _judged(self, rows: list[list[int]]) -> list[float]:
        import torch

        self.net.eval()
        with torch.inference_mode():
            found: list[float] = self.net(*network.pad(rows))[1].tolist()
        return found


def _spread(net: Any, std: float) -> None:
    """Draw the matrices anew, wider than 0.02,
    which suits networks ten times as broad.
    """
    import torch

    for parameter in net.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=std)


def _mixed(encoder: Any) -> Any:
    """The encoder behind a layer that mixes each unit with its neighbours."""
    import torch

    class Mixed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.config = encoder, encoder.config
            width = encoder.config.embedding_size
            self.mix = torch.nn.Conv1d(
                width, 2 * width, NEIGHBOURS, padding=NEIGHBOURS // 2
            )
            self.out = torch.nn.Linear(2 * width, width)

        def forward(self, ids: Any, attention_mask: Any) -> Any:
            seen = self.encoder.embeddings.word_embeddings(
                ids
            ) * attention_mask.unsqueeze(-1)
            mixed = torch.nn.functional.gelu(self.mix(seen.transpose(1, 2))).transpose(
                1, 2
            )
            return self.encoder(
                inputs_embeds=seen + self.out(mixed), attention_mask=attention_mask
            )

    return Mixed()


def few(train: list[Pair], count: int) -> list[Pair]:
    """Real routines with one corruption each."""
    rng, found = random.Random(0), []
    for of in sorted({pair.of for pair in train})[:count]:
        own = [pair for pair in train if pair.of == of]
        found += [
            next(p for p in own if p.real),
            rng.choice([p for p in own if not p.real]),
        ]
    return found


def unlike(folders: list[Path], test: list[Pair]) -> list[str]:
    """Routines of other folders that are not those held out."""
    held = set().union(*(runs(pair.code) for pair in test if pair.real))
    texts = dict.fromkeys(block.code for folder in folders for block in foreign(folder))
    return [code for code in texts if len(runs(code) & held) <= 0.1 * len(runs(code))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--extra", type=Path, nargs="*", default=[])
    parser.add_argument("--overfit", type=int, default=0)
    for name, value in (
        ("hidden", 64),
        ("layers", 2),
        ("budget", 2048),
        ("pretrain", 0),
        ("epochs", 12),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--std", type=float, default=0.12, help="of the first weights")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument(
        "--front", action="store_true", help="mix neighbours before attention"
    )
    parser.add_argument("--loss", choices=("point", "pair", "both"), default="both")
    parser.add_argument("--head", choices=("mix", "units"), default="mix")
    given = parser.parse_args()
    unique = list(
        {block.key: block for block in real_blocks(folder_samples(given.code))}.values()
    )
    pairs, folds = list(make_pairs(unique, SEED)), file_folds(unique, FOLDS, SEED)
    train = [pair for pair in pairs if folds[pair.file]]
    test = [pair for pair in pairs if not folds[pair.file]]
    if given.overfit:
        train = test = few(train, given.overfit)
    with network.repeatable(SEED):
        trial = Trial(train, unlike(given.extra, test), given)
        started = time.perf_counter()
        if given.pretrain:
            trial.pretrain()
        trial.finetune()
    print(
        f"{time.perf_counter() - started:.0f} s; seen {row(train, trial.score(train))}"
    )
    print(f"held out {row(test, trial.score(test))}")


if __name__ == "__main__":
    main()
