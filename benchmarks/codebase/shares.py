"""How much of the answers of a codebase is a form: for each kind, the share of runs of
six words that stand in five answers or more, and of the ten commonest questions once
names, numbers and quotations are blanks.

    afs oracle generate --oracle-path <checkout> --output samples.jsonl
    python benchmarks/codebase/shares.py samples.jsonl
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from afs_stages.core import jsonl
from afs_stages.core.sample import TrainingSample

RUN, OFTEN, SHAPES = 6, 5, 10
_CODE = re.compile(r"```.*?```", re.DOTALL)
_BLANKS = re.compile(r"`[^`]*`|“[^”]*”|\$[0-9A-Fa-f]+|\b\d+\b")


def runs(answer: str) -> list[tuple[str, ...]]:
    """The runs of six words of an answer, its code left out."""
    words = _CODE.sub(" ", answer).split()
    return [tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]


def repeated(answers: list[str]) -> float:
    """The share of runs that stand in five answers or more."""
    found = [runs(answer) for answer in answers]
    answers_with = Counter(run for each in found for run in set(each))
    every = [run for each in found for run in each]
    return sum(answers_with[run] >= OFTEN for run in every) / max(len(every), 1)


def commonest(questions: list[str]) -> float:
    """The share of the ten commonest shapes of a question."""
    shapes = Counter(_BLANKS.sub("_", question) for question in questions)
    return sum(n for _, n in shapes.most_common(SHAPES)) / max(len(questions), 1)


def main() -> None:
    """Print a table for each file of samples."""
    for name in sys.argv[1:]:
        kinds: dict[str, list[TrainingSample]] = defaultdict(list)
        for sample in jsonl.read_samples(Path(name), jsonl.refuse):
            kinds[sample.domain].append(sample)
        print(f"\n{name}\n\n| domain | samples | six-word runs | ten questions |")
        print("|---|---|---|---|")
        for domain, samples in sorted(kinds.items()):
            form = repeated([sample.output for sample in samples])
            shapes = commonest([sample.instruction for sample in samples])
            print(f"| {domain} | {len(samples):,} | {form:.1%} | {shapes:.0%} |")


if __name__ == "__main__":
    main()
